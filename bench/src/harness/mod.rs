//! Turns samples into rows: rounds, medians, goals, the table, the file and the document.

mod goal;
mod markdown;
mod results;
mod rounds;
mod row;
mod stats;
mod table;

pub(crate) use goal::Goal;
pub(crate) use markdown::{Curve, refresh};
pub(crate) use results::Results;
pub(crate) use rounds::{Rounds, alternate};
pub(crate) use row::Row;
pub(crate) use stats::{Latencies, NEVER_MS, Sample, millis, per_second, ratio, seconds};
pub(crate) use table::{figure, print};
