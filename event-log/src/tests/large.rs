//! A room at its full size: 10,000 seats sold.

use std::sync::Arc;

use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{Aggregate as _, AggregateContext as _, DomainEvent as _, EventStore as _};
use domain::payout::HostPermit;
use domain::room::{HoldSeat, SaleOptions, ScheduleRoom};
use domain::{
    Channel, Currency, Customer, Fingerprint, Money, Preset, RefundPolicy, Room, RoomCommand, RoomError, RoomEvent,
    RoomId, TicketId, Timestamp, UserId,
};
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use uuid::Uuid;

use super::support::*;
use crate::{EventLog as _, Executor, LoadFrom, LogLimits, NewEvent, StreamAppend, StreamId};

const SEATS: u32 = 10_000;
const ID: Uuid = Uuid::from_u128(1);

fn at() -> Timestamp {
    Timestamp::from_timestamp(1_900_000_000, 0).unwrap()
}

fn scheduled() -> RoomCommand {
    RoomCommand::Schedule(Box::new(ScheduleRoom {
        room_id: RoomId::from_uuid(ID),
        host: UserId::from_uuid(Uuid::from_u128(2)),
        permit: HostPermit::Sells,
        title: "Night radio".to_owned(),
        description: String::new(),
        language: "en".to_owned(),
        starts_at: at() + chrono::TimeDelta::days(1),
        planned_minutes: 60,
        price: Money::new(1_000, Currency::EUR),
        capacity: SEATS,
        sales_open_at: None,
        sales_close_at: None,
        tickets_per_buyer: 2,
        hold_seconds: 600,
        refund_policy: RefundPolicy::UntilStart,
        no_show_minutes: 15,
        preset: Preset {
            capacity_max: SEATS,
            ..Preset::open()
        },
        sale: SaleOptions::default(),
        request: Fingerprint::of(b"schedule"),
        at: at(),
    }))
}

fn hold(number: u32) -> HoldSeat {
    HoldSeat {
        wish: None,
        rollout: None,
        ticket_id: TicketId::from_uuid(Uuid::from_u128(u128::from(number) << 64 | 3)),
        buyer: buyer(number),
        channel: Channel::Web,
        customer: Customer::NotAsked,
        options: None,
        request: Fingerprint::of(&number.to_be_bytes()),
        at: at(),
    }
}

/// Each buys two.
fn buyer(number: u32) -> UserId {
    UserId::from_uuid(Uuid::from_u128(u128::from(number / 2) << 64 | 4))
}

/// The events of a room that sells out, and its state.
fn sold_out() -> (Vec<RoomEvent>, Room) {
    let mut room = Room::default();
    let mut events = Vec::new();
    let sales = (0..SEATS).flat_map(|number| {
        let wish = hold(number);
        let (ticket_id, buyer) = (wish.ticket_id, wish.buyer);
        [
            RoomCommand::HoldSeat(wish),
            RoomCommand::SellSeat {
                ticket_id,
                buyer,
                at: at(),
            },
        ]
    });
    for command in std::iter::once(scheduled()).chain(sales) {
        for event in room.decide(command).unwrap() {
            room.apply(event.clone());
            events.push(event);
        }
    }
    (events, room)
}

async fn record(opened: &Opened, events: &[RoomEvent]) {
    let mut expected_version = 0;
    for part in events.chunks(500) {
        let append = StreamAppend {
            stream: stream(),
            expected_version,
            events: part.iter().map(stored).collect(),
            metadata: Arc::from(&b"{}"[..]),
        };
        expected_version += part.len() as u64;
        opened.log.append(vec![append]).await.remove(0).unwrap();
    }
}

fn stream() -> StreamId {
    StreamId {
        aggregate_type: Room::TYPE,
        aggregate_id: Arc::from(ID.to_string()),
    }
}

fn stored(event: &RoomEvent) -> NewEvent {
    NewEvent {
        event_type: event.event_type().into(),
        event_version: event.event_version().into(),
        payload: serde_json::to_vec(event).unwrap(),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn ten_thousand_sold_seats_are_the_same_with_and_without_a_snapshot(pool: PgPool) {
    let (events, live) = sold_out();
    let opened = Opened::new(&pool).await;
    record(&opened, &events).await;
    opened.close().await;

    // Folded whole, in pages. Its load asks for the snapshot that the next one finds.
    let opened = Opened::new(&pool).await;
    let rooms: Executor<Room> = Executor::new(opened.port());
    assert_eq!(rooms.read(ID, Room::clone).await.unwrap(), (live.clone(), 20_001));
    let from = LoadFrom::Snapshot { format: 1 };
    until("there is a snapshot", async || {
        opened.log.load(&stream(), from).await.unwrap().snapshot.is_some()
    })
    .await;
    drop(rooms);
    opened.close().await;

    let opened = Opened::with(&pool, LogLimits::default()).await;
    let found = opened.log.load(&stream(), from).await.unwrap();
    assert_eq!(
        (found.snapshot.unwrap().snapshot.last_sequence, found.events.len()),
        (20_001, 0)
    );
    let rooms: Executor<Room> = Executor::new(opened.port());
    assert_eq!(rooms.read(ID, Room::clone).await.unwrap(), (live.clone(), 20_001));
    let refused = rooms.execute(ID, RoomCommand::HoldSeat(hold(SEATS)), metadata()).await;
    assert!(matches!(
        refused,
        Err(crate::ExecuteError::Refused(RoomError::SoldOut { capacity: SEATS }))
    ));
    opened.close().await;

    let repository = PostgresEventRepository::new(pool.clone());
    let stock = PersistedEventStore::<_, Room>::new_snapshot_store(repository, 1000);
    let mut resumed = stock.load_aggregate(&ID.to_string()).await.unwrap();
    assert_eq!(*resumed.aggregate(), live);
}
