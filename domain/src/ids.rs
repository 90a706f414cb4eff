//! Typed ids. One list of kinds; a bare [`Uuid`] or `String` is never an id past the edge.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Only the lower- or upper-case hyphenated form is an id.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::fmt::Hyphenated::from_str(text).map(|id| Self(id.into_uuid()))
            }
        }
    )+};
}

ids! {
    /// A room: also the id of its event stream.
    RoomId
    /// A ticket from its hold on: also the id of the sale's event stream.
    TicketId
    /// A person, as an opaque id that the identity provider's subject maps to. Also the id of a host's payout stream.
    UserId
    /// One payment attempt of a ticket.
    PaymentId
    /// One refund of a ticket.
    RefundId
    /// One payout of a host.
    PayoutId
    /// The shop itself, of which a log has one.
    ShopId
    /// One opening of a room: names the room on the media server, so that an old token never fits a new opening.
    SessionId
    /// What is recorded of a room between one start and one stop.
    RecordingId
    /// A system of the shop's own that is told what happens.
    SubscriptionId
}
