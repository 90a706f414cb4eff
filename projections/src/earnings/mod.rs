//! What hosts have earned, what is being paid out, and the statement behind it.

mod apply;
mod evolve;
mod lines;
mod queries;
mod rows;
mod standings;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub use queries::{find_account, find_payout, list_hosts, list_payouts, statement};
pub use rows::{
    Balance, HostRow, PayoutRow, PayoutState, Standing, StatementKind, StatementLine, Suspension, TermsRow,
};
