//! The tables, on the terminal and in docs/DISTRIBUTED.md, and the file beside the results of the measures.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use super::assumptions::Stated;
use super::costs::Costs;
use super::day::Day;
use super::media::Media;
use super::on_sale::OnSale;
use super::parts::{COPY, LEADERS_CORES, LOG, Part, VIEWS};
use super::price::Price;
use crate::harness::{Table, dollars, millionths, of_thousand, quotient};

/// Of what is less busy nobody asks when it is full.
const SHOWN_PERMILLE: u64 = 10;

/// One run of the simulation.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) seed: u64,
    /// Rows of `results.json` that stand for figures of docs/PERFORMANCE.md.
    pub(super) measured_anew: Vec<&'static str>,
    pub(super) assumptions: Vec<Stated>,
    pub(super) costs_ns: Costs,
    pub(super) check: Check,
    pub(super) on_sales: Vec<OnSale>,
    pub(super) on_sale_prices: Vec<Price>,
    pub(super) days: Vec<Day>,
    pub(super) day_prices: Vec<Price>,
    pub(super) media: Media,
    pub(super) events_a_day: u64,
    pub(super) rebuild_of_a_day_secs: u64,
}

/// The model beside a measure that it was not made of: the on-sale of docs/PERFORMANCE.md.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) simulated_ms: u64,
    pub(super) measured_ms: u64,
}

impl Report {
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf> {
        fs::create_dir_all(folder).context("make the folder for results")?;
        let path = folder.join("sim.json");
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }

    pub(super) fn tables(&self) -> [Table; 3] {
        [self.days(), self.parts(), self.on_sales()]
    }

    fn days(&self) -> Table {
        let mut table = Table::new(&[
            "layout",
            "hold p50 ms",
            "hold p99 ms",
            "paid to ticket p99 ms",
            "entry p50 ms",
            "entry p99 ms",
            "views p99 ms",
            "holds that lapsed",
            "$ a ticket",
            "of it machines",
            "with the provider's fee",
        ]);
        for (day, price) in self.days.iter().zip(&self.day_prices) {
            let grows = |names: &[&str]| {
                day.parts
                    .iter()
                    .any(|part| part.is_saturated() && names.contains(&part.name))
            };
            let (is_full, are_doors_full) = (grows(&[LEADERS_CORES, LOG, COPY]), grows(&["doors"]));
            let cell = |us: u32, grows: bool| millionths(u64::from(us) * 1000) + if grows { " ↑" } else { "" };
            table.add(vec![
                day.layout.to_owned(),
                cell(day.hold_p50_us, is_full),
                cell(day.hold_p99_us, is_full),
                cell(day.ticket_p99_us, is_full),
                cell(day.entry_p50_us, is_full || are_doors_full),
                cell(day.entry_p99_us, is_full || are_doors_full),
                cell(day.views_p99_us, is_full || grows(&[VIEWS])),
                of_thousand(day.lapsed * 1000 / day.bought.max(1)),
                dollars(price.without_provider()),
                dollars(price.shop + price.disk),
                dollars(price.without_provider() + price.provider),
            ]);
        }
        table
    }

    fn parts(&self) -> Table {
        let mut heads = vec!["part"];
        heads.extend(self.days.iter().map(|day| day.layout));
        let mut table = Table::new(&heads);
        let mut names: Vec<&str> = vec![];
        for part in self.days.iter().flat_map(|day| &day.parts) {
            if !names.contains(&part.name) {
                names.push(part.name);
            }
        }
        names.sort_by_key(|name| !self.days[0].parts.iter().any(|part| part.name == *name));
        for name in names {
            let mut cells = vec![name.to_owned()];
            for day in &self.days {
                let part = day.parts.iter().find(|part| part.name == name);
                cells.push(part.map_or_else(|| "–".to_owned(), cell));
            }
            table.add(cells);
        }
        table
    }

