//! The binary `boxoffice`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// What one thread allocates another frees, for every request: glibc's allocator spends a fifth of a core on that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    boxoffice::main()
}
