//! Monthly payouts: on the first of each month (UTC) a host who is paid by the month is paid what is available.
//!
//! There is one timer for each such host, made of the log and set again by itself. A payout's id is made of host, currency
//! and month: whatever runs twice or late, a month is paid once.

mod pay;
mod react;

pub use pay::{next_month, pay_month};
pub use react::react;
