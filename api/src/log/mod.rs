//! The log itself: for finance and analysts.

mod events;
mod head;

pub(crate) use events::*;
pub(crate) use head::*;
