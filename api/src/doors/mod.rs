//! The line at the doors: a stated number of people a second is let in, in the order in which their tickets were presented on
//! the log, in all rooms together, since they share the media server. Everybody's turn follows from the log alone, so every
//! node tells the same, and a restart changes nothing.

mod line;
mod place;
mod turn;

pub(crate) use line::Line;
pub(crate) use place::{DoorBody, door_of};
pub(crate) use turn::wait_for_turn;
