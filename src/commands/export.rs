//! `boxoffice export`: the log as files of other programs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use analytics::parquet::{self, ExportPlan};
use anyhow::Context;
use clap::{Args, Subcommand};
use event_log::{LogLimits, PostgresLog};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::moment;
use crate::database::{Database, DatabaseAccess};
use crate::output;
use crate::pace::{self, EXIT_STOPPED, Pace};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Parquet: a folder for each day and event type. A folder that is there goes on behind what it holds
    Parquet(ParquetOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ParquetOptions {
    /// Where to
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The first position of a new folder
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Parquet(options) = command;
    let database = Database::for_command(&options.database).await?;
    let exported = export(&database, &options).await;
    database.close().await;
    exported
}

async fn export(database: &Database, options: &ParquetOptions) -> anyhow::Result<ExitCode> {
    let log = PostgresLog::for_reading(database.pool.clone(), &LogLimits::default());
    let head = moment::position(database, None).await?;
    let plan = ExportPlan {
        folder: options.folder.clone(),
        from: options.from,
    };
    let (reached, cancel) = (AtomicU64::new(options.from.unwrap_or(0)), CancellationToken::new());
    let show = |position| reached.store(position, Ordering::Relaxed);
    let work = parquet::export(&*log, &database.pool, &plan, show, &cancel);
    let pace = Pace::new(options.from.unwrap_or(0), head);
    let (outcome, elapsed) = pace::watched(work, pace, || reached.load(Ordering::Relaxed), &cancel).await?;
    let report = outcome.with_context(|| format!("export into {}", options.folder.display()))?;
    let events = report.reached - report.from;
    let per_second = pace::per_second(events, elapsed);
    let (position, files) = (report.reached, report.files);
    if options.json {
        output::line(json!({
            "folder": options.folder,
            "position": position,
            "events": events,
            "files": files,
            "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            "events_per_second": per_second,
            "outcome": if report.is_stopped { "stopped" } else { "reached" },
        }));
    } else {
        let ended = if report.is_stopped {
            "stopped at"
        } else {
            "holds everything up to"
        };
        output::line(format!(
            "{} {ended} position {position}: {events} events in {files} files, {per_second} events/s",
            options.folder.display()
        ));
    }
    Ok(if report.is_stopped {
        ExitCode::from(EXIT_STOPPED)
    } else {
        ExitCode::SUCCESS
    })
}
