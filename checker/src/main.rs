//! `boxoffice-checker`: judges a log from outside, with what clients were told beside it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use checker::{Report, Task, check};
use clap::Parser;

/// Exit code when the log could not be judged.
const NOT_JUDGED: u8 = 2;

/// Checks a boxoffice log from outside: exit 0 if everything holds, 1 with each violation named, 2 if it could not look
#[derive(Debug, Parser)]
#[command(name = "boxoffice-checker", version)]
struct Options {
    /// The database with the log
    #[arg(long, env = "DATABASE_URL")]
    database_url: String,
    /// What a client was told, one JSON object a line: `ticket_id`, `room_id`, `kind` (`hold`, `captured`, `issued`) and,
    /// where known, `position` and `buyer`; may be given several times
    #[arg(long, value_name = "FILE")]
    acknowledged: Vec<PathBuf>,
    /// How long to wait for what is in flight
    #[arg(long, value_name = "N", default_value_t = 0)]
    after_seconds: u64,
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match judge(&options).await {
        Ok(report) => {
            print(&report, options.json);
            ExitCode::from(u8::from(!report.ok))
        }
        Err(error) => {
            complain(&error);
            ExitCode::from(NOT_JUDGED)
        }
    }
}

async fn judge(options: &Options) -> anyhow::Result<Report> {
    let task = Task {
        database: options.database_url.parse().context("read --database-url")?,
        acknowledged: options.acknowledged.clone(),
        patience: Duration::from_secs(options.after_seconds),
    };
    Ok(check(&task).await?)
}

#[expect(clippy::print_stdout, reason = "the verdict belongs on stdout")]
fn print(report: &Report, as_json: bool) {
    match serde_json::to_string(report) {
        Ok(json) if as_json => println!("{json}"),
        _ => println!("{report}"),
    }
}

#[expect(clippy::print_stderr, reason = "there is no verdict")]
fn complain(error: &anyhow::Error) {
    eprintln!("boxoffice-checker: {error:#}");
}
