//! Live changes by server-sent events: what happened in a room, for everybody; what happened to a person, for that person.
//!
//! A message says what kind of thing changed and where in the log, not what it is now: the client reads that by the API, as
//! far as it may. One task of the process follows the log and passes each event on to those who listen for it; a client
//! has a bounded queue, and one that cannot follow is cut. It comes back with `Last-Event-ID`, which is a log position.

mod entry_events;
mod hub;
mod my_events;
mod note;
mod room_events;
mod stage_events;
mod stream;

pub(crate) use entry_events::*;
pub use hub::Live;
pub(crate) use my_events::*;
pub(crate) use room_events::*;
pub(crate) use stage_events::*;
