//! The binary `boxoffice`.

use std::process::ExitCode;

fn main() -> ExitCode {
    boxoffice::main()
}
