//! The waiting list of a room, as one person sees it.

mod join;
mod leave;
mod place;
mod read;

pub(crate) use join::*;
pub(crate) use leave::*;
pub(crate) use read::*;
