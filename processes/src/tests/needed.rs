//! Jobs are left out when what they would do is done, and never otherwise.

use std::time::Duration;

use domain::ticket::TicketPhase;
use payments::PaymentProvider;
use sqlx::PgPool;

use super::world::{ROOM, World, hasty, payment, ticket};
use crate::jobs;
use crate::needed::still_needed;
use crate::{Job, NewJob, ProcessSettings};

fn without_head_start() -> ProcessSettings {
    ProcessSettings {
        head_start: false,
        ..hasty()
    }
}

/// The jobs of this list that are still needed, made by events of this moment.
async fn needed(world: &World, jobs: Vec<Job>) -> Vec<Job> {
    let new = |job| NewJob {
        job,
        caused_by: 1,
        correlation_id: uuid::Uuid::from_u128(3),
        run_at: None,
    };
    let new = jobs.into_iter().map(new).collect();
    let left = still_needed(&world.deps, world.now(), new).await;
    left.into_iter().map(|new| new.job).collect()
}

async fn is_needed(world: &World, job: Job) -> bool {
    !needed(world, vec![job]).await.is_empty()
}

fn sell() -> Job {
    Job::SellSeat { ticket: ticket(1) }
}

fn issue() -> Job {
    Job::IssueTicket {
        room: ROOM,
        ticket: ticket(1),
    }
}

fn check(number: u128) -> Job {
    Job::CheckPayment {
        ticket: ticket(1),
        payment: payment(number),
    }
}

async fn capture(world: &World, number: u128) {
    let body = world.provider.capture(payment(number));
    let event = PaymentProvider::parse_webhook(&*world.provider, &body).unwrap();
    crate::inbox::apply_event(&world.deps, "process:test", &event)
        .await
        .unwrap();
}

async fn run(world: &World, job: Job) {
    let context = crate::JobContext {
        process: "process:test",
        caused_by: 1,
        correlation_id: uuid::Uuid::from_u128(3),
    };
    crate::run_job(&world.deps, &context, job).await.unwrap();
}

async fn kinds_stored(pool: &PgPool) -> Vec<String> {
    let mut kinds: Vec<String> = jobs::list(pool, None, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.kind)
        .collect();
    kinds.sort();
    kinds
}

#[sqlx::test(migrations = "../migrations")]
async fn each_step_is_needed_until_it_is_done(pool: PgPool) {
    let world = World::idle(pool, without_head_start()).await;
    world.order(1).await;
    capture(&world, 1).await;
    assert!(is_needed(&world, sell()).await, "captured");
    run(&world, sell()).await;
    assert!(is_needed(&world, issue()).await, "sold");
    run(&world, issue()).await;
    assert_eq!(needed(&world, vec![sell(), issue(), check(1)]).await, [], "issued");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_issued_ticket_is_needed_again_while_a_payment_is_open_or_its_room_is_over(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    world.order(1).await;
    world.begin_payment(1, payment(2)).await.unwrap();
    capture(&world, 1).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    assert!(is_needed(&world, issue()).await, "the second payment can still be paid");
    assert!(is_needed(&world, check(2)).await);
    run(&world, Job::CancelIntents { ticket: ticket(1) }).await;
    assert!(!is_needed(&world, issue()).await);
    world.cancel_room(ROOM).await;
    assert!(is_needed(&world, issue()).await, "the money goes back");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_is_checked_unless_the_provider_knows_it_and_the_seat_is_there(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    world.hold(1).await;
    world.provider.set_down(true);
    world.begin_payment(1, payment(1)).await.unwrap_err();
    assert!(is_needed(&world, check(1)).await, "the provider was never reached");
    world.provider.set_down(false);
    world.begin_payment(1, payment(1)).await.unwrap();
    assert!(!is_needed(&world, check(1)).await, "it is the buyer's turn");
    let released = domain::RoomCommand::ReleaseLapsed {
        at: world.now() + chrono::TimeDelta::hours(1),
    };
    world.tell_room(ROOM, released).await;
    assert!(is_needed(&world, check(1)).await, "it may be one that nobody calls off");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_old_or_unknown_is_needed_unseen(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let issued = world.order(1).await;
    capture(&world, 1).await;
    world.until_phase(issued, TicketPhase::Issued).await;
    let job = NewJob {
        job: sell(),
        caused_by: 1,
        correlation_id: uuid::Uuid::from_u128(3),
        run_at: None,
    };
    let long_ago = world.now() - chrono::TimeDelta::minutes(1);
    assert_eq!(still_needed(&world.deps, long_ago, vec![job.clone()]).await, [job]);
    // Nor is anything left out that no ticket tells of.
    let others = [
        Job::RefundSeatGone {
            room: ROOM,
            ticket: issued,
        },
        Job::CancelIntents { ticket: issued },
        Job::LapseTicket { ticket: issued },
        Job::ReleaseRefundedSeat { ticket: issued },
        Job::SettleTicket {
            ticket: issued,
            missing: None,
        },
    ];
    assert_eq!(needed(&world, others.to_vec()).await, others);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_purchase_carried_on_at_once_stores_no_job_but_the_timer(pool: PgPool) {
    let settings = ProcessSettings {
        jobs_follow: Duration::from_millis(500),
        ..hasty()
    };
    let mut world = World::idle(pool, settings).await;
    world.run();
    let ticket = world.pay(1).await;
    world.until_phase(ticket, TicketPhase::Issued).await;
    world.until_quiet().await;
    assert_eq!(kinds_stored(&world.deps.pool).await, ["lapse_holds", "void_no_show"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn without_the_head_start_every_step_is_a_job(pool: PgPool) {
    let mut world = World::idle(pool, without_head_start()).await;
    world.run();
    let ticket = world.pay(1).await;
    world.until_phase(ticket, TicketPhase::Issued).await;
    world.until_quiet().await;
    let stored = kinds_stored(&world.deps.pool).await;
    for kind in ["issue_ticket", "lapse_holds", "sell_seat"] {
        assert!(stored.iter().any(|stored| stored == kind), "{kind} in {stored:?}");
    }
    assert_eq!(world.dead_jobs().await, 0);
}

/// Whoever carried it on died after that step.
async fn dies_after(pool: PgPool, steps: &[Job]) {
    let mut world = World::idle(pool, without_head_start()).await;
    let ticket = world.order(1).await;
    capture(&world, 1).await;
    for step in steps {
        run(&world, step.clone()).await;
    }
    world.run();
    world.until_phase(ticket, TicketPhase::Issued).await;
    world.until_quiet().await;
    for event_type in ["payment_captured", "seat_sold", "ticket_issued"] {
        assert_eq!(world.events(event_type).await, 1, "{event_type} after {steps:?}");
    }
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_purchase_whose_carrier_died_after_the_capture_is_finished_by_jobs(pool: PgPool) {
    dies_after(pool, &[]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_purchase_whose_carrier_died_after_the_sale_is_finished_by_jobs(pool: PgPool) {
    dies_after(pool, &[sell()]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_purchase_whose_carrier_died_after_the_issue_is_finished(pool: PgPool) {
    dies_after(pool, &[sell(), issue()]).await;
}
