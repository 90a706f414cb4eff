//! The same with the sandbox: a provider with a store, webhooks and an event list of its own.

use std::sync::Arc;

use domain::ticket::{RefundState, TicketPhase};
use domain::{Ticket, TicketId};
use event_log::{Clock, SystemClock};
use payments::sandbox::{Card, Confirmation, Delivery, Sandbox, SandboxConfig};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::provider::ScriptedProvider;
use super::world::{ROOM, RoomPlan, World, hasty, payment, ticket, until};
use crate::{Begun, Processes};

/// An ordinary world, but its payments go to a sandbox.
async fn world(pool: PgPool) -> (World, Arc<Sandbox>) {
    let now = Arc::new(|| SystemClock.now());
    let sandbox = Arc::new(Sandbox::new(pool.clone(), SandboxConfig::new("secret".into(), now)));
    let provider = Arc::new(ScriptedProvider::new(SystemClock.now()));
    let mut world = World::around(pool, hasty(), provider, Arc::new(SystemClock)).await;
    world.deps.provider = Arc::clone(&sandbox) as _;
    world.processes = Processes::idle(world.deps.clone());
    world.schedule(ROOM, RoomPlan::default()).await;
    world.run();
    (world, sandbox)
}

async fn confirm(world: &World, sandbox: &Sandbox, number: u128, confirmation: Confirmation) {
    let begun = world.begin_payment(number, payment(number)).await.unwrap();
    let Begun::Intent {
        provider_ref,
        client_secret,
        ..
    } = begun
    else {
        panic!("a priced seat is paid: {begun:?}");
    };
    sandbox
        .confirm(&provider_ref, &client_secret, confirmation)
        .await
        .unwrap();
}

/// Hands over every webhook body that the sandbox has, as its HTTP deliveries would, so many times each.
async fn deliver_all(world: &World, times: usize) {
    let bodies = sqlx::query_scalar!("SELECT body FROM sandbox.events ORDER BY seq")
        .fetch_all(&world.deps.pool)
        .await
        .unwrap();
    for body in bodies {
        for _ in 0..times {
            world.processes.receive_webhook(body.as_bytes()).await.unwrap();
        }
    }
}

async fn refunds(world: &World, ticket: TicketId) -> Vec<RefundState> {
    let look = |ticket: &Ticket| ticket.refunds().map(|refund| refund.state).collect();
    world.look_at_ticket(ticket, look).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sandbox_payment_becomes_a_ticket_without_any_webhook(pool: PgPool) {
    let (world, sandbox) = world(pool).await;
    world.hold(1).await;
    let lost = Confirmation {
        webhook: Delivery::Never,
        ..Confirmation::ok()
    };
    confirm(&world, &sandbox, 1, lost).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn webhooks_that_come_twice_and_the_sweep_together_issue_one_ticket_each(pool: PgPool) {
    let (world, sandbox) = world(pool).await;
    for number in 1..=3 {
        world.hold(number).await;
        confirm(&world, &sandbox, number, Confirmation::ok()).await;
    }
    deliver_all(&world, 2).await;
    for number in 1..=3 {
        world.until_phase(ticket(number), TicketPhase::Issued).await;
    }
    world.until_quiet().await;
    for event_type in ["payment_captured", "seat_sold", "ticket_issued"] {
        assert_eq!(world.events(event_type).await, 3, "{event_type}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_card_declined_by_the_sandbox_may_try_again(pool: PgPool) {
    let (world, sandbox) = world(pool).await;
    world.hold(1).await;
    let reason = "insufficient_funds".to_owned();
    let declined = Confirmation {
        card: Card::Declined { reason },
        ..Confirmation::ok()
    };
    confirm(&world, &sandbox, 1, declined).await;
    until("the decline is recorded", || async {
        world.events("payment_declined").await == 1
    })
    .await;
    let Begun::Intent {
        provider_ref,
        client_secret,
        ..
    } = world.begin_payment(1, payment(2)).await.unwrap()
    else {
        panic!("a priced seat is paid");
    };
    sandbox
        .confirm(&provider_ref, &client_secret, Confirmation::ok())
        .await
        .unwrap();
    world.until_phase(ticket(1), TicketPhase::Issued).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_room_is_refunded_by_the_sandbox(pool: PgPool) {
    let (world, sandbox) = world(pool).await;
    for number in 1..=3 {
        world.hold(number).await;
        confirm(&world, &sandbox, number, Confirmation::ok()).await;
        world.until_phase(ticket(number), TicketPhase::Issued).await;
    }
    world.cancel_room(ROOM).await;
    for number in 1..=3 {
        until(&format!("refund {number} is completed"), || async {
            refunds(&world, ticket(number)).await == [RefundState::Completed]
        })
        .await;
    }
    deliver_all(&world, 1).await;
    world.until_quiet().await;
    assert_eq!(world.events("refund_completed").await, 3);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn two_nodes_at_work_on_one_database_do_everything_once(pool: PgPool) {
    let (world, sandbox) = world(pool).await;
    let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
    let _second = Processes::start(world.deps.clone(), &tracker, &cancel);
    for number in 1..=5 {
        world.hold(number).await;
        confirm(&world, &sandbox, number, Confirmation::ok()).await;
    }
    for number in 1..=5 {
        world.until_phase(ticket(number), TicketPhase::Issued).await;
    }
    world.until_quiet().await;
    assert_eq!(world.events("ticket_issued").await, 5);
    assert_eq!(world.dead_jobs().await, 0);
    cancel.cancel();
}
