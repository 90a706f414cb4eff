//! Closes the gap between the rooms, people and permissions that should be and those the media server has.
//!
//! An activation takes no input: it reads both sides and takes bounded, idempotent steps. The log, webhooks, the gate and
//! a timer only wake it, so nothing that was missed, repeated or out of order matters for longer than the timer's period.

mod activation;
pub(crate) mod plan;
mod schedule;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub(crate) use activation::{Deps, Reconciler};
pub(crate) use schedule::run;
