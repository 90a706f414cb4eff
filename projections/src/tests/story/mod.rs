//! Builds the history of a shop, event by event, as the aggregates would have recorded it.

mod money;
mod random;
mod recording;
mod steps;

use std::collections::HashMap;
use std::sync::Arc;

use cqrs_es::DomainEvent;
use domain::room::RoomScheduled;
use domain::{
    AnyEvent, BasisPoints, Channel, Currency, Fingerprint, Money, PaymentId, PayoutEvent, PayoutId, RefundId,
    RefundPolicy, RoomEvent, RoomId, SessionId, Terms, TicketEvent, TicketId, Timestamp, UserId,
};
use event_log::{Metadata, NewEvent, Recorded, StreamAppend, StreamId};
pub(crate) use money::{Owed, charged_twice, eventful_story, in_part, on_request, seat_gone, whole_story};
pub(crate) use random::random_story;
pub(crate) use recording::{recorded, recording_started, recording_stopped};
use uuid::Uuid;

pub(crate) const PRICE: i64 = 1_000;
pub(crate) const FEE: i64 = 59;

macro_rules! test_ids {
    ($($function:ident -> $id:ident, $kind:literal;)+) => {$(
        pub(crate) fn $function(number: u32) -> $id {
            $id::from_uuid(Uuid::from_u128(($kind << 64) | u128::from(number)))
        }
    )+};
}

test_ids! {
    room -> RoomId, 1;
    ticket -> TicketId, 2;
    user -> UserId, 3;
    payment -> PaymentId, 4;
    refund -> RefundId, 5;
    payout -> PayoutId, 6;
    session -> SessionId, 7;
}

/// The host of every room in these tests.
pub(crate) fn host() -> UserId {
    user(1)
}

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// Second number `second` of the story.
pub(crate) fn at(second: u64) -> Timestamp {
    let start = 1_794_000_000;
    Timestamp::from_timestamp(start + i64::try_from(second).expect("a small number"), 0).expect("in range")
}

pub(crate) fn terms(total: Money) -> Terms {
    Terms {
        preset: "open".to_owned(),
        preset_version: 1,
        total,
        tax: Money::zero(total.currency()),
        channel: Channel::Web,
        platform_fee: BasisPoints::try_new(500).expect("below one"),
        refund_policy: RefundPolicy::UntilStart,
        legal_terms_sha256: None,
        pricing: None,
        customer_country: None,
        rules: domain::SaleRules::default(),
    }
}

pub(crate) fn scheduled(number: u32, price: Money) -> RoomScheduled {
    RoomScheduled {
        room_id: room(number),
        host: host(),
        title: format!("Room {number}"),
        description: "An evening of talk".to_owned(),
        language: "en".to_owned(),
        starts_at: at(3_600),
        planned_minutes: 60,
        price,
        capacity: 5,
        sales_open_at: at(0),
        sales_close_at: at(7_200),
        tickets_per_buyer: 1,
        hold_seconds: 300,
        refund_policy: RefundPolicy::UntilStart,
        no_show_minutes: 15,
        sale: domain::room::SaleOptions::default(),
        preset: "open".to_owned(),
        preset_version: 1,
        platform_fee: BasisPoints::try_new(500).expect("below one"),
        request: Fingerprint::of(b"schedule"),
        scheduled_at: at(0),
        fees: domain::FeeRules::default(),
    }
}

/// A history under construction. Ticket `n` is bought by user `n` with payment `n`.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) events: Vec<AnyEvent>,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The time of the next event.
    fn now(&self) -> Timestamp {
        at(u64::try_from(self.events.len()).expect("a short story") + 1)
    }

    pub(crate) fn room(mut self, number: u32, event: RoomEvent) -> Self {
        self.events.push(AnyEvent::Room(room(number), event));
        self
    }

    pub(crate) fn ticket(mut self, number: u32, event: TicketEvent) -> Self {
        self.events.push(AnyEvent::Ticket(ticket(number), event));
        self
    }

    pub(crate) fn account(mut self, event: PayoutEvent) -> Self {
        self.events.push(AnyEvent::Payout(host(), event));
        self
    }

    /// As subscribers see it.
    pub(crate) fn recorded(&self) -> Vec<Arc<Recorded>> {
        let mut sequences: HashMap<Uuid, u64> = HashMap::new();
        let mut position = 0;
        let record = |event: &AnyEvent| {
            position += 1;
            let sequence = sequences.entry(stream_id(event)).or_default();
            *sequence += 1;
            Arc::new(Recorded {
                position,
                sequence: *sequence,
                recorded_at: at(position),
                metadata: metadata(),
                event: event.clone(),
            })
        };
        self.events.iter().map(record).collect()
    }

    /// As the log takes it: one append for each event.
    pub(crate) fn appends(&self) -> Vec<StreamAppend> {
        let metadata: Arc<[u8]> = serde_json::to_vec(&metadata()).expect("plain data").into();
        let append = |recorded: Arc<Recorded>| StreamAppend {
            stream: StreamId {
                aggregate_type: match recorded.event {
                    AnyEvent::Room(..) => "room",
                    AnyEvent::Ticket(..) => "ticket",
                    AnyEvent::Payout(..) => "payout",
                    AnyEvent::Shop(..) => "shop",
                },
                aggregate_id: stream_id(&recorded.event).to_string().into(),
            },
            expected_version: recorded.sequence - 1,
            events: vec![match &recorded.event {
                AnyEvent::Room(_, event) => new_event(event.name(), event),
                AnyEvent::Ticket(_, event) => new_event(event.name(), event),
                AnyEvent::Payout(_, event) => new_event(event.name(), event),
                AnyEvent::Shop(_, event) => new_event(event.name(), event),
            }],
            metadata: Arc::clone(&metadata),
        };
        self.recorded().into_iter().map(append).collect()
    }
}

fn stream_id(event: &AnyEvent) -> Uuid {
    match event {
        AnyEvent::Room(id, _) => id.as_uuid(),
        AnyEvent::Ticket(id, _) => id.as_uuid(),
        AnyEvent::Payout(id, _) => id.as_uuid(),
        AnyEvent::Shop(id, _) => id.as_uuid(),
    }
}

fn new_event(event_type: &'static str, event: &impl DomainEvent) -> NewEvent {
    NewEvent {
        event_type: event_type.into(),
        event_version: "1".into(),
        payload: serde_json::to_vec(event).expect("events are JSON"),
    }
}

fn metadata() -> Metadata {
    Metadata::for_actor("process:story", Uuid::nil())
}
