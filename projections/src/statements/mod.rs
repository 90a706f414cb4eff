//! What moved the money of hosts, line by line: statements of a month, figures of a year, balances at any position.
//!
//! A line belongs to the time at which the log recorded its event. That time never goes back, so a month ends between two
//! positions, and nothing is ever put into a month that is over.

mod apply;
mod evolve;
mod queries;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub(crate) use evolve::{Division, Line, Movement, StatementChange, evolve};
pub use queries::{LINES_MAX, Stretch, balances_at, find_day, lines, list_days, payout_references, refunds, totals};
pub use rows::{LineKind, Parts, RefundLine, SaleTerms, StatementLine, Totals};
