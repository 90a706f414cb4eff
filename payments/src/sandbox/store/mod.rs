//! The sandbox's tables. Each function is one question or one change; transactions belong to the caller or to one call.
//!
//! Lock order: the intent's row first, the event list last.

pub(super) mod deliveries;
pub(super) mod events;
pub(super) mod intents;
pub(super) mod refunds;
pub(super) mod statement;
pub(super) mod transfers;

mod movement;
