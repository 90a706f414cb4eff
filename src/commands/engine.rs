//! `boxoffice log move`: the log of a database goes to an engine of its own.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use clap::Args;
use event_log::copied::{MoveError, move_log as to_other_log};
use event_log::{EventLog as _, LogLimits, LogSettings, PostgresLog, SystemClock};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::EngineOptions;
use crate::database::{Database, DatabaseAccess};
use crate::output;
use crate::pace::{self, EXIT_STOPPED, Pace};
use crate::wiring::log::reach;

#[derive(Clone, Debug, Args)]
pub(crate) struct MoveOptions {
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineOptions,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn move_log(options: &MoveOptions) -> anyhow::Result<ExitCode> {
    let engine = options.engine.engine()?.context("LOG_URL is missing: where to?")?;
    let database = Database::for_command(&options.database).await?;
    let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
    let moved = async {
        let (pool, limits) = (database.pool.clone(), LogLimits::default());
        let own = PostgresLog::connect_with(
            database.hosts.clone(),
            pool,
            // Nothing is appended to it here, whatever it is by now.
            LogSettings {
                is_copy: true,
                ..LogSettings::default()
            },
            &tracker,
            cancel.clone(),
        );
        let own = own.await.context("open the log")?;
        let other = reach(&engine, limits, Arc::new(SystemClock), (&tracker, &cancel)).await?;
        let (stop, at) = (CancellationToken::new(), AtomicU64::new(0));
        let progress = |position| {
            at.store(position, Ordering::Relaxed);
            if stop.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let up_to = own.head().await.context("read the end of the log")?.position;
        let work = to_other_log(&*other, &own, progress);
        let position = || at.load(Ordering::Relaxed);
        pace::watched(work, Pace::new(0, up_to), position, &stop).await
    }
    .await;
    cancel.cancel();
    tracker.close();
    tracker.wait().await;
    database.close().await;
    let (outcome, elapsed) = moved?;
    match outcome {
        Ok(events) if options.json => {
            output::line(
                json!({ "events": events, "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX) }),
            );
            Ok(ExitCode::SUCCESS)
        }
        Ok(events) => {
            output::line(format!(
                "moved: {events} events in {:.1} s; from now on `serve` wants LOG_URL",
                elapsed.as_secs_f32()
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(stopped @ MoveError::Stopped { .. }) => {
            output::remark(format!("{stopped}; run it again to go on"));
            Ok(ExitCode::from(EXIT_STOPPED))
        }
        Err(error) => Err(error).context("move the log"),
    }
}
