//! Holds that lapse, and money that comes too late or twice.

use std::sync::Arc;
use std::time::Duration;

use domain::room::{Seat, SeatReturn};
use domain::ticket::{OrderTicket, PaymentState, RefundState, StartPayment, TicketPhase};
use domain::{Fingerprint, Room, RoomCommand, Ticket, TicketCommand, TicketId};
use event_log::ManualClock;
use payments::IntentState;
use sqlx::PgPool;

use super::provider::ScriptedProvider;
use super::world::{HOST, ROOM, RoomPlan, World, hasty, metadata, payment, ticket, until, user};

/// A world whose clock the test moves, with one room of so many seats.
async fn world_of(pool: PgPool, capacity: u32) -> (World, ManualClock) {
    let now = event_log::Clock::now(&event_log::SystemClock);
    let clock = ManualClock::new(now);
    let provider = Arc::new(ScriptedProvider::new(now));
    let mut world = World::around(pool, hasty(), provider, Arc::new(clock.clone())).await;
    let plan = RoomPlan {
        capacity,
        ..RoomPlan::default()
    };
    world.schedule(ROOM, plan).await;
    world.run();
    (world, clock)
}

const HOLD: Duration = Duration::from_mins(5);

async fn refund_states(world: &World, ticket: TicketId) -> Vec<RefundState> {
    let look = |ticket: &Ticket| ticket.refunds().map(|refund| refund.state).collect();
    world.look_at_ticket(ticket, look).await
}

async fn payment_state(world: &World, ticket: TicketId) -> Option<PaymentState> {
    let look = |ticket: &Ticket| ticket.payments().next().map(|payment| payment.state);
    world.look_at_ticket(ticket, look).await
}

fn context() -> crate::JobContext {
    crate::JobContext {
        process: "process:test",
        caused_by: 1,
        correlation_id: uuid::Uuid::from_u128(7),
    }
}

