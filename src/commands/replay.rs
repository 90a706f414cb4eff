//! `boxoffice replay`: read models beside the live ones, as of any moment, under the rules that were or under others.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use projections::View;
use projections::replay::{self, Outcome, Replay, ReplayPlan, ReplaySchema, Rewrite};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::moment::{self, Until};
use super::projections::parse_view;
use crate::config::RulesOptions;
use crate::database::{Database, DatabaseAccess};
use crate::output;
use crate::pace::{self, EXIT_STOPPED, Pace};
use crate::whatif::Retold;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Where to: makes this schema, and one beside it for each read model (`spring_ledger` for `--into spring`)
    #[arg(long, value_name = "SCHEMA")]
    into: ReplaySchema,
    /// Which read models, as `projections list` names them; all of them if absent
    #[arg(long, value_delimiter = ',', value_name = "VIEWS", value_parser = parse_view)]
    views: Vec<View>,
    /// As of when: a log position, a day or a time, then the last position recorded by then; the log's end if absent
    #[arg(long, value_name = "POSITION|TIME")]
    until: Option<Until>,
    /// As if sales had been divided by this preset: see `boxoffice whatif`
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Presets of your own for `--preset`
    #[arg(long, env = "BOXOFFICE_RULES_FILE", value_name = "PATH")]
    rules_file: Option<PathBuf>,
    /// Drop what an earlier replay into this schema has made, and begin at the first event
    #[arg(long)]
    anew: bool,
    /// Answer with a line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let rules = options
        .preset
        .as_deref()
        .map(|preset| options.rules(preset))
        .transpose()?;
    let database = Database::for_command(&options.database).await?;
    let replayed = replay(&database, &options, rules).await;
    database.close().await;
    replayed
}

impl Options {
    /// The name under which the rules are kept, and the log as they tell it.
    fn rules(&self, preset: &str) -> anyhow::Result<(String, Retold)> {
        let preset = RulesOptions::only(preset, self.rules_file.clone()).load()?.preset;
        let name = format!("{} {}", preset.name, preset.version);
        Ok((name, Retold::new(preset)))
    }
}

async fn replay(database: &Database, options: &Options, rules: Option<(String, Retold)>) -> anyhow::Result<ExitCode> {
    if options.anew {
        let dropped = replay::discard(&database.pool, &options.into).await;
        dropped.with_context(|| format!("drop the earlier replay into {}", options.into))?;
    }
    let (rules, rewrite) = match rules {
        Some((name, retold)) => (name, Some(Box::new(retold) as Box<dyn Rewrite>)),
        None => (String::new(), None),
    };
    let views = if options.views.is_empty() {
        View::ALL
    } else {
        &options.views
    };
    let plan = ReplayPlan {
        into: options.into.clone(),
        views: views.to_vec(),
        up_to: moment::position(database, options.until).await?,
        rules,
    };
    let replay = Replay::open(&database.pool, plan).await.context("open the replay")?;
    let from = if rewrite.is_some() { 0 } else { replay.position() };
    let cancel = CancellationToken::new();
    let (pace, position) = (Pace::new(from, replay.up_to()), || replay.position());
    let (outcome, elapsed) = pace::watched(replay.run(rewrite, &cancel), pace, position, &cancel).await?;
    let position = replay.position();
    replay.close().await;
    let outcome = outcome.with_context(|| format!("replay into {}", options.into))?;
    report(options, outcome, (from, position), elapsed);
    Ok(match outcome {
        Outcome::Reached => ExitCode::SUCCESS,
        Outcome::Stopped => ExitCode::from(EXIT_STOPPED),
    })
}

fn report(options: &Options, outcome: Outcome, (from, position): (u64, u64), elapsed: Duration) {
    let events = position.saturating_sub(from);
    let per_second = pace::per_second(events, elapsed);
    let is_done = outcome == Outcome::Reached;
    if options.json {
        output::line(json!({
            "into": options.into.as_str(),
            "position": position,
            "events": events,
            "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            "events_per_second": per_second,
            "outcome": if is_done { "reached" } else { "stopped" },
        }));
        return;
    }
    let into = &options.into;
    output::line(if is_done {
        format!(
            "{into} is at position {position}: {events} events in {:.1} s, {per_second} events/s",
            elapsed.as_secs_f32()
        )
    } else {
        format!("{into} stopped at position {position}: the same command goes on from there")
    });
}
