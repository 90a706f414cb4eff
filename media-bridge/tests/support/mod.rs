//! A real media server, the bridge and its gate before it, and real audio clients.

mod doors;
mod sfu;
pub(crate) mod stage;

pub(crate) use sfu::Sfu;
pub(crate) use stage::Stage;

use std::path::PathBuf;

/// A tool of the workspace, unless the environment names another.
pub(crate) fn tool(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(default),
        PathBuf::from,
    )
}

/// The HTTP client of the tests panics without a provider. A second installation is refused, which is fine.
pub(crate) fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
