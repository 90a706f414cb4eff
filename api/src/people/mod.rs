//! The caller as a person: how they are reached, and how they are forgotten.

mod contact;
mod erase;
mod erase_me;
mod open_business;
mod read_contact;
mod set_contact;

pub(crate) use erase::*;
pub(crate) use erase_me::*;
pub(crate) use read_contact::*;
pub(crate) use set_contact::*;
