//! Refunds: one, or all of a room.

use domain::ticket::{OweRefund, RefundInitiator, RefundReason, RefundState, TicketPhase};
use domain::{RefundId, Room, RoomCommand, Ticket, TicketCommand, TicketId};
use payments::{MovementState, ProviderEventKind};
use sqlx::PgPool;
use uuid::Uuid;

use super::world::{ROOM, RoomPlan, World, metadata, payment, room, ticket, until};
use crate::jobs::{self, JobState};

const REFUND: RefundId = RefundId::from_uuid(Uuid::from_u128(0xf001));

async fn refund(world: &World, ticket: TicketId) {
    let now = world.now();
    let owe = OweRefund {
        refund_id: REFUND,
        amount: None,
        reason: RefundReason::Requested,
        by: RefundInitiator::Host,
        room_starts_at: now,
        room_has_opened: false,
        request: None,
        at: now,
    };
    let tickets = &world.deps.aggregates.tickets;
    let command = TicketCommand::OweRefund(owe);
    tickets.execute(ticket.as_uuid(), command, metadata()).await.unwrap();
}

async fn refund_state(world: &World, ticket: TicketId) -> Option<RefundState> {
    let look = |ticket: &Ticket| ticket.refunds().next().map(|refund| refund.state);
    world.look_at_ticket(ticket, look).await
}

async fn until_refund(world: &World, ticket: TicketId, state: RefundState) {
    until(&format!("the refund of {ticket} is {state:?}"), || async {
        refund_state(world, ticket).await == Some(state)
    })
    .await;
}

