//! Who a participant on the media server is: a ticket, or the host's side.

use std::fmt;
use std::str::FromStr;

use domain::{SessionId, TicketId, UserId};

/// The participant identity: one ticket, one connection (`ticket-<id>`); the host needs no ticket (`host-<user id>`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Identity {
    Ticket(TicketId),
    Host(UserId),
}

/// A participant identity that boxoffice never hands out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an identity of ours")]
pub struct ForeignIdentity;

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket(ticket) => write!(f, "ticket-{ticket}"),
            Self::Host(user) => write!(f, "host-{user}"),
        }
    }
}

impl FromStr for Identity {
    type Err = ForeignIdentity;

    fn from_str(text: &str) -> Result<Self, ForeignIdentity> {
        let ticket = text
            .strip_prefix("ticket-")
            .and_then(|id| id.parse().ok())
            .map(Self::Ticket);
        let host = || {
            text.strip_prefix("host-")
                .and_then(|id| id.parse().ok())
                .map(Self::Host)
        };
        ticket.or_else(host).ok_or(ForeignIdentity)
    }
}

const ROOM_PREFIX: &str = "boxoffice-";

/// The media server's name of one opening of a room.
pub fn room_name(session: SessionId) -> String {
    format!("{ROOM_PREFIX}{session}")
}

/// The opening a media server room belongs to; `None` for rooms that are not ours.
pub fn session_of(room_name: &str) -> Option<SessionId> {
    room_name.strip_prefix(ROOM_PREFIX).and_then(|id| id.parse().ok())
}
