//! `boxoffice jobs`: what happens by itself, and what of it has failed for good.

use anyhow::ensure;
use clap::{Args, Subcommand};
use event_log::{Clock, SystemClock};
use processes::jobs::{self, JobRow, JobState};
use serde_json::json;

use crate::database::{Database, DatabaseAccess};
use crate::output;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// List jobs, newest first
    List(ListOptions),
    /// Give dead jobs a fresh set of tries; a running server takes them up within seconds
    Rerun(RerunOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ListOptions {
    /// Only those in this state: queued, done or dead
    #[arg(long, value_name = "STATE")]
    state: Option<JobState>,
    #[arg(long, default_value_t = 50, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Answer with a line of JSON per job
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RerunOptions {
    /// The job, by the number `jobs list` shows
    #[arg(required_unless_present = "all_dead")]
    id: Option<i64>,
    /// Every dead job
    #[arg(long, conflicts_with = "id")]
    all_dead: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(options) => list(options).await,
        Command::Rerun(options) => rerun(options).await,
    }
}

async fn list(options: ListOptions) -> anyhow::Result<()> {
    let database = Database::for_command(&options.database).await?;
    let jobs = jobs::list(&database.pool, options.state, options.limit).await;
    database.close().await;
    for job in jobs? {
        output::line(if options.json { as_json(&job) } else { as_text(&job) });
    }
    Ok(())
}

async fn rerun(options: RerunOptions) -> anyhow::Result<()> {
    let database = Database::for_command(&options.database).await?;
    let now = SystemClock.now();
    let count = match options.id {
        Some(id) => jobs::rerun(&database.pool, id, now).await.map(u64::from),
        None => jobs::rerun_dead(&database.pool, now).await,
    };
    database.close().await;
    let count = count?;
    ensure!(options.all_dead || count == 1, "no dead job has this number");
    output::line(format!("{count} queued again"));
    Ok(())
}

fn as_text(job: &JobRow) -> String {
    let JobRow {
        id,
        kind,
        key,
        state,
        attempts,
        run_at,
        last_error,
        ..
    } = job;
    let error = last_error
        .as_deref()
        .map(|error| format!("  {error}"))
        .unwrap_or_default();
    format!(
        "{id}  {state}  {kind}  {key}  tries {attempts}  due {}{error}",
        run_at.to_rfc3339()
    )
}

fn as_json(job: &JobRow) -> String {
    json!({
        "id": job.id,
        "kind": job.kind,
        "key": job.key,
        "payload": job.payload,
        "state": job.state,
        "attempts": job.attempts,
        "run_at": job.run_at,
        "last_error": job.last_error,
        "finished_at": job.finished_at,
    })
    .to_string()
}
