//! The waiting list by the clock: offers pass on by themselves, and who paid too late waits for ten minutes.

use std::sync::Arc;
use std::time::Duration;

use domain::room::{HoldOptions, HoldSeat, JoinWaitingList};
use domain::ticket::TicketPhase;
use domain::{Channel, Customer, Fingerprint, Room, RoomCommand, TicketId};
use event_log::ManualClock;
use sqlx::PgPool;

use super::provider::ScriptedProvider;
use super::world::{ROOM, RoomPlan, World, hasty, payment, ticket, until, user};

const HOLD: Duration = Duration::from_mins(5);
const WAIT: Duration = Duration::from_mins(10);

/// One seat, and a clock that the test moves.
async fn one_seat(pool: PgPool) -> (World, ManualClock) {
    let now = event_log::Clock::now(&event_log::SystemClock);
    let clock = ManualClock::new(now);
    let provider = Arc::new(ScriptedProvider::new(now));
    let mut world = World::around(pool, hasty(), provider, Arc::new(clock.clone())).await;
    let plan = RoomPlan {
        capacity: 1,
        ..RoomPlan::default()
    };
    world.schedule(ROOM, plan).await;
    world.run();
    (world, clock)
}

async fn join(world: &World, number: u128) -> TicketId {
    let join = JoinWaitingList {
        rollout: None,
        user: user(number),
        ticket_id: ticket(number),
        customer: Customer::NotAsked,
        request: Fingerprint::of(b"join"),
        at: world.deps.clock.now(),
    };
    world.tell_room(ROOM, RoomCommand::JoinWaitingList(join)).await;
    ticket(number)
}

async fn until_offered(world: &World, number: u128) {
    until(&format!("an offer to {number}"), || async {
        let look = move |room: &Room| {
            room.waiting_place(user(number))
                .is_some_and(|place| place.offer.is_some())
        };
        world.look_at_room(ROOM, look).await
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn offers_go_down_the_line_as_they_lapse(pool: PgPool) {
    let (world, clock) = one_seat(pool).await;
    world.hold(1).await;
    let (second, third) = (join(&world, 2).await, join(&world, 3).await);
    clock.advance(HOLD);
    until_offered(&world, 2).await;
    clock.advance(WAIT);
    until_offered(&world, 3).await;
    assert_eq!(world.phase(second).await, TicketPhase::Unordered, "nobody paid");
    world.begin_payment(3, payment(3)).await.unwrap();
    let body = world.provider.capture(payment(3));
    world.processes.receive_webhook(&body).await.unwrap();
    world.until_phase(third, TicketPhase::Issued).await;
    world.until_quiet().await;
    assert_eq!(world.dead_jobs().await, 0);
}

/// Buyer 1 pays when the hold is over and buyer 2 has the seat; buyer 3 is in line.
async fn late_payer(world: &World, clock: &ManualClock) -> TicketId {
    let options = HoldOptions {
        wait_if_late: true,
        ..HoldOptions::default()
    };
    let hold = HoldSeat {
        wish: None,
        rollout: None,
        ticket_id: ticket(1),
        buyer: user(1),
        channel: Channel::Web,
        customer: Customer::NotAsked,
        options: options.boxed(),
        request: Fingerprint::of(b"hold"),
        at: world.deps.clock.now(),
    };
    world.tell_room(ROOM, RoomCommand::HoldSeat(hold)).await;
    world.begin_payment(1, payment(1)).await.unwrap();
    clock.advance(HOLD);
    world.until_phase(ticket(1), TicketPhase::Lapsed).await;
    world.hold(2).await;
    join(world, 3).await;
    let body = world.provider.capture(payment(1));
    world.processes.receive_webhook(&body).await.unwrap();
    until("the late payer waits", || async {
        world.events("seat_awaited").await == 1
    })
    .await;
    ticket(1)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_payer_who_waits_has_the_next_seat_before_the_line(pool: PgPool) {
    let (world, clock) = one_seat(pool).await;
    let late = late_payer(&world, &clock).await;
    clock.advance(HOLD);
    world.until_phase(late, TicketPhase::Issued).await;
    world.until_quiet().await;
    assert_eq!(
        (world.events("seat_sold").await, world.events("seat_denied").await),
        (1, 0)
    );
    let place = world.look_at_room(ROOM, |room| room.waiting_place(user(3))).await;
    assert_eq!(place.and_then(|place| place.place), Some(1));
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_payer_who_waited_in_vain_has_the_money_back(pool: PgPool) {
    let (world, clock) = one_seat(pool).await;
    let late = late_payer(&world, &clock).await;
    world.begin_payment(2, payment(2)).await.unwrap();
    let body = world.provider.capture(payment(2));
    world.processes.receive_webhook(&body).await.unwrap();
    world.until_phase(ticket(2), TicketPhase::Issued).await;
    clock.advance(WAIT);
    world.until_phase(late, TicketPhase::Refunded).await;
    world.until_quiet().await;
    assert_eq!(
        (world.events("seat_sold").await, world.events("seat_denied").await),
        (1, 1)
    );
    assert_eq!(world.provider.refunds().len(), 1);
    assert_eq!(world.dead_jobs().await, 0);
}
