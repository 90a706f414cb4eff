//! The caller as a person: how they are reached, what they are called, and how they are forgotten.

mod clear_profile;
mod contact;
mod erase;
mod erase_me;
mod open_business;
mod profile;
mod read_contact;
mod read_profile;
mod set_contact;
mod set_profile;

pub(crate) use clear_profile::*;
pub(crate) use erase::*;
pub(crate) use erase_me::*;
pub(crate) use read_contact::*;
pub(crate) use read_profile::*;
pub(crate) use set_contact::*;
pub(crate) use set_profile::*;
