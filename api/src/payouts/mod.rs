//! Payouts of a host's balance.

mod list;
mod payout;
mod request;

pub(crate) use list::*;
pub(crate) use request::*;
