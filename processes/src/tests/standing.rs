//! What a host's suspension does to their rooms and payouts, whatever crashes.

use domain::payout::{PayoutPhase, RequestPayout};
use domain::{Currency, Fingerprint, Payout, PayoutCommand, PayoutId, Room};
use sqlx::PgPool;
use uuid::Uuid;

use super::world::{HOST, ROOM, RoomPlan, World, hasty, metadata, room, until, user};
use crate::job::JobContext;
use crate::{Outcome, standing};

const PAYOUT: PayoutId = PayoutId::from_uuid(Uuid::from_u128(0xf101));

async fn tell(world: &World, command: PayoutCommand) {
    let payouts = &world.deps.aggregates.payouts;
    payouts.execute(HOST.as_uuid(), command, metadata()).await.unwrap();
}

async fn suspend(world: &World) {
    let reason = "risk".parse().unwrap();
    let (by, at) = (user(0), world.now());
    tell(world, PayoutCommand::Suspend { by, reason, at }).await;
}

async fn reinstate(world: &World) {
    let (by, at, reason) = (user(0), world.now(), None);
    tell(world, PayoutCommand::Reinstate { by, reason, at }).await;
}

async fn is_suspended(world: &World, number: u128) -> bool {
    let look = |room: &Room| room.facts().is_some_and(|facts| facts.sales_suspended);
    world.look_at_room(room(number), look).await
}

async fn until_rooms(world: &World, numbers: std::ops::RangeInclusive<u128>, expected: bool) {
    until(&format!("rooms {numbers:?} are suspended: {expected}"), || async {
        for number in numbers.clone() {
            if is_suspended(world, number).await != expected {
                return false;
            }
        }
        true
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn all_rooms_follow_and_a_crash_in_between_loses_none(pool: PgPool) {
    let mut world = World::idle(pool, hasty()).await;
    for number in 2..=20 {
        world.schedule(room(number), RoomPlan::default()).await;
    }
    suspend(&world).await;
    world.run();
    until("some room is suspended", || async {
        world.events("sales_suspended").await > 0
    })
    .await;
    world.stop().await;
    world.run();
    until_rooms(&world, 1..=20, true).await;
    reinstate(&world).await;
    until_rooms(&world, 1..=20, false).await;
    world.until_quiet().await;
    assert_eq!(world.events("sales_suspended").await, 20);
    assert_eq!(world.events("sales_reinstated").await, 20);
    assert_eq!(world.dead_jobs().await, 0);
}

/// The host was not suspended when the room's command was made, and is when it is recorded.
#[sqlx::test(migrations = "../migrations")]
async fn a_room_that_was_being_scheduled_is_found(pool: PgPool) {
    let mut world = World::idle(pool, hasty()).await;
    suspend(&world).await;
    world.schedule(room(2), RoomPlan::default()).await;
    world.run();
    until_rooms(&world, 1..=2, true).await;
    // Those who come when all is at rest are found as well.
    world.until_quiet().await;
    world.schedule(room(3), RoomPlan::default()).await;
    until_rooms(&world, 3..=3, true).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_that_is_over_is_left_alone_and_forgotten(pool: PgPool) {
    let world = World::start(pool).await;
    world.schedule(room(2), RoomPlan::default()).await;
    world.cancel_room(room(2)).await;
    world.until_quiet().await;
    suspend(&world).await;
    until_rooms(&world, 1..=1, true).await;
    world.until_quiet().await;
    assert!(!is_suspended(&world, 2).await);
    let kept = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM selling_rooms"#);
    assert_eq!(kept.fetch_one(&world.deps.pool).await.unwrap(), 1);
}

/// The jobs of two changes may come in any order, and twice.
#[sqlx::test(migrations = "../migrations")]
async fn a_job_of_yesterday_does_what_is_right_today(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let context = JobContext {
        process: "process:standing",
        caused_by: 1,
        correlation_id: Uuid::nil(),
    };
    let follow = async || standing::follow_room(&world.deps, &context, ROOM, HOST).await.unwrap();
    suspend(&world).await;
    for _ in 0..2 {
        assert_eq!(follow().await, Outcome::Done);
    }
    assert!(is_suspended(&world, 1).await);
    reinstate(&world).await;
    for _ in 0..2 {
        assert_eq!(follow().await, Outcome::Done);
    }
    assert!(!is_suspended(&world, 1).await);
    assert_eq!(world.events("sales_suspended").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_that_was_asked_for_waits_until_the_host_is_reinstated(pool: PgPool) {
    let mut world = World::start(pool).await;
    let ticket = world.pay(1).await;
    world.until_phase(ticket, domain::ticket::TicketPhase::Issued).await;
    world.hold_session(60_000).await;
    let available = |account: &Payout| account.available(Currency::USD);
    let payouts = world.deps.aggregates.payouts.clone();
    until("the host has earned", || async {
        let (available, _) = payouts.read(HOST.as_uuid(), available).await.unwrap();
        available.is_positive()
    })
    .await;
    world.stop().await;
    let request = RequestPayout {
        payout_id: PAYOUT,
        currency: Currency::USD,
        amount: None,
        minimum_minor: 1,
        provider: "sandbox".to_owned(),
        request: Fingerprint::of(b"payout"),
        at: world.now(),
    };
    tell(&world, PayoutCommand::RequestPayout(request)).await;
    suspend(&world).await;
    world.run();
    world.until_quiet().await;
    let phase = |account: &Payout| account.payout(PAYOUT).map(|payout| payout.state);
    let (waits, _) = payouts.read(HOST.as_uuid(), phase).await.unwrap();
    assert_eq!(
        (waits, world.provider.movement_count()),
        (Some(PayoutPhase::Requested), 0)
    );
    reinstate(&world).await;
    until("the payout is paid", || async {
        payouts.read(HOST.as_uuid(), phase).await.unwrap().0 == Some(PayoutPhase::Paid)
    })
    .await;
    assert_eq!(world.provider.movement_count(), 1);
}