    fn on_sales(&self) -> Table {
        let mut table = Table::new(&[
            "layout",
            "asked in the first second",
            "p50 ms",
            "p99 ms",
            "hold p50 ms",
            "hold p99 ms",
            "queue at most",
            "503",
            "sold out after s",
            "tickets",
            "lapsed",
            "last ticket after s",
            "$ a ticket",
        ]);
        for (sale, price) in self.on_sales.iter().zip(&self.on_sale_prices) {
            let ms = |us: u32| millionths(u64::from(us) * 1000);
            table.add(vec![
                sale.layout.to_owned(),
                of_thousand(sale.first_second_permille),
                ms(sale.p50_us),
                ms(sale.p99_us),
                ms(sale.hold_p50_us),
                ms(sale.hold_p99_us),
                quotient(sale.queue_max as u64, 1),
                quotient(sale.turned_away, 1),
                millionths(sale.all_held_after_us),
                quotient(sale.issued, 1),
                quotient(sale.lapsed, 1),
                millionths(sale.last_ticket_after_us),
                dollars(price.without_provider()),
            ]);
        }
        table
    }

    /// What the tables do not say.
    pub(super) fn notes(&self) -> Vec<String> {
        let media = &self.media;
        let count = |value: u64| quotient(value, 1);
        let source = match self.measured_anew.len() {
            0 => "docs/PERFORMANCE.md".to_owned(),
            rows => format!("{rows} rows of results.json, and docs/PERFORMANCE.md"),
        };
        vec![
            format!(
                "Media of a day: {} rooms, {} live at once at most, {} listeners, {} at once at most: {} nodes, {} Gbit/s, {} TB.",
                count(media.rooms),
                count(media.rooms_live_max),
                count(media.listeners),
                count(media.listeners_at_once_max),
                count(media.nodes),
                quotient(media.megabits_max, 1_000),
                quotient(media.gigabytes, 1_000),
            ),
            format!(
                "The log grows by {} events a day; one log of them all is replayed into all views in {} minutes for each day that it is long.",
                count(self.events_a_day),
                quotient(self.rebuild_of_a_day_secs, 60),
            ),
            format!(
                "The model beside a measure that it was not made of, the on-sale of docs/PERFORMANCE.md (1,000,000 tries from 2,000 connections, \
                 the load generator on the same cores): {} s simulated, {} s measured.",
                quotient(self.check.simulated_ms, 1_000),
                quotient(self.check.measured_ms, 1_000),
            ),
            format!(
                "Seed {}. By {source}, a request takes {} µs to be read and answered, {} µs more for a hold, {} µs for any other event, {} µs of views for an event.",
                self.seed,
                quotient(self.costs_ns.answer, 1_000),
                quotient(self.costs_ns.hold, 1_000),
                quotient(self.costs_ns.event, 1_000),
                quotient(self.costs_ns.views, 1_000),
            ),
        ]
    }

    pub(super) fn markdown(&self) -> String {
        let [days, parts, on_sales] = self.tables();
        let mut out = format!(
            "**A day of rooms: its busiest minutes** (↑: grows for as long as they last)\n\n{}\n\
             **Where each part saturates**: how busy it is then, and at how many rooms a day nothing is left\n\n{}\n\
             **One on-sale**: all of its tries are for one room, so one log answers them\n\n{}\n",
            days.markdown(),
            parts.markdown(),
            on_sales.markdown(),
        );
        for note in self.notes() {
            let _ = writeln!(out, "- {note}");
        }
        out
    }

    pub(super) fn assumptions_table(&self) -> Table {
        let mut table = Table::new(&["assumption", "value", "unit", "kind", "source"]);
        for stated in &self.assumptions {
            table.add(vec![
                format!("`{}`", stated.name),
                quotient(stated.value, 1),
                stated.unit.to_owned(),
                format!("{:?}", stated.kind).to_lowercase(),
                stated.source.to_owned(),
            ]);
        }
        table
    }
}

fn cell(part: &Part) -> String {
    let mark = if part.is_saturated() { "**" } else { "" };
    let busy = of_thousand(part.busy_permille);
    if part.busy_permille < SHOWN_PERMILLE {
        return busy;
    }
    format!("{mark}{busy}{mark}, {}", quotient(part.full_at_rooms, 1))
}
