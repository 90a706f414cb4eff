//! Statements of hosts: a month, a year, or all there is.

mod line;
mod period;
mod read;
mod sheet;
mod statement;
mod year;

#[cfg(test)]
mod tests;

pub(crate) use period::{Month, Period};
pub(crate) use read::*;
pub(crate) use year::*;
