//! What a buyer's browser would do at a real payment provider, and what an operator may stage. There only with the sandbox.

mod close_dispute;
mod confirm;
mod next_payment;
mod open_dispute;
mod operator;
mod return_transfer;
mod store;

pub(crate) use close_dispute::*;
pub(crate) use confirm::*;
pub(crate) use next_payment::*;
pub(crate) use open_dispute::*;
pub(crate) use return_transfer::*;
pub(crate) use store::*;
