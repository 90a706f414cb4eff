//! Who was there, and when they could be heard: observations merged into stays. And when nobody could be, or nobody looked.

pub(crate) mod merge;
pub(crate) mod recorder;
mod rows;
mod speech;
mod watch;

pub(crate) use merge::{Leave, Left};
#[cfg(test)]
pub(crate) use merge::{Sighting, Stay};
pub(crate) use recorder::PresenceRecorder;
pub(crate) use rows::{Attendee, stays_of};
pub(crate) use watch::watched;
