//! A node of the double in a process of its own, alone or for as long as a command runs.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use esdb_fake::{EsdbFake, Store};

const USAGE: &str = "A double of EventStoreDB, which keeps everything in memory.

usage: esdb-fake [--listen HOST:PORT] [--as SCHEME] [COMMAND [ARGUMENT]...]

Runs the command with LOG_URL set to the double's address, esdb:// unless SCHEME says otherwise, and ends with it and as it
does. Without a command it says its address and runs until it is ended.
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "esdb-fake: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = arguments.into_iter();
    let (mut listen, mut scheme) = (SocketAddr::from(([127, 0, 0, 1], 0)), "esdb".to_owned());
    let program = loop {
        match arguments.next() {
            Some(option) if option == "--help" => {
                std::io::stdout().write_all(USAGE.as_bytes())?;
                return Ok(ExitCode::SUCCESS);
            }
            Some(option) if option == "--listen" => {
                listen = arguments.next().ok_or("--listen wants an address")?.parse()?;
            }
            Some(option) if option == "--as" => scheme = arguments.next().ok_or("--as wants a scheme")?,
            program => break program,
        }
    };
    let double = EsdbFake::listen(Arc::new(Store::default()), listen)?;
    let url = double.url().replacen("esdb", &scheme, 1);
    let Some(program) = program else {
        writeln!(std::io::stdout(), "{url}")?;
        loop {
            std::thread::park();
        }
    };
    let status = Command::new(program).args(arguments).env("LOG_URL", url).status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
