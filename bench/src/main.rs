//! `boxoffice-bench` measures boxoffice on this machine, beside what others reach on it, in one run.
//!
//! How it measures is written down in `docs/PERFORMANCE.md`; the tables there are made by it.

mod cli;
mod harness;
mod load;
mod measure;
mod peer;
mod sim;
mod world;

use std::process::ExitCode;

use boxoffice::output;

/// Ours and the stock peers use the same allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    boxoffice::install_crypto_providers();
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            output::remark(format!("boxoffice-bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
