//! Many buyers at once.

use std::sync::Arc;

use domain::payout::HostPermit;
use domain::room::{HoldSeat, ScheduleRoom};
use domain::{
    Channel, Currency, Fingerprint, Money, Preset, RefundPolicy, Room, RoomCommand, RoomError, RoomId, TicketId,
    Timestamp, UserId,
};
use sqlx::PgPool;
use uuid::Uuid;

use super::hall::{Hall, HallCommand, HallError};
use super::support::*;
use crate::{EventLog, ExecuteError, Executor, MemoryLog};

const BUYERS: u128 = 200;

async fn the_last_seat_is_sold_once(log: Arc<dyn EventLog>) {
    let halls: Executor<Hall> = Executor::new(log);
    let id = Uuid::nil();
    let command = HallCommand::Sell { seats: 1, of: 1 };
    let races = (0..BUYERS).map(|_| halls.execute(id, command.clone(), metadata()));
    let mut sold = 0;
    for outcome in futures::future::join_all(races).await {
        match outcome {
            Ok(_) => sold += 1,
            Err(ExecuteError::Refused(HallError::SoldOut)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(sold, 1);
    assert_eq!(halls.read(id, |hall| hall.sold).await.unwrap(), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_seat_is_sold_once_in_memory() {
    the_last_seat_is_sold_once(MemoryLog::new()).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_last_seat_is_sold_once_in_postgres(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    the_last_seat_is_sold_once(opened.port()).await;
    opened.close().await;
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn room(room_id: RoomId, capacity: u32) -> RoomCommand {
    RoomCommand::Schedule(Box::new(ScheduleRoom {
        room_id,
        host: UserId::from_uuid(Uuid::from_u128(1)),
        permit: HostPermit::Sells,
        title: "Jazz".to_owned(),
        description: String::new(),
        language: "en".to_owned(),
        starts_at: at(86_400),
        planned_minutes: 60,
        price: Money::new(1_000, Currency::EUR),
        capacity,
        sales_open_at: None,
        sales_close_at: None,
        tickets_per_buyer: 1,
        hold_seconds: 60,
        refund_policy: RefundPolicy::UntilStart,
        no_show_minutes: 15,
        sale: domain::room::SaleOptions::default(),
        preset: Preset::open(),
        request: Fingerprint::of(b"room"),
        at: at(0),
    }))
}

#[sqlx::test(migrations = "../migrations")]
async fn the_last_seats_of_a_room_are_held_once(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    let rooms: Executor<Room> = Executor::new(opened.port());
    let id = Uuid::from_u128(42);
    let capacity = 3;
    let schedule = room(RoomId::from_uuid(id), capacity);
    rooms.execute(id, schedule, metadata()).await.unwrap();
    let races = (0..BUYERS).map(|buyer| {
        let hold = RoomCommand::HoldSeat(HoldSeat {
            wish: None,
            rollout: None,
            ticket_id: TicketId::from_uuid(Uuid::from_u128(1000 + buyer)),
            buyer: UserId::from_uuid(Uuid::from_u128(5000 + buyer)),
            channel: Channel::Web,
            options: None,
            request: Fingerprint::of(b"hold"),
            at: at(1),
            customer: domain::Customer::NotAsked,
        });
        rooms.execute(id, hold, metadata())
    });
    let mut held = 0;
    for outcome in futures::future::join_all(races).await {
        match outcome {
            Ok(_) => held += 1,
            Err(ExecuteError::Refused(RoomError::SoldOut { .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(held, capacity);
    let (live, position) = rooms.read(id, Room::clone).await.unwrap();
    assert_eq!(position, u64::from(capacity) + 1);
    opened.close().await;

    let reopened = Opened::new(&pool).await;
    let cold: Executor<Room> = Executor::new(reopened.port());
    assert_eq!(cold.read(id, Room::clone).await.unwrap(), (live, position));
    reopened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn many_commands_on_many_streams_are_all_recorded(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    let halls: Executor<Hall> = Executor::new(opened.port());
    let races = (0..600_u128).map(|nth| {
        let command = HallCommand::Sell { seats: 1, of: u64::MAX };
        halls.execute(Uuid::from_u128(nth % 20), command, metadata())
    });
    let mut positions: Vec<u64> = futures::future::join_all(races)
        .await
        .into_iter()
        .map(|outcome| outcome.unwrap().position)
        .collect();
    positions.sort_unstable();
    assert!(positions.into_iter().eq(1..=600));
    for nth in 0..20 {
        assert_eq!(halls.read(Uuid::from_u128(nth), |hall| hall.sold).await.unwrap().0, 30);
    }
    opened.close().await;
}
