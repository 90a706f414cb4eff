//! boxoffice sells tickets to live audio rooms, and runs the rooms.
//!
//! This package is the binary: settings, wiring, one file per subcommand. It is a library too so that its integration tests
//! and its demo share one outside client.

use std::process::ExitCode;

mod cli;
pub mod client;
mod commands;
mod config;
mod database;
pub mod demo;
mod hex;
mod lifecycle;
pub mod managed;
pub mod output;
mod pace;
mod rehearsal;
mod telemetry;
mod whatif;
mod wiring;

/// Runs the command line to its end.
pub fn main() -> ExitCode {
    #[cfg(feature = "esdb")]
    if config::names_event_store()
        && let Err(error) = event_log_esdb::EventStore::claim_tls()
    {
        output::remark(format!("boxoffice: {error}"));
        return ExitCode::FAILURE;
    }
    install_crypto_providers();
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            output::remark(format!("boxoffice: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Both are process-wide and first come, first served: without rustls' every HTTP client panics when it is made, and
/// without jsonwebtoken's the LiveKit library installs one that knows only shared secrets.
pub fn install_crypto_providers() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let _ = jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.install_default();
}
