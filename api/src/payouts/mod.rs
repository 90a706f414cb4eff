//! Payouts of a host's balance.

mod choose_schedule;
mod list;
mod payout;
mod request;

pub(crate) use choose_schedule::*;
pub(crate) use list::*;
pub(crate) use request::*;
