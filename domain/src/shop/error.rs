//! Why the shop says no.

use chrono::NaiveDate;
use thiserror::Error;

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ShopError {
    #[error("{date} is not over yet")]
    DayNotOver { date: NaiveDate },
    /// Days are sealed one after the other.
    #[error("the next day to be sealed is {next}")]
    DayOutOfOrder { next: NaiveDate },
    #[error("nothing was recorded by the end of {date}")]
    NothingToSeal { date: NaiveDate },
    #[error("{overdue} lines have not been reconciled for too long")]
    Unreconciled { overdue: u64 },
    #[error("the reason must be a word of at most 64 small letters, digits and underscores")]
    InvalidReason,
}
