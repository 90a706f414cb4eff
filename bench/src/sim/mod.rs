//! `boxoffice-bench sim`: beyond what one machine can measure.
//!
//! A simulation of queues, of service times that were measured and of assumptions that are written down, with two questions: a day of
//! 1,000,000 rooms, and one on-sale of 5,000,000 tries. The same seed and the same assumptions give the same answer.

mod assumptions;
mod costs;
mod day;
mod dice;
mod engine;
mod layout;
mod media;
mod on_sale;
mod parts;
mod price;
mod report;
mod shop;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;

use self::assumptions::Assumptions;
use self::costs::Costs;
use self::day::{Day, Evening};
use self::layout::{Layout, layouts};
use self::media::Media;
use self::on_sale::{Arrivals, OnSale, Rush};
use self::report::{Check, Report};
use crate::harness;
use crate::output::{line, remark};

/// The on-sale of docs/PERFORMANCE.md, and how long it took there.
const CHECK_TRIES: u64 = 1_000_000;
const CHECK_CONNECTIONS: u64 = 2_000;
const CHECK_MS: u64 = 18_400;
const CHECK_ROW: &str = "on-sale: 10,000 seats, 1,000,000 tries, 2,000 connections";

#[derive(Debug, Args)]
pub(crate) struct SimOptions {
    /// Another seed throws other dice
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A JSON file that says some of the assumptions anew, such as `{"seats": 5000}`
    #[arg(long, value_name = "FILE")]
    assumptions: Option<PathBuf>,
    /// One assumption anew; goes before the file
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Name the assumptions with their sources, and simulate nothing
    #[arg(long)]
    list: bool,
    /// Write the tables into docs/DISTRIBUTED.md
    #[arg(long)]
    markdown: bool,
    /// Where `results.json` of the measures is, and `sim.json` goes
    #[arg(long, default_value = "target/bench", value_name = "PATH")]
    folder: PathBuf,
}

pub(crate) fn sim(options: &SimOptions) -> Result<()> {
    let (assumed, measured_anew) = assume(options)?;
    if options.list {
        for stated in assumed.list() {
            line(format!(
                "{} = {} {} ({:?}: {})",
                stated.name, stated.value, stated.unit, stated.kind, stated.source
            ));
        }
        return Ok(());
    }
    remark(format!("seed {}", options.seed));
    let report = simulate(&assumed, options.seed, measured_anew, &options.folder)?;
    for table in report.tables() {
        table.print();
        line("");
    }
    for note in report.notes() {
        line(note);
    }
    let path = report.write(&options.folder)?;
    line(format!("written to {}", path.display()));
    if options.markdown {
        let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/DISTRIBUTED.md");
        let assumptions = report.assumptions_table().markdown();
        harness::refresh_parts(&document, &[("sim", &report.markdown()), ("assumptions", &assumptions)])?;
    }
    Ok(())
}

/// The file's, on what was measured, on what is written here; and which rows of the last run stand for what is written here.
fn assume(options: &SimOptions) -> Result<(Assumptions, Vec<&'static str>)> {
    let mut assumed = Assumptions::default();
    let found = costs::refresh(&mut assumed, &options.folder)?;
    if let Some(path) = &options.assumptions {
        let text = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let named: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&text).with_context(|| format!("read {}", path.display()))?;
        for (name, value) in named {
            let value = value.as_u64().with_context(|| format!("{name} is no whole number"))?;
            assumed.set(&name, value)?;
        }
    }
    for pair in &options.set {
        let (name, value) = pair
            .split_once('=')
            .with_context(|| format!("{pair} is not NAME=VALUE"))?;
        let value = value
            .replace('_', "")
            .parse()
            .with_context(|| format!("the value of {name}"))?;
        assumed.set(name, value)?;
    }
    assumed.check()?;
    Ok((assumed, found))
}

fn simulate(assumed: &Assumptions, seed: u64, measured_anew: Vec<&'static str>, folder: &Path) -> Result<Report> {
    let media = media::day(assumed, seed);
    let layouts = layouts(assumed);
    let media = &media;
    let outcomes: Vec<(OnSale, Day)> = thread::scope(|scope| {
        let started: Vec<_> = layouts
            .iter()
            .map(|layout| scope.spawn(move || one(assumed, layout, media, seed)))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a simulation panicked"))?)
            .collect::<Result<_>>()
    })?;
    let (on_sales, days) = outcomes.into_iter().unzip();
    let events_a_day = price::events_a_day(assumed);
    Ok(Report {
        seed,
        measured_anew,
        assumptions: assumed.list(),
        costs_ns: Costs::of(assumed),
        check: check(assumed, &layouts[0], seed, folder)?,
        on_sales,
        on_sale_prices: layouts
            .iter()
            .map(|layout| price::of_an_on_sale(assumed, layout))
            .collect(),
        days,
        day_prices: layouts
            .iter()
            .map(|layout| price::of_a_day(assumed, layout, media))
            .collect(),
        media: *media,
        events_a_day,
        rebuild_of_a_day_secs: events_a_day / assumed.replayed_a_second.max(1),
    })
}

fn one(assumed: &Assumptions, layout: &Layout, media: &Media, seed: u64) -> Result<(OnSale, Day)> {
    let arrivals = Arrivals::Fading(assumed.tries_come_within_ms * 1_000_000);
    let sale = Rush::new(assumed, layout, arrivals, seed).run(layout.leader_cores);
    ensure!(sale.is_whole(), "a try without its one answer: {sale:?}");
    let (day, entries) = Evening::new(assumed, layout, media, seed).run(assumed, layout, media);
    ensure!(day.is_whole(entries), "somebody was lost on the way: {day:?}");
    Ok((sale, day))
}

/// The on-sale that was measured, on the machine that was measured, with the load generator on its cores.
fn check(assumed: &Assumptions, measured: &Layout, seed: u64, folder: &Path) -> Result<Check> {
    let assumed = Assumptions {
        tries: CHECK_TRIES,
        ..assumed.clone()
    };
    let arrivals = Arrivals::Closed {
        connections: CHECK_CONNECTIONS,
        load: assumed.load_generator_ns,
    };
    let sale = Rush::new(&assumed, measured, arrivals, seed).run(measured.leader_cores);
    let (rows, _) = harness::Results::new(folder.to_path_buf()).read()?;
    let row = rows.iter().find(|row| row.name == CHECK_ROW && !row.is_broken());
    Ok(Check {
        simulated_ms: sale.answered_within_us / 1000,
        measured_ms: row.map_or(CHECK_MS, |row| harness::thousandths(row.ours)),
    })
}
