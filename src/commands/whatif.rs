//! `boxoffice whatif`: what a period would have brought under another preset, beside what it brought.

use std::pin::pin;

use anyhow::{Context, anyhow, ensure};
use chrono::NaiveDate;
use clap::Args;
use domain::Timestamp;
use event_log::replay::{self, Wanted};
use futures::StreamExt as _;
use serde_json::json;

use super::log::find_head;
use crate::config::RulesOptions;
use crate::database::{Database, DatabaseAccess};
use crate::output;
use crate::whatif::{self, WhatIf};

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    rules: RulesOptions,
    /// Sales earned from this day or time on: `2026-11-01`, or `2026-11-01T12:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Timestamp,
    /// Sales earned before this day or time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Timestamp,
    /// The figures of each host, too
    #[arg(long)]
    by_host: bool,
    /// Answer with a line of JSON, in minor units
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseAccess,
}

/// A day begins at midnight, UTC.
pub(super) fn parse_time(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let midnight = day.and_hms_opt(0, 0, 0).context("a day has a midnight")?;
        return Ok(midnight.and_utc());
    }
    text.parse()
        .map_err(|_| anyhow!("must be a day like 2026-11-01, or a time like 2026-11-01T12:00:00Z"))
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    ensure!(options.from < options.until, "--from must be before --until");
    let preset = options.rules.load()?.preset;
    let database = Database::for_command(&options.database).await?;
    let folded = fold(&database, WhatIf::new(preset, options.from, options.until)).await;
    database.close().await;
    let (what_if, position) = folded?;
    if options.json {
        let mut answer = whatif::json(&what_if, options.by_host);
        answer["from"] = json!(options.from);
        answer["until"] = json!(options.until);
        answer["position"] = json!(position);
        output::line(answer);
    } else {
        output::line(whatif::text(&what_if, options.by_host).trim_end());
    }
    Ok(())
}

/// Reads the whole log: the hosts' lifetimes begin with it.
async fn fold(database: &Database, mut what_if: WhatIf) -> anyhow::Result<(WhatIf, u64)> {
    let head = find_head(&database.pool)
        .await
        .context("read the end of the log")?
        .position;
    let wanted = Wanted::OfAggregates(&["ticket", "payout"]);
    let mut pages = pin!(replay::pages(&database.pool, wanted, 0, head));
    while let Some(page) = pages.next().await {
        for recorded in &page.context("read the log")?.events {
            what_if.take(recorded)?;
        }
    }
    Ok((what_if, head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_midnight() {
        let midnight = parse_time("2026-11-01").unwrap();
        assert_eq!(midnight, parse_time("2026-11-01T00:00:00Z").unwrap());
        assert!(parse_time("last week").is_err());
    }
}
