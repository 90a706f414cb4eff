//! Who was there, and how long they could be heard: observations merged into stays.

pub(crate) mod merge;
pub(crate) mod recorder;

pub(crate) use merge::{Leave, Stay};
pub(crate) use recorder::PresenceRecorder;
