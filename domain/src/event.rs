//! Any event of the log, decoded: what subscribers read.

use cqrs_es::persist::SerializedEvent;
use serde::de::DeserializeOwned;
use thiserror::Error;
use uuid::Uuid;

use crate::{PayoutEvent, RoomEvent, RoomId, ShopEvent, ShopId, TicketEvent, TicketId, UserId, upcast};

/// An event with the aggregate it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnyEvent {
    Room(RoomId, RoomEvent),
    Ticket(TicketId, TicketEvent),
    /// The account of a host.
    Payout(UserId, PayoutEvent),
    Shop(ShopId, ShopEvent),
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

/// An event as the log holds it; `payload` is JSON.
#[derive(Clone, Copy, Debug)]
pub struct StoredEvent<'a> {
    pub aggregate_type: &'a str,
    pub aggregate_id: &'a str,
    pub event_type: &'a str,
    pub event_version: &'a str,
    pub payload: &'a [u8],
}

impl AnyEvent {
    /// Decodes a stored event; older versions pass through their upcasters first.
    pub fn decode(stored: SerializedEvent) -> Result<Self, UnknownEvent> {
        let stored = upcast::to_current(stored);
        match stored.aggregate_type.as_str() {
            "room" => Ok(Self::Room(
                RoomId::from_uuid(id(&stored.aggregate_id)?),
                payload(stored)?,
            )),
            "ticket" => Ok(Self::Ticket(
                TicketId::from_uuid(id(&stored.aggregate_id)?),
                payload(stored)?,
            )),
            "payout" => Ok(Self::Payout(
                UserId::from_uuid(id(&stored.aggregate_id)?),
                payload(stored)?,
            )),
            "shop" => Ok(Self::Shop(
                ShopId::from_uuid(id(&stored.aggregate_id)?),
                payload(stored)?,
            )),
            unknown => Err(UnknownEvent::AggregateType(unknown.to_owned())),
        }
    }

    /// The same from the stored text: an event of today's version becomes typed at once, without a JSON value between.
    pub fn read(stored: StoredEvent<'_>) -> Result<Self, UnknownEvent> {
        if !upcast::is_current(stored.event_type, stored.event_version) {
            return Self::decode(stored.to_serialized()?);
        }
        let id = || id(stored.aggregate_id);
        match stored.aggregate_type {
            "room" => Ok(Self::Room(RoomId::from_uuid(id()?), stored.parse()?)),
            "ticket" => Ok(Self::Ticket(TicketId::from_uuid(id()?), stored.parse()?)),
            "payout" => Ok(Self::Payout(UserId::from_uuid(id()?), stored.parse()?)),
            "shop" => Ok(Self::Shop(ShopId::from_uuid(id()?), stored.parse()?)),
            unknown => Err(UnknownEvent::AggregateType(unknown.to_owned())),
        }
    }
}

impl StoredEvent<'_> {
    fn parse<E: DeserializeOwned>(&self) -> Result<E, UnknownEvent> {
        serde_json::from_slice(self.payload).map_err(|source| UnknownEvent::Payload {
            event_type: self.event_type.to_owned(),
            event_version: self.event_version.to_owned(),
            source,
        })
    }

    /// As upcasters take it. What follows from the payload alone needs no sequence and no metadata.
    fn to_serialized(self) -> Result<SerializedEvent, UnknownEvent> {
        Ok(SerializedEvent {
            aggregate_id: self.aggregate_id.to_owned(),
            sequence: 0,
            aggregate_type: self.aggregate_type.to_owned(),
            event_type: self.event_type.to_owned(),
            event_version: self.event_version.to_owned(),
            payload: self.parse()?,
            metadata: serde_json::Value::Null,
        })
    }
}

fn id(text: &str) -> Result<Uuid, UnknownEvent> {
    Uuid::parse_str(text).map_err(|_| UnknownEvent::AggregateId(text.to_owned()))
}

fn payload<E: DeserializeOwned>(stored: SerializedEvent) -> Result<E, UnknownEvent> {
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
