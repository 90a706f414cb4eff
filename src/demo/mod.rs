//! `boxoffice demo`: one room from schedule to payout, played over HTTP and WebRTC as outside clients would.
//!
//! Every figure of the closing line is measured in the run. An expectation that fails ends the demo with a sentence that
//! says what was expected and what came.

mod books;
mod cast;
mod figures;
mod sale;
mod show;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::client::{Server, ServerOptions};
use crate::output;

use cast::Cast;
use figures::Figures;

/// Plays a whole sale, room and payout on a fresh shop, and checks what comes out.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The Python that has the `livekit` package, for the audio clients.
    #[arg(long, env = "BOXOFFICE_PYTHON", default_value = ".tools/venv/bin/python")]
    python: PathBuf,
    /// Keep the shop's data here instead of throwing it away.
    #[arg(long)]
    keep: Option<PathBuf>,
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
    let server = Server::start(ServerOptions {
        binary: std::env::current_exe().context("finding this program")?,
        data_dir,
        listen: "127.0.0.1:0".to_owned(),
        environment: Vec::new(),
    })
    .await?;
    say(format!("the API is at {}", server.base_url()));
    let mut figures = Figures::default();
    let played = play(&server, &options, &mut figures).await;
    let stopped = server.stop().await;
    played?;
    stopped.context("stopping the shop")?;
    figures.seconds = started.elapsed().as_secs();
    output::line("");
    output::line(figures.to_json()?);
    Ok(())
}

async fn play(server: &Server, options: &Options, figures: &mut Figures) -> Result<()> {
    let mut cast = Cast::gather(server).await?;
    sale::play(&mut cast, figures).await?;
    show::play(&mut cast, &options.python, figures).await?;
    books::play(server, &cast, figures).await
}
