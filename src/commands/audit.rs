//! `boxoffice audit`: three questions about one room, answered by folds over the raw log that share nothing with the rules.
//! Exit code 0: the rule holds; 1: it does not; 2: nobody can tell, because the log cannot be read or is not what was recorded.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use archive::{Bundle, RawEvent, Trust, Verdict};
use checker::Entry;
use checker::audit::{Audit, Change, Outcome, Question, audit_database};
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::bundle::{NOT_JUDGED, TrustOptions, judge, verified};
use crate::database::{Database, DatabaseAccess};
use crate::output;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Held and sold seats of a room are never more than its capacity
    Capacity(Options),
    /// Whatever was captured for tickets of a room is in a ticket, with somebody who earned it, or back
    Money(Options),
    /// Nobody was inside a room without a right to be
    Access(Options),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The room's id
    room: Uuid,
    /// Read this bundle, once it is verified, instead of a database
    #[arg(long, value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustOptions,
    /// Answer with a line of JSON for each change, and one for the outcome
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let (question, options) = match command {
        Command::Capacity(options) => (Question::Capacity, options),
        Command::Money(options) => (Question::Money, options),
        Command::Access(options) => (Question::Access, options),
    };
    let audit = Audit::new(question, options.room);
    let outcome = match &options.bundle {
        Some(path) => over_bundle(path, &options, audit).await,
        None => over_database(&options, audit).await,
    };
    match outcome {
        Ok(holds) => Ok(ExitCode::from(u8::from(!holds))),
        Err(error) => {
            output::remark(format!("boxoffice: {error:#}"));
            Ok(ExitCode::from(NOT_JUDGED))
        }
    }
}

async fn over_database(options: &Options, audit: Audit) -> anyhow::Result<bool> {
    let database = Database::for_command(&options.database).await?;
    let connect = database.pool.connect_options();
    begin(&audit, options.json);
    let outcome = audit_database(&connect, audit, |change| show(change, options.json)).await;
    database.close().await;
    let outcome = outcome.context("read the log")?;
    if options.json {
        output::line(serde_json::to_string(&outcome)?);
    } else {
        report(&outcome);
    }
    Ok(outcome.holds)
}

/// The audit rests on what was recorded, or says nothing: all of the bundle is verified before any of it is shown, and once more
/// while it is read.
async fn over_bundle(path: &Path, options: &Options, audit: Audit) -> anyhow::Result<bool> {
    let (bundle, trust, verdict) = judge(path, &options.trust).await?;
    let summary = match verdict {
        Verdict::Verified(summary) => summary,
        Verdict::Broken(flaw) => bail!("the bundle is broken {flaw}"),
    };
    if !options.json {
        output::line(verified(&bundle, &summary));
    }
    begin(&audit, options.json);
    let outcome = read(&bundle, &trust, audit, options.json).await?;
    if options.json {
        let mut line = serde_json::to_value(&outcome)?;
        line["signed"] = serde_json::to_value(&summary.vouched)?;
        output::line(line);
    } else {
        report(&outcome);
    }
    Ok(outcome.holds)
}

async fn read(bundle: &Arc<Bundle>, trust: &Trust, mut audit: Audit, as_json: bool) -> anyhow::Result<Outcome> {
    let verdict = archive::check(
        bundle,
        trust,
        |events: &mut Vec<Kept>, event: &RawEvent<'_>| events.push(Kept::of(event)),
        async |events: Vec<Kept>| {
            for event in &events {
                audit
                    .take(&event.entry())
                    .iter()
                    .for_each(|change| show(change, as_json));
            }
            Ok(())
        },
    )
    .await?;
    if let Verdict::Broken(flaw) = verdict {
        bail!("the bundle was changed while it was read: it is broken {flaw}");
    }
    Ok(audit.finish())
}

fn begin(audit: &Audit, as_json: bool) {
    if !as_json {
        output::line(header(audit.question()));
    }
}

/// An event of a segment that waits for its turn.
struct Kept {
    position: u64,
    sequence: u64,
    recorded_at: i64,
    hash: [u8; 32],
    names: [String; 4],
    payload: Vec<u8>,
}

impl Kept {
    fn of(event: &RawEvent<'_>) -> Self {
        let leaf = &event.leaf;
        let names = [
            leaf.aggregate_type,
            leaf.aggregate_id,
            leaf.event_type,
            leaf.event_version,
        ];
        Self {
            position: leaf.position,
            sequence: leaf.sequence,
            recorded_at: leaf.recorded_at.timestamp_micros(),
            hash: event.hash,
            names: names.map(str::to_owned),
            payload: leaf.payload.to_vec(),
        }
    }

    fn entry(&self) -> Entry<'_> {
        let [aggregate_type, aggregate_id, event_type, event_version] = &self.names;
        Entry {
            position: self.position,
            aggregate_type,
            aggregate_id,
            sequence: self.sequence,
            event_type,
            event_version,
            payload: &self.payload,
            metadata: b"{}",
            recorded_at: self.recorded_at,
            hash: &self.hash,
        }
    }
}

fn header(question: Question) -> String {
    let columns = question.columns().iter();
    let figures = columns.map(|name| format!("{name:>width$}", width = width(name)));
    let figures: Vec<String> = figures.collect();
    format!(
        "{}\n{:>10}  {:<24}{}",
        question.rule(),
        "position",
        "event",
        figures.join("  ")
    )
}

fn show(change: &Change, as_json: bool) {
    if as_json {
        output::line(serde_json::to_string(change).unwrap_or_default());
        return;
    }
    let figures = change.columns.iter().zip(&change.figures).map(|(name, figure)| {
        let text = match figure {
            serde_json::Value::Null => "–".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        format!("{text:>width$}", width = width(name))
    });
    let figures: Vec<String> = figures.collect();
    let mark = if change.ok { "" } else { "  WRONG" };
    output::line(format!(
        "{:>10}  {:<24}{}{mark}",
        change.position,
        change.event,
        figures.join("  ")
    ));
}

/// Ids and times have a width of their own.
fn width(column: &str) -> usize {
    match column {
        "who" | "ticket" => 36,
        "from" | "until" => 24,
        name => name.len().max(8),
    }
}

fn report(outcome: &Outcome) {
    for wrong in &outcome.wrong {
        output::line(wrong);
    }
    let verdict = if outcome.holds { "holds" } else { "does NOT hold" };
    output::line(format!(
        "{}: {verdict} at every position up to {}; {} changes, {} wrong",
        outcome.rule, outcome.head, outcome.changes, outcome.wrong_count
    ));
}
