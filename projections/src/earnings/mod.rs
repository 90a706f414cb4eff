//! What hosts have earned, and what is being paid out. The lines behind it are those of [`statements`](crate::statements).

mod accounts;
mod apply;
mod evolve;
mod queries;
mod rows;
mod standings;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub use queries::{find_account, find_payout, list_hosts, list_payouts};
pub use rows::{Balance, HostRow, PayoutRow, PayoutState, Standing, Suspension, TermsRow};
