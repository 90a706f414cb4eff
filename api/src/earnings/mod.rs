//! What a host has earned.

mod read;

pub(crate) use read::*;
