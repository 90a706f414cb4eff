//! What a host has earned.

mod read;
mod statement;

pub(crate) use read::*;
pub(crate) use statement::*;
