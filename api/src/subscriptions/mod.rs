//! Webhooks out: which of the shop's own systems are told what happens.

mod create;
mod delete;
mod list;
mod pause;
mod read;
mod resume;
mod revise;
mod rewind;
mod rotate_secret;
mod subscription;

pub(crate) use create::*;
pub(crate) use delete::*;
pub(crate) use list::*;
pub(crate) use pause::*;
pub(crate) use read::*;
pub(crate) use resume::*;
pub(crate) use revise::*;
pub(crate) use rewind::*;
pub(crate) use rotate_secret::*;
