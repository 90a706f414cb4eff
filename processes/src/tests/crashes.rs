//! Whatever stops wherever: the end is the same.
//!
//! Jobs are run by hand here. Each is first begun and dropped at one of its waits, as a crash would, then run to its end
//! and forgotten, then run again. A crash inside a command is the log's to survive; between two steps it is ours.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use domain::payout::{PayoutPhase, PayoutSchedule, RequestPayout};
use domain::ticket::TicketPhase;
use domain::{
    BasisPoints, Currency, Fingerprint, Payout, PayoutCommand, PayoutId, Room, RoomCommand, Share, Timestamp,
};
use event_log::subscription::{self, Progress};
use event_log::{Clock, ManualClock, SystemClock};
use sqlx::PgPool;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::provider::ScriptedProvider;
use super::world::{HOST, LIMIT, ROOM, RoomPlan, World, hasty, metadata, payment, ticket, until, user};
use crate::job::later;
use crate::jobs::{Claimed, Lane};
use crate::subscriber::JobMaker;
use crate::{Deps, Job, JobContext, jobs, run_job};

/// Waits at which a job is cut off. The longest of our jobs has fewer.
const CUTS: usize = 8;

/// Polls a future until it has waited `waits` times, then drops it. `true` if it came to its end before.
async fn cut_off<F: Future>(future: F, waits: usize) -> bool {
    let mut future = pin!(future);
    let mut left = waits;
    let cut = std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    });
    tokio::time::timeout(LIMIT, cut).await.expect("the job goes on")
}

/// Turns the log's new events into jobs, as the subscriber does.
pub(super) async fn make_jobs(deps: &Deps) {
    let maker = Arc::new(JobMaker { deps: deps.clone() });
    let (progress, cancel) = (Progress::new(), CancellationToken::new());
    let log = Arc::clone(&deps.log);
    let run = subscription::run(log, deps.pool.clone(), maker, progress.clone(), cancel.clone());
    let head = deps.log.head().await.unwrap().position;
    let stop = async {
        assert!(progress.wait_for(head, LIMIT).await, "the subscriber follows");
        cancel.cancel();
    };
    let (run, ()) = tokio::join!(run, stop);
    run.unwrap();
}

async fn claim_one(world: &World, now: Timestamp) -> Option<Claimed> {
    for lane in Lane::ALL {
        let claimed = jobs::claim(&world.deps.pool, lane, now, Duration::from_mins(1), 1).await;
        if let Some(claimed) = claimed.unwrap().pop() {
            return Some(claimed);
        }
    }
    None
}

/// Does everything that is to do, including timers that ring within `ahead`; each job is cut off, forgotten, repeated.
async fn settle(world: &World, ahead: Duration, waits: usize) {
    loop {
        make_jobs(&world.deps).await;
        let Some(claimed) = claim_one(world, later(world.now(), ahead)).await else {
            return;
        };
        let job: Job = serde_json::from_value(claimed.payload.clone()).unwrap();
        let context = JobContext {
            process: job.process(),
            caused_by: claimed.caused_by,
            correlation_id: claimed.correlation_id,
        };
        cut_off(run_job(&world.deps, &context, job.clone()), waits).await;
        run_job(&world.deps, &context, job.clone()).await.unwrap();
        let result = run_job(&world.deps, &context, job).await;
        jobs::record(&world.deps.pool, &claimed, &result, world.now(), &world.deps.settings)
            .await
            .unwrap();
    }
}

async fn capture(world: &World, number: u128) {
    let body = world.provider.capture(payment(number));
    let event = payments::PaymentProvider::parse_webhook(&*world.provider, &body).unwrap();
    for _ in 0..2 {
        crate::inbox::apply_event(&world.deps, "process:test", &event)
            .await
            .unwrap();
    }
}

/// Payments that nobody waits for are checked at once.
const SOON: Duration = Duration::from_secs(10);

