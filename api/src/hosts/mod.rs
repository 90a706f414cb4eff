//! Hosts: who applies, who is approved, where their money goes.

mod apply;
mod approve;
mod host;
mod link_destination;
mod list;
mod open_account;
mod read_mine;

pub(crate) use apply::*;
pub(crate) use approve::*;
pub(crate) use link_destination::*;
pub(crate) use list::*;
pub(crate) use open_account::*;
pub(crate) use read_mine::*;
