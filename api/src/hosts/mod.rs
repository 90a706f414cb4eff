//! Hosts: who applies, who is approved or suspended, where their money goes.

mod apply;
mod approve;
mod decision;
mod decline;
mod host;
mod link_destination;
mod list;
mod open_account;
mod permit;
mod read;
mod read_mine;
mod read_terms;
mod reinstate;
mod state_facts;
mod suspend;
mod waitlist;

pub(crate) use apply::*;
pub(crate) use approve::*;
pub(crate) use decline::*;
pub(crate) use host::{HostBody, find_host};
pub(crate) use link_destination::*;
pub(crate) use list::*;
pub(crate) use open_account::*;
pub(crate) use permit::permit_of;
pub(crate) use read::*;
pub(crate) use read_mine::*;
pub use read_terms::HostTerms;
pub(crate) use read_terms::*;
pub(crate) use reinstate::*;
pub(crate) use state_facts::*;
pub(crate) use suspend::*;
pub(crate) use waitlist::*;
