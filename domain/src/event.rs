//! Any event of the log, decoded: what subscribers read.

use cqrs_es::persist::SerializedEvent;
use thiserror::Error;
use uuid::Uuid;

use crate::{PayoutEvent, RoomEvent, RoomId, TicketEvent, TicketId, UserId, upcast};

/// An event with the aggregate it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnyEvent {
    Room(RoomId, RoomEvent),
    Ticket(TicketId, TicketEvent),
    /// The account of a host.
    Payout(UserId, PayoutEvent),
}

/// A stored event that this version of boxoffice cannot read. Readers stop at it; they never skip it.
#[derive(Debug, Error)]
pub enum UnknownEvent {
    #[error("unknown aggregate type {0:?}")]
    AggregateType(String),
    #[error("aggregate id {0:?} is not a UUID")]
    AggregateId(String),
    #[error("event {event_type:?} version {event_version:?} does not decode")]
    Payload {
        event_type: String,
        event_version: String,
        #[source]
        source: serde_json::Error,
    },
}

impl AnyEvent {
    /// Decodes a stored event; older versions pass through their upcasters first.
    pub fn decode(stored: SerializedEvent) -> Result<Self, UnknownEvent> {
        let stored = upcast::to_current(stored);
        let id = Uuid::parse_str(&stored.aggregate_id)
            .map_err(|_| UnknownEvent::AggregateId(stored.aggregate_id.clone()))?;
        match stored.aggregate_type.as_str() {
            "room" => Ok(Self::Room(RoomId::from_uuid(id), payload(stored)?)),
            "ticket" => Ok(Self::Ticket(TicketId::from_uuid(id), payload(stored)?)),
            "payout" => Ok(Self::Payout(UserId::from_uuid(id), payload(stored)?)),
            unknown => Err(UnknownEvent::AggregateType(unknown.to_owned())),
        }
    }
}

fn payload<E: serde::de::DeserializeOwned>(stored: SerializedEvent) -> Result<E, UnknownEvent> {
    let SerializedEvent {
        event_type,
        event_version,
        payload,
        ..
    } = stored;
    serde_json::from_value(payload).map_err(|source| UnknownEvent::Payload {
        event_type,
        event_version,
        source,
    })
}
