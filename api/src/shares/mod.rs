//! Who shares what a room earns: the host proposes, everybody else agrees.

mod accept;
mod body;
mod propose;
mod read;

pub(crate) use accept::*;
pub(crate) use propose::*;
pub(crate) use read::*;
