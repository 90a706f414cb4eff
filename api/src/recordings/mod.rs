//! Recordings of rooms: start and stop them, agree to be heard, and have what was recorded.

mod consent;
mod delete;
mod download;
mod keeping;
mod list;
mod manifest;
mod read;
mod recording;
mod start;
mod stop;

pub(crate) use consent::*;
pub(crate) use delete::*;
pub(crate) use download::*;
pub use keeping::Keeping;
pub(crate) use list::*;
pub(crate) use manifest::*;
pub(crate) use read::*;
pub(crate) use start::*;
pub(crate) use stop::*;
