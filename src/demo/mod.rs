//! `boxoffice demo`: a shop of its own, played over HTTP and WebRTC as outside clients would.
//!
//! The first act is one room from schedule to payout; the second follows the money of a shared room through all that can
//! happen to it; the third is an evening in a live room; the fourth takes the log as evidence. Every figure of the closing
//! line is measured in the run. An expectation that fails ends the demo with a sentence that says what was expected and what
//! came.

mod audit;
mod doors;
mod ledger;
mod live;
mod money;
mod people;
mod room;
mod tickets;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;

use crate::client::{Server, ServerOptions};
use crate::output;

/// Plays a whole sale, room and payout on a fresh shop, and checks what comes out.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// What is played: a room from schedule to payout, what can happen to its money, an evening in a live room, or the
    /// log as evidence
    #[arg(long, value_enum, default_value_t = ActName::Room, value_name = "ACT")]
    act: ActName,
    /// The Python that has the `livekit` package, for the audio clients.
    #[arg(long, env = "BOXOFFICE_PYTHON", default_value = ".tools/venv/bin/python")]
    python: PathBuf,
    /// Keep the shop's data here instead of throwing it away.
    #[arg(long)]
    keep: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum ActName {
    Room,
    Money,
    Live,
    Audit,
}

/// A line of the story.
fn say(text: impl AsRef<str>) {
    output::line(format!("· {}", text.as_ref()));
}

fn act(title: &str) {
    output::line(format!("\n{title}"));
}

pub async fn run(options: Options) -> Result<()> {
    let started = Instant::now();
    let scratch = tempfile::Builder::new()
        .prefix("boxoffice-demo-")
        .tempdir()
        .context("making a scratch directory")?;
    let data_dir = options.keep.clone().unwrap_or_else(|| scratch.path().to_owned());
    act("Opening a shop: a private PostgreSQL, a livekit-server, the sandbox payment provider");
    match options.act {
        ActName::Room => {
            let server = open(&data_dir, Vec::new()).await?;
            let played = room::play(&server, &options.python).await;
            close(server, played, started).await
        }
        ActName::Live => {
            let recorder = [
                ("BOXOFFICE_RECORDER", "built-in".to_owned()),
                ("BOXOFFICE_PYTHON", options.python.display().to_string()),
            ];
            let environment = recorder.map(|(name, value)| (name.to_owned(), value)).to_vec();
            let server = open(&data_dir, environment).await?;
            let played = live::play(&server, &options.python).await;
            close(server, played, started).await
        }
        ActName::Audit => {
            let server = open(&data_dir, Vec::new()).await?;
            let played = audit::play(&server, &options.python).await;
            close(server, played, started).await
        }
        ActName::Money => {
            let mut server = open(&data_dir, money::rules(&data_dir)?).await?;
            let played = money::play(&mut server, &options.python).await;
            close(server, played, started).await
        }
    }
}

async fn open(data_dir: &Path, environment: Vec<(String, String)>) -> Result<Server> {
    let server = Server::start(ServerOptions {
        binary: std::env::current_exe().context("finding this program")?,
        data_dir: data_dir.to_owned(),
        listen: "127.0.0.1:0".to_owned(),
        environment,
    })
    .await?;
    say(format!("the API is at {}", server.base_url()));
    Ok(server)
}

#[derive(Serialize)]
struct ClosingLine<F> {
    demo: &'static str,
    #[serde(flatten)]
    figures: F,
    seconds: u64,
}

/// Closes the shop however the act went, and has the last word if it went well.
async fn close<F: Serialize + Send>(server: Server, played: Result<F>, started: Instant) -> Result<()> {
    let stopped = server.stop().await;
    let figures = played?;
    stopped.context("stopping the shop")?;
    let closing = ClosingLine {
        demo: "ok",
        figures,
        seconds: started.elapsed().as_secs(),
    };
    output::line("");
    output::line(serde_json::to_string(&closing).context("writing the closing line")?);
    Ok(())
}
