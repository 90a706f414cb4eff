//! The books: for finance.

mod account;
mod accounts;
mod explain;
mod explained;
mod lines;
mod trial_balance;

pub(crate) use accounts::*;
pub(crate) use explain::*;
pub(crate) use lines::*;
pub(crate) use trial_balance::*;