async fn issued(world: &World, number: u128) -> TicketId {
    let ticket = world.pay(number).await;
    world.until_phase(ticket, TicketPhase::Issued).await;
    ticket
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refunded_ticket_gives_its_seat_back(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = issued(&world, 1).await;
    refund(&world, ticket).await;
    until_refund(&world, ticket, RefundState::Completed).await;
    world.until_quiet().await;
    assert_eq!(world.look_at_room(ROOM, Room::sold_count).await, 0);
    assert_eq!(world.provider.refunds(), [REFUND]);
    assert_eq!(world.events("refund_sent").await, 1);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_pending_refund_is_completed_by_the_providers_event(pool: PgPool) {
    let world = World::start(pool).await;
    world.provider.set_movements(MovementState::Pending);
    let ticket = issued(&world, 1).await;
    refund(&world, ticket).await;
    until_refund(&world, ticket, RefundState::Sent).await;
    // No webhook: the sweep finds it.
    world.provider.publish(ProviderEventKind::RefundCompleted {
        refund_id: REFUND,
        payment_id: payment(1),
        ticket_id: ticket,
    });
    until_refund(&world, ticket, RefundState::Completed).await;
}

async fn until_one_is_dead(world: &World) -> i64 {
    until("the refund waits for a human", || async {
        world.dead_jobs().await == 1
    })
    .await;
    world.until_quiet().await;
    let dead = jobs::list(&world.deps.pool, Some(JobState::Dead), 10).await.unwrap();
    assert_eq!(dead[0].kind, "send_refund");
    dead[0].id
}

/// A refund that fails is recorded once, and stays owed: a human has it sent when the reason is gone.
async fn a_failing_refund_waits_for_a_human(world: &World, ticket: TicketId) {
    let id = until_one_is_dead(world).await;
    assert_eq!(refund_state(world, ticket).await, Some(RefundState::Failed));
    assert_eq!(world.events("refund_failed").await, 1);

    // Too early: the answer is the same, and nothing more is recorded.
    assert!(jobs::rerun(&world.deps.pool, id, world.now()).await.unwrap());
    until_one_is_dead(world).await;
    assert_eq!(world.events("refund_failed").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_that_the_provider_refuses_waits_for_a_human(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = issued(&world, 1).await;
    world.until_quiet().await;
    world.provider.set_refuses(Some("account_closed"));
    refund(&world, ticket).await;
    a_failing_refund_waits_for_a_human(&world, ticket).await;

    world.provider.set_refuses(None);
    assert_eq!(jobs::rerun_dead(&world.deps.pool, world.now()).await.unwrap(), 1);
    until_refund(&world, ticket, RefundState::Completed).await;
    world.until_quiet().await;
    assert_eq!(world.provider.refunds(), [REFUND]);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_that_fails_at_the_provider_waits_for_a_human(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = issued(&world, 1).await;
    let reason = "card_closed".to_owned();
    world.provider.set_movements(MovementState::Failed { reason });
    refund(&world, ticket).await;
    a_failing_refund_waits_for_a_human(&world, ticket).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_that_fails_later_is_asked_for_again(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = issued(&world, 1).await;
    world.provider.set_movements(MovementState::Pending);
    refund(&world, ticket).await;
    until_refund(&world, ticket, RefundState::Sent).await;
    world.provider.set_refuses(Some("balance_too_low"));
    let failed = world.provider.publish(ProviderEventKind::RefundFailed {
        refund_id: REFUND,
        payment_id: payment(1),
        ticket_id: ticket,
        reason: "card_closed".to_owned(),
    });
    world.processes.receive_webhook(&failed).await.unwrap();
    a_failing_refund_waits_for_a_human(&world, ticket).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_waits_for_a_provider_that_is_down(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = issued(&world, 1).await;
    world.until_quiet().await;
    world.provider.set_down(true);
    refund(&world, ticket).await;
    // More tries than would kill a job that counts them.
    let pool = world.deps.pool.clone();
    until("the outage has cost some tries", || async {
        let jobs = jobs::list(&pool, None, 100).await.unwrap();
        jobs.iter()
            .any(|job| job.kind == "send_refund" && job.outages > 3 && job.attempts == 0)
    })
    .await;
    world.provider.set_down(false);
    until_refund(&world, ticket, RefundState::Completed).await;
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_room_refunds_everybody(pool: PgPool) {
    let world = World::start(pool).await;
    for number in 1..=3 {
        issued(&world, number).await;
    }
    let unpaid = world.order(4).await;
    let paying = world.order(5).await;
    world.cancel_room(ROOM).await;
    // This payment was on its way when the room was cancelled.
    let body = world.provider.capture(payment(5));
    world.processes.receive_webhook(&body).await.unwrap();

    for number in [1, 2, 3, 5] {
        until_refund(&world, ticket(number), RefundState::Completed).await;
    }
    world.until_phase(unpaid, TicketPhase::Lapsed).await;
    world.until_quiet().await;
    assert_eq!(world.phase(paying).await, TicketPhase::Refunded);
    assert_eq!(world.provider.refunds().len(), 4);
    assert_eq!(world.events("payment_captured").await, 4);
    assert_eq!(world.events("refund_completed").await, 4);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_that_was_not_delivered_refunds_everybody(pool: PgPool) {
    let world = World::start(pool).await;
    for number in 1..=2 {
        issued(&world, number).await;
    }
    world.hold_session(0).await;
    for number in 1..=2 {
        until_refund(&world, ticket(number), RefundState::Completed).await;
    }
    world.until_quiet().await;
    assert_eq!(world.events("ticket_settled").await, 0);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_that_is_taken_down_gives_back_what_is_paid_afterwards_too(pool: PgPool) {
    let world = World::start(pool).await;
    issued(&world, 1).await;
    let paying = world.order(2).await;
    world.tell_room(ROOM, RoomCommand::Moderate { at: world.now() }).await;
    let body = world.provider.capture(payment(2));
    world.processes.receive_webhook(&body).await.unwrap();
    for number in [1, 2] {
        until_refund(&world, ticket(number), RefundState::Completed).await;
    }
    world.until_quiet().await;
    assert_eq!(world.phase(paying).await, TicketPhase::Refunded);
    assert_eq!(world.events("refund_completed").await, 2);
    assert_eq!(world.dead_jobs().await, 0);
}

/// Buyer `number` takes a seat of the free room 2.
async fn claim_free(world: &World, number: u128) -> TicketId {
    let ticket = world.hold_in(room(2), number).await;
    let mut request = world.begin(number, payment(number));
    request.room_id = room(2);
    world.processes.begin_payment(request).await.unwrap();
    ticket
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_free_room_owes_nobody_and_leaves_no_work(pool: PgPool) {
    let world = World::start(pool).await;
    let free = RoomPlan {
        price_minor: 0,
        ..RoomPlan::default()
    };
    world.schedule(room(2), free).await;
    claim_free(&world, 1).await;
    world.hold_in(room(2), 2).await;
    world.cancel_room(room(2)).await;
    world.until_quiet().await;
    assert_eq!(world.look_at_room(room(2), Room::held_count).await, 0);
    assert_eq!(world.events("refund_owed").await, 0);
    assert_eq!(world.dead_jobs().await, 0);
}
