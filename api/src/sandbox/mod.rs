//! What a buyer's browser would do at a real payment provider, and what an operator may stage. There only with the sandbox.

mod confirm;
mod return_transfer;
mod script;
mod store;

pub(crate) use confirm::*;
pub(crate) use return_transfer::*;
pub(crate) use script::*;
pub(crate) use store::*;
