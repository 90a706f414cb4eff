//! Inside a live room: who enters, who speaks, who has to leave.

mod approve;
mod ask_to_speak;
mod decline;
mod dismiss;
mod enter;
mod entry;
mod podium;
mod read;
mod remove;
mod withdraw;

pub(crate) use approve::*;
pub(crate) use ask_to_speak::*;
pub(crate) use decline::*;
pub(crate) use dismiss::*;
pub(crate) use enter::*;
pub(crate) use entry::{EntryBody, live_session, media_entry};
pub(crate) use read::*;
pub(crate) use remove::*;
pub(crate) use withdraw::*;
