//! Whom a host bans from all their rooms.

mod ban;
mod list;
mod read;
mod unban;

pub(crate) use ban::*;
pub(crate) use read::*;
pub(crate) use unban::*;