#[sqlx::test(migrations = "../migrations")]
async fn a_purchase_survives_a_crash_at_every_wait(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    for (number, waits) in (1..=5).zip([0, 1, 2, 4, CUTS]) {
        world.hold(number).await;
        // The buyer's request is cut off, too, and repeated.
        cut_off(world.begin_payment(number, payment(number)), waits).await;
        settle(&world, SOON, waits).await;
        world.begin_payment(number, payment(number)).await.unwrap();
        capture(&world, number).await;
        settle(&world, SOON, waits).await;
        assert_eq!(
            world.phase(ticket(number)).await,
            TicketPhase::Issued,
            "cut off after {waits} waits"
        );
    }
    for event_type in ["payment_started", "payment_captured", "seat_sold", "ticket_issued"] {
        assert_eq!(world.events(event_type).await, 5, "{event_type}");
    }
    assert_eq!(world.dead_jobs().await, 0);
}

async fn a_cancelled_room_refunds_everybody(pool: PgPool, waits: usize) {
    let world = World::idle(pool, hasty()).await;
    for number in 1..=3 {
        world.order(number).await;
        capture(&world, number).await;
    }
    settle(&world, SOON, waits).await;
    world.cancel_room(ROOM).await;
    settle(&world, SOON, waits).await;
    for event_type in ["payment_captured", "refund_owed", "refund_sent", "refund_completed"] {
        assert_eq!(
            world.events(event_type).await,
            3,
            "{event_type}, cut off after {waits} waits"
        );
    }
    assert_eq!(world.provider.refunds().len(), 3);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_payment_gets_one_verdict_through_crashes(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    for number in 1..=5 {
        world.order(number).await;
    }
    let released = RoomCommand::ReleaseLapsed {
        at: later(world.now(), Duration::from_secs(301)),
    };
    world.tell_room(ROOM, released).await;
    settle(&world, SOON, 2).await;
    for number in 6..=9 {
        world.order(number).await;
        capture(&world, number).await;
    }
    settle(&world, SOON, 1).await;
    // One seat is left for two that come too late.
    for number in 1..=2 {
        capture(&world, number).await;
    }
    settle(&world, SOON, 3).await;
    let phases = [world.phase(ticket(1)).await, world.phase(ticket(2)).await];
    assert!(
        phases.contains(&TicketPhase::Issued) && phases.contains(&TicketPhase::Refunded),
        "{phases:?}"
    );
    assert_eq!(world.look_at_room(ROOM, Room::sold_count).await, 5);
    assert_eq!(world.events("refund_completed").await, 1);
    assert_eq!(world.provider.refunds().len(), 1);
    assert_eq!(world.dead_jobs().await, 0);
}

async fn a_host_is_paid_once(pool: PgPool, waits: usize) {
    let world = World::idle(pool, hasty()).await;
    for number in 1..=2 {
        world.order(number).await;
        capture(&world, number).await;
    }
    settle(&world, SOON, waits).await;
    world.hold_session(1_000).await;
    settle(&world, SOON, waits).await;
    let payout_id = PayoutId::from_uuid(Uuid::from_u128(0xf101));
    let request = RequestPayout {
        payout_id,
        currency: Currency::USD,
        amount: None,
        minimum_minor: 1,
        provider: "sandbox".to_owned(),
        request: Fingerprint::of(b"payout"),
        at: world.now(),
    };
    let payouts = &world.deps.aggregates.payouts;
    let command = PayoutCommand::RequestPayout(request);
    payouts.execute(HOST.as_uuid(), command, metadata()).await.unwrap();
    settle(&world, SOON, waits).await;
    let look = move |account: &Payout| account.payout(payout_id).map(|payout| payout.state);
    let (state, _) = payouts.read(HOST.as_uuid(), look).await.unwrap();
    assert_eq!(state, Some(PayoutPhase::Paid), "cut off after {waits} waits");
    for (event_type, count) in [("ticket_settled", 2), ("earning_credited", 2), ("payout_paid", 1)] {
        assert_eq!(
            world.events(event_type).await,
            count,
            "{event_type}, cut off after {waits} waits"
        );
    }
    assert_eq!(world.provider.movement_count(), 1);
}

/// Two tickets of a room that two people share: the money waits some days, and both are paid by the month.
async fn everybody_who_shares_is_paid_once(pool: PgPool, waits: usize) {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let provider = Arc::new(ScriptedProvider::new(clock.now()));
    let world = World::around(pool, hasty(), provider, Arc::clone(&clock) as _).await;
    let plan = RoomPlan {
        pending_days: 3,
        ..RoomPlan::default()
    };
    world.schedule(ROOM, plan).await;
    let (ann, at) = (user(77), world.now());
    let half = BasisPoints::try_new(5_000).expect("a half");
    let shares = [HOST, ann].map(|user| Share {
        user,
        basis_points: half,
    });
    let propose = RoomCommand::ProposeShares {
        by: HOST,
        shares: shares.to_vec(),
        at,
    };
    let agree = RoomCommand::AgreeToShare {
        user: ann,
        basis_points: half,
        at,
    };
    for command in [propose, agree] {
        world.tell_room(ROOM, command).await;
    }
    world.approve(ann).await;
    let payouts = &world.deps.aggregates.payouts;
    for host in [HOST, ann] {
        let schedule = PayoutSchedule::Monthly;
        let choose = PayoutCommand::ChooseSchedule { schedule, at };
        payouts.execute(host.as_uuid(), choose, metadata()).await.unwrap();
    }
    for number in 1..=2 {
        world.order(number).await;
        capture(&world, number).await;
    }
    settle(&world, SOON, waits).await;
    world.hold_session(1_000).await;
    for days in [0, 4, 36] {
        clock.advance(Duration::from_hours(24 * days));
        settle(&world, SOON, waits).await;
    }
    let expected = [
        ("earning_credited", 2),
        ("share_credited", 2),
        ("earnings_matured", 2),
        ("payout_requested", 2),
        ("payout_paid", 2),
    ];
    for (event_type, count) in expected {
        let found = world.events(event_type).await;
        assert_eq!(found, count, "{event_type}, cut off after {waits} waits");
    }
    assert_eq!(world.provider.movement_count(), 2);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn processes_that_stop_and_start_all_the_time_finish_everything(pool: PgPool) {
    let mut world = World::idle(pool, hasty()).await;
    world.run();
    for number in 1..=5 {
        world.pay(number).await;
        world.stop().await;
        world.run();
    }
    for number in 1..=5 {
        world.until_phase(ticket(number), TicketPhase::Issued).await;
    }
    world.cancel_room(ROOM).await;
    world.stop().await;
    world.run();
    until("everybody has the money back", || async {
        world.events("refund_completed").await == 5
    })
    .await;
    world.until_quiet().await;
    assert_eq!(world.events("ticket_issued").await, 5);
    assert_eq!(world.provider.refunds().len(), 5);
    assert_eq!(world.dead_jobs().await, 0);
}

/// One test for each wait at which every job is cut off.
macro_rules! cut_off_after {
    ($story:ident: $($name:ident $waits:literal)+) => {$(
        #[sqlx::test(migrations = "../migrations")]
        async fn $name(pool: PgPool) {
            $story(pool, $waits).await;
        }
    )+};
}

cut_off_after! { a_cancelled_room_refunds_everybody:
    a_cancelled_room_refunds_everybody_cut_off_at_once 0
    a_cancelled_room_refunds_everybody_cut_off_after_1_wait 1
    a_cancelled_room_refunds_everybody_cut_off_after_2_waits 2
    a_cancelled_room_refunds_everybody_cut_off_after_3_waits 3
    a_cancelled_room_refunds_everybody_cut_off_after_5_waits 5
}

cut_off_after! { everybody_who_shares_is_paid_once:
    everybody_who_shares_is_paid_once_cut_off_at_once 0
    everybody_who_shares_is_paid_once_cut_off_after_1_wait 1
    everybody_who_shares_is_paid_once_cut_off_after_2_waits 2
    everybody_who_shares_is_paid_once_cut_off_after_3_waits 3
    everybody_who_shares_is_paid_once_cut_off_after_5_waits 5
}

cut_off_after! { a_host_is_paid_once:
    a_host_is_paid_once_cut_off_at_once 0
    a_host_is_paid_once_cut_off_after_1_wait 1
    a_host_is_paid_once_cut_off_after_2_waits 2
    a_host_is_paid_once_cut_off_after_3_waits 3
    a_host_is_paid_once_cut_off_after_5_waits 5
}
