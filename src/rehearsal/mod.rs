//! A rehearsal: a room of its own on somebody's media server, with real audio, and what it took. No shop is needed.

mod crowd;
mod error;
mod figures;
mod processor;
mod room;
mod table;

pub(crate) use figures::Figures;
pub(crate) use processor::listener;
pub(crate) use room::{Plan, Rehearsal};
pub(crate) use table::text;
