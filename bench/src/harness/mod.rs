//! Turns samples into rows: rounds, medians, goals, the table, the file and the document.

mod figures;
mod goal;
mod grid;
mod markdown;
mod results;
mod rounds;
mod row;
mod stats;
mod table;

pub(crate) use figures::{dollars, millionths, of_thousand, quotient, thousandths, whole};
pub(crate) use goal::Goal;
pub(crate) use grid::Table;
pub(crate) use markdown::{Curve, refresh, refresh_parts};
pub(crate) use results::Results;
pub(crate) use rounds::{Rounds, alternate};
pub(crate) use row::Row;
pub(crate) use stats::{Latencies, NEVER_MS, Sample, millis, per_second, ratio, seconds};
pub(crate) use table::{figure, print};
