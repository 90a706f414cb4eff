//! The books: double entry, derived from events. Every line names its event; every transaction sums to zero in each
//! currency, or the view stops.

mod apply;
mod evolve;
mod facts;
mod queries;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub use queries::{AccountBalance, LedgerLine, account_balances, account_lines, list_accounts, trial_balance};
