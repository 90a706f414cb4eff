//! `boxoffice project`: a projection that an analyst writes in SQL.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use analytics::project::{Fold, FoldPlan, SchemaName, Script};
use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::moment::Until;
use crate::database::{Database, DatabaseAccess};
use crate::output;
use crate::pace::{self, EXIT_STOPPED, Pace};

const NAME_CHARS_MAX: usize = 100;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The statements: what follows `-- boxoffice:setup` is run once, what follows `-- boxoffice:page` for each page of events,
    /// with `:after` and `:until` as its positions
    #[arg(long, value_name = "FILE")]
    sql: PathBuf,
    /// Where to: a schema, which is made if it is not there
    #[arg(long, value_name = "SCHEMA")]
    into: SchemaName,
    /// What the fold is called in there; the file's name if absent
    #[arg(long)]
    name: Option<String>,
    /// As of when: a log position, a day or a time; the log's end if absent
    #[arg(long, value_name = "POSITION|TIME", conflicts_with = "follow")]
    until: Option<Until>,
    /// Go on with what is recorded later, until stopped
    #[arg(long)]
    follow: bool,
    /// Run the setup again, and begin at the first event
    #[arg(long)]
    anew: bool,
    /// Events of a page, at most
    #[arg(long, default_value_t = 20_000, value_name = "EVENTS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    page: u64,
    /// How long a page may take
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    page_seconds: u64,
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let path = options.sql.display();
    let text = std::fs::read_to_string(&options.sql).with_context(|| format!("read {path}"))?;
    let script: Script = text.parse().with_context(|| format!("understand {path}"))?;
    let stem = || options.sql.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = options.name.clone().or_else(stem).unwrap_or_default();
    ensure!(
        (1..=NAME_CHARS_MAX).contains(&name.chars().count()),
        "a fold needs a name of at most {NAME_CHARS_MAX} characters: --name"
    );
    let database = Database::for_command(&options.database).await?;
    let folded = project(&database, &options, (name, script)).await;
    database.close().await;
    folded
}

async fn project(database: &Database, options: &Options, (name, script): (String, Script)) -> anyhow::Result<ExitCode> {
    let up_to = match options.until {
        Some(until) => {
            let position = until.into_moment().position(&database.pool).await;
            Some(position.context("--until")?)
        }
        None => None,
    };
    let plan = FoldPlan {
        schema: options.into.clone(),
        name,
        script,
        anew: options.anew,
        anew_if_changed: false,
        page: options.page,
        page_limit: Duration::from_secs(options.page_seconds),
        up_to,
        follow: options.follow,
    };
    fold(database, plan, options.json).await
}

/// Runs a fold to its end, and says what it did.
pub(super) async fn fold(database: &Database, plan: FoldPlan, as_json: bool) -> anyhow::Result<ExitCode> {
    let (schema, name) = (plan.schema.clone(), plan.name.clone());
    let mut fold = Fold::open(&database.pool, plan).await.context("open the fold")?;
    let up_to = fold.end().await?;
    let (reached, cancel) = (fold.watch(), CancellationToken::new());
    let pace = Pace::new(fold.position(), up_to);
    let (outcome, elapsed) = pace::watched(fold.run(&cancel), pace, || *reached.borrow(), &cancel).await?;
    fold.close().await;
    let report = outcome.with_context(|| format!("fold {name} into {schema}"))?;
    let events = report.position - report.from;
    let per_second = pace::per_second(events, elapsed);
    if as_json {
        output::line(json!({
            "schema": schema.as_str(),
            "name": name,
            "position": report.position,
            "events": events,
            "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            "events_per_second": per_second,
            "outcome": if report.is_stopped { "stopped" } else { "reached" },
        }));
    } else {
        let position = report.position;
        output::line(if report.is_stopped {
            format!("{name} in {schema} stopped at position {position}: the same command goes on from there")
        } else {
            format!("{name} in {schema} is at position {position}: {events} events, {per_second} events/s")
        });
    }
    Ok(if report.is_stopped {
        ExitCode::from(EXIT_STOPPED)
    } else {
        ExitCode::SUCCESS
    })
}
