//! The log itself: for finance and analysts.

mod events;
mod head;
mod lines;

pub(crate) use events::*;
pub(crate) use head::*;
