//! `boxoffice projections`: how far each read model is, and filling one anew from the log.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use event_log::{EventLog, LogLimits, PostgresLog};
use projections::{View, ViewStatus};
use serde_json::json;

use crate::database::{Database, DatabaseAccess};
use crate::output;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// How far each read model has followed the log
    List(ListOptions),
    /// Fill a read model anew beside the old one, and switch readers over when it is complete
    Rebuild(RebuildOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ListOptions {
    /// Answer with a line of JSON per read model
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RebuildOptions {
    /// The read model, as `projections list` names it
    #[arg(value_parser = parse_view, required_unless_present = "all", conflicts_with = "all")]
    view: Option<View>,
    /// Every read model, in one pass over the log
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(super) fn parse_view(name: &str) -> anyhow::Result<View> {
    let known = || {
        View::ALL
            .iter()
            .map(|view| view.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    name.parse()
        .map_err(|_| anyhow!("no read model has this name; there are {}", known()))
}

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(options) => {
            let database = Database::for_command(&options.database).await?;
            let views = projections::list(&database.pool).await;
            database.close().await;
            for view in views? {
                output::line(if options.json { as_json(&view) } else { as_text(&view) });
            }
            Ok(())
        }
        Command::Rebuild(options) => {
            let database = Database::for_command(&options.database).await?;
            let rebuilt = rebuild(&database, options.view).await;
            database.close().await;
            rebuilt
        }
    }
}

/// One view, or all of them.
async fn rebuild(database: &Database, view: Option<View>) -> anyhow::Result<()> {
    let log: Arc<dyn EventLog> = PostgresLog::for_reading(database.pool.clone(), &LogLimits::default());
    match view {
        Some(view) => rebuild_one(log, database, view).await,
        None => rebuild_all(log, database).await,
    }
}

async fn rebuild_one(log: Arc<dyn EventLog>, database: &Database, view: View) -> anyhow::Result<()> {
    let report = projections::rebuild(log, &database.pool, view).await;
    let report = report.with_context(|| format!("rebuild {view}"))?;
    output::line(format!(
        "{view} rebuilt from {} events in {:.1} s, {} events/s, now at position {}",
        report.events,
        report.elapsed.as_secs_f32(),
        per_second(report.events, report.elapsed),
        report.position
    ));
    Ok(())
}

async fn rebuild_all(log: Arc<dyn EventLog>, database: &Database) -> anyhow::Result<()> {
    let report = projections::rebuild_all(log, &database.pool).await;
    let report = report.context("rebuild all read models")?;
    for view in &report.views {
        output::line(format!("{} now at position {}", view.view, view.position));
    }
    output::line(format!(
        "all rebuilt from {} events in {:.1} s, {} events/s",
        report.events,
        report.elapsed.as_secs_f32(),
        per_second(report.events, report.elapsed)
    ));
    Ok(())
}

fn per_second(events: u64, elapsed: Duration) -> u128 {
    u128::from(events) * 1_000_000 / elapsed.as_micros().max(1)
}

fn as_text(view: &ViewStatus) -> String {
    let ViewStatus {
        name,
        version,
        position,
        head,
        lag,
    } = view;
    format!("{name}  version {version}  at {position} of {head}  behind by {lag}")
}

fn as_json(view: &ViewStatus) -> String {
    json!({
        "name": view.name,
        "version": view.version,
        "position": view.position,
        "head": view.head,
        "lag": view.lag,
    })
    .to_string()
}