async fn until_refunded(world: &World, ticket: TicketId) {
    until(&format!("{ticket} is refunded"), || async {
        refund_states(world, ticket).await == [RefundState::Completed]
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_unpaid_hold_lapses_and_its_payment_is_called_off(pool: PgPool) {
    let (world, clock) = world_of(pool, 1).await;
    let ticket = world.order(1).await;
    clock.advance(Duration::from_secs(299));
    world.until_quiet().await;
    assert_eq!(world.look_at_room(ROOM, Room::held_count).await, 1);

    clock.advance(Duration::from_secs(1));
    world.until_phase(ticket, TicketPhase::Lapsed).await;
    assert_eq!(world.look_at_room(ROOM, Room::held_count).await, 0);
    until("the payment is called off", || async {
        world.provider.intent_state(payment(1)) == Some(IntentState::Cancelled)
    })
    .await;
    world.until_quiet().await;
    assert_eq!(payment_state(&world, ticket).await, Some(PaymentState::Cancelled));
    assert_eq!(world.dead_jobs().await, 0);

    // What is called off is not asked for again, however often somebody wants to make sure.
    let asked = world.provider.cancel_count();
    crate::checkout::cancel_intents(&world.deps, &context(), ticket)
        .await
        .unwrap();
    assert_eq!(world.provider.cancel_count(), asked);
    assert_eq!(world.events("payment_cancelled").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn money_that_comes_for_a_payment_called_off_goes_the_way_of_all_late_money(pool: PgPool) {
    let (world, clock) = world_of(pool, 1).await;
    let ticket = world.order(1).await;
    clock.advance(HOLD);
    until("the payment is called off", || async {
        payment_state(&world, ticket).await == Some(PaymentState::Cancelled)
    })
    .await;
    let body = world.provider.capture(payment(1));
    world.processes.receive_webhook(&body).await.unwrap();
    world.until_phase(ticket, TicketPhase::Issued).await;
    let is_captured = matches!(payment_state(&world, ticket).await, Some(PaymentState::Captured { .. }));
    assert!(is_captured);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_decline_found_while_calling_off_is_recorded(pool: PgPool) {
    let (world, clock) = world_of(pool, 1).await;
    let ticket = world.order(1).await;
    world.stop().await;
    let _lost = world.provider.decline(payment(1));
    clock.advance(HOLD);
    crate::checkout::cancel_intents(&world.deps, &context(), ticket)
        .await
        .unwrap();
    assert_eq!(payment_state(&world, ticket).await, Some(PaymentState::Declined));
    assert_eq!(world.events("payment_cancelled").await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_that_nobody_paid_for_lapses_without_a_ticket(pool: PgPool) {
    let (world, clock) = world_of(pool, 1).await;
    let ticket = world.hold(1).await;
    clock.advance(HOLD);
    until("the seat is free", || async {
        world.look_at_room(ROOM, Room::held_count).await == 0
    })
    .await;
    world.until_quiet().await;
    assert_eq!(world.phase(ticket).await, TicketPhase::Unordered);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_given_back_lapses_its_ticket(pool: PgPool) {
    let (world, _clock) = world_of(pool, 1).await;
    let ticket = world.order(1).await;
    let release = RoomCommand::ReleaseSeat {
        ticket_id: ticket,
        reason: SeatReturn::GivenBack { by: user(1) },
        at: world.now(),
    };
    world.tell_room(ROOM, release).await;
    world.until_phase(ticket, TicketPhase::Lapsed).await;
}

/// Buyer 1 gave the hold back while the request to pay for it was under way: what follows from the release has run
/// before there was a ticket.
async fn pay_for_a_seat_given_back(world: &World) -> TicketId {
    let ticket_id = world.hold(1).await;
    let terms = move |room: &Room| match room.seat(ticket_id) {
        Some(Seat::Held(hold)) => hold.terms.clone(),
        Some(Seat::Sold { .. }) | None => panic!("the seat is held"),
    };
    let terms = world.look_at_room(ROOM, terms).await;
    let at = world.now();
    let reason = SeatReturn::GivenBack { by: user(1) };
    let release = RoomCommand::ReleaseSeat { ticket_id, reason, at };
    world.tell_room(ROOM, release).await;
    world.until_quiet().await;
    let order = OrderTicket {
        ticket_id,
        room_id: ROOM,
        host: HOST,
        buyer: user(1),
        terms,
        at,
    };
    let start = StartPayment {
        payment_id: payment(1),
        provider: "scripted".to_owned(),
        request: Fingerprint::of(b"pay"),
        at,
    };
    let tickets = &world.deps.aggregates.tickets;
    for command in [
        TicketCommand::Order(Box::new(order)),
        TicketCommand::StartPayment(start),
    ] {
        tickets.execute(ticket_id.as_uuid(), command, metadata()).await.unwrap();
    }
    ticket_id
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_begun_for_a_seat_given_back_meanwhile_is_called_off(pool: PgPool) {
    let (world, clock) = world_of(pool, 1).await;
    let ticket = pay_for_a_seat_given_back(&world).await;
    // The request goes on to its end.
    world.begin_payment(1, payment(1)).await.unwrap();
    assert_eq!(world.provider.intent_state(payment(1)), Some(IntentState::Pending));
    clock.advance(Duration::from_secs(10));
    world.until_phase(ticket, TicketPhase::Lapsed).await;
    until("the payment is called off", || async {
        world.provider.intent_state(payment(1)) == Some(IntentState::Cancelled)
    })
    .await;
    world.until_quiet().await;
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_begun_for_a_seat_given_back_meanwhile_is_not_asked_for_again(pool: PgPool) {
    let (world, clock) = world_of(pool, 1).await;
    let ticket = pay_for_a_seat_given_back(&world).await;
    clock.advance(Duration::from_secs(10));
    world.until_phase(ticket, TicketPhase::Lapsed).await;
    world.until_quiet().await;
    assert_eq!(world.provider.intent_state(payment(1)), None);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_payment_gets_the_seat_if_it_is_still_free(pool: PgPool) {
    let (world, clock) = world_of(pool, 1).await;
    let ticket = world.order(1).await;
    clock.advance(HOLD);
    world.until_phase(ticket, TicketPhase::Lapsed).await;

    let body = world.provider.capture(payment(1));
    world.processes.receive_webhook(&body).await.unwrap();
    world.until_phase(ticket, TicketPhase::Issued).await;
    assert!(refund_states(&world, ticket).await.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_payment_goes_back_if_the_seat_is_gone(pool: PgPool) {
    let (world, clock) = world_of(pool, 1).await;
    let late = world.order(1).await;
    clock.advance(HOLD);
    world.until_phase(late, TicketPhase::Lapsed).await;
    let winner = world.pay(2).await;
    world.until_phase(winner, TicketPhase::Issued).await;

    let body = world.provider.capture(payment(1));
    world.processes.receive_webhook(&body).await.unwrap();
    until_refunded(&world, late).await;
    world.until_quiet().await;
    assert_eq!(world.phase(late).await, TicketPhase::Refunded);
    assert_eq!(world.look_at_room(ROOM, Room::sold_count).await, 1);
    assert_eq!(world.provider.refunds().len(), 1);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_capture_found_while_calling_off_is_recorded(pool: PgPool) {
    let (world, clock) = world_of(pool, 1).await;
    let ticket = world.order(1).await;
    // Captured, and neither webhook nor sweep has told: the provider is asked to cancel and says that it was paid.
    world.stop().await;
    let _lost = world.provider.capture(payment(1));
    clock.advance(HOLD);
    let context = context();
    let released = RoomCommand::ReleaseLapsed { at: world.now() };
    world.tell_room(ROOM, released).await;
    crate::hold_expiry::lapse_ticket(&world.deps, &context, ticket)
        .await
        .unwrap();
    crate::checkout::cancel_intents(&world.deps, &context, ticket)
        .await
        .unwrap();
    assert_eq!(world.events("payment_captured").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_second_charge_of_a_ticket_goes_back(pool: PgPool) {
    let (world, _clock) = world_of(pool, 1).await;
    let ticket = world.order(1).await;
    world.begin_payment(1, payment(2)).await.unwrap();
    for number in [1, 2] {
        let body = world.provider.capture(payment(number));
        world.processes.receive_webhook(&body).await.unwrap();
    }
    until_refunded(&world, ticket).await;
    world.until_phase(ticket, TicketPhase::Issued).await;
    world.until_quiet().await;
    assert_eq!(world.events("payment_captured").await, 2);
    assert_eq!(world.events("ticket_issued").await, 1);
    assert_eq!(world.look_at_room(ROOM, Room::sold_count).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn other_payments_of_an_issued_ticket_are_called_off(pool: PgPool) {
    let (world, _clock) = world_of(pool, 1).await;
    world.order(1).await;
    world.begin_payment(1, payment(2)).await.unwrap();
    let body = world.provider.capture(payment(2));
    world.processes.receive_webhook(&body).await.unwrap();
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    until("the first payment is called off", || async {
        world.provider.intent_state(payment(1)) == Some(IntentState::Cancelled)
    })
    .await;
}
