//! Tickets: from the held seat to the door, and the money on the way.

mod decline_reschedule;
mod enter;
mod evidence;
mod evidence_page;
mod hold;
mod list_mine;
mod lookup;
mod pay;
mod read;
mod read_entry;
mod read_receipt;
mod receipt;
mod refund;
mod release;
mod ticket;
mod transfer;

pub(crate) use decline_reschedule::*;
pub(crate) use enter::*;
pub(crate) use evidence::*;
pub(crate) use hold::*;
pub(crate) use list_mine::*;
pub(crate) use lookup::ticket_of;
pub(crate) use pay::*;
pub(crate) use read::*;
pub(crate) use read_entry::*;
pub(crate) use read_receipt::*;
pub(crate) use receipt::*;
pub(crate) use refund::*;
pub(crate) use release::*;
pub(crate) use ticket::TicketBody;
pub(crate) use transfer::*;
