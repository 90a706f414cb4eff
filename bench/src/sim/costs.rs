//! How long each part works on one thing, in nanoseconds, of what was measured.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::assumptions::Assumptions;
use super::dice::SECOND;
use crate::harness::{Results, whole};

/// Rows of `results.json`, and the assumptions that they replace.
const ROWS: [(&str, &str); 5] = [
    ("holds in process, one room, 256 clients", "log_a_second"),
    ("\"sold out\" over HTTP, one room, 64 connections", "sold_out_a_second"),
    (
        "holds over HTTP by buyers the shop has seen, one room, 64 connections",
        "holds_a_second",
    ),
    ("whole purchases, sustained for 12 s", "purchases_a_second"),
    ("replay into all views", "replayed_a_second"),
];

/// Replaces what the last run in that folder has measured. Returns the rows that were found.
pub(super) fn refresh(assumptions: &mut Assumptions, folder: &Path) -> Result<Vec<&'static str>> {
    let (rows, _) = Results::new(folder.to_path_buf()).read()?;
    let mut found = vec![];
    for (name, assumption) in ROWS {
        let is_it = |row: &&crate::harness::Row| row.name == name && !row.is_broken() && row.ours >= 1.0;
        if let Some(row) = rows.iter().find(is_it) {
            assumptions.set(assumption, whole(row.ours))?;
            found.push(name);
        }
    }
    Ok(found)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Costs {
    /// Reading a request and answering it.
    pub(super) answer: u64,
    /// What a hold costs the server more than that.
    pub(super) hold: u64,
    /// Deciding and handing on any other event.
    pub(super) event: u64,
    /// What one event is to PostgreSQL, beside its row in the log.
    pub(super) views: u64,
}

impl Costs {
    pub(super) fn of(assumptions: &Assumptions) -> Self {
        let cores = assumptions.measured_cores * SECOND;
        let of_a_request = |rate: u64| (cores / rate.max(1)).saturating_sub(assumptions.load_generator_ns);
        let answer = of_a_request(assumptions.sold_out_a_second);
        let hold = of_a_request(assumptions.holds_a_second) * assumptions.hold_server_permille / 1000;
        let purchase = cores / assumptions.purchases_a_second.max(1) / assumptions.purchase_events.max(1);
        Self {
            answer,
            hold: hold.saturating_sub(answer),
            event: purchase * assumptions.purchase_server_permille / 1000,
            views: purchase * assumptions.purchase_views_permille / 1000,
        }
    }
}
