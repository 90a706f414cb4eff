//! The books: for finance.

mod account;
mod accounts;
mod lines;
mod trial_balance;

pub(crate) use accounts::*;
pub(crate) use lines::*;
pub(crate) use trial_balance::*;
