//! The process is killed at each of its awaits, and all ends as if it had not been.
//!
//! An undisturbed run of a flow writes the table of its awaits: every request to PostgreSQL, every call of the provider
//! and every letter, in their order. The table is a snapshot, so that a new await is seen in review. Then the flow is run again and again, and
//! the process is killed at one of them. A new process on the same database goes on; whoever waits for an answer asks once
//! more. Where it ends must be where the undisturbed run ended: the same aggregates, books, events and movements of money.
//!
//! What the process leaves behind is the same wherever it dies between two effects: memory dies with it, a read changes
//! nothing, and neither does a statement before its COMMIT. So it is killed before each effect, which is after the one
//! before it and at every read in between, and after the last effect of each step, when whoever asked for that asks for it
//! once more. With `CRASH_POINTS=all` it is killed at each await all the same, before and after.

mod commands;
mod flows;
mod life;
mod outcome;
mod postman;
mod provider;
mod recorder;
mod run;
mod statement;
mod steps;
mod wire;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use event_log::{Clock, ManualClock, Node, SystemClock};
use payments::store::SandboxStore;
use sqlx::PgPool;

use self::flows::Flow;
use self::life::{Given, Life};
use self::outcome::{Outcome, Was, aggregates, is_transfer, judge};
use self::postman::Postman;
use self::provider::WatchedProvider;
use self::recorder::{Moment, Point, Recorder};
use self::run::Run;
use self::steps::{Outside, Scene};
use super::provider::ScriptedProvider;

/// From one death to the end of everything.
const RUN_LIMIT: Duration = Duration::from_secs(30);

struct Theatre {
    given: Given,
    outside: Outside,
    life: Option<Life>,
    runs: u16,
    was: Was,
}

impl Theatre {
    async fn open(flow: &'static Flow, pool: PgPool) -> Self {
        let (clock, recorder) = (ManualClock::new(SystemClock.now()), Recorder::default());
        let store = SandboxStore::new(&"a secret of the store".into());
        let postman = Postman::start(recorder.clone()).await;
        let provider = Arc::new(ScriptedProvider::new(clock.now()));
        let given = Given {
            pool,
            recorder: recorder.clone(),
            provider: Arc::new(WatchedProvider {
                inner: Arc::clone(&provider),
                recorder,
            }),
            clock: clock.clone(),
            node: Node::unnamed(),
            flow,
            store: store.clone(),
            postman: postman.clone(),
        };
        Self {
            life: Some(Life::begin(&given).await),
            given,
            outside: Outside {
                provider,
                store,
                postman,
                clock,
                webhooks_done: Arc::new(AtomicUsize::new(0)),
            },
            runs: 0,
            was: Was::default(),
        }
    }

    fn life(&self) -> &Life {
        self.life.as_ref().expect("one life follows another")
    }

    async fn die(&mut self) {
        self.life.take().expect("it lives").kill().await;
    }

    /// Plays the flow once. Says how it ended, and which awaits it came by.
    async fn play(&mut self, dies_at: Option<(usize, Moment)>) -> (Outcome, Vec<Point>) {
        self.runs += 1;
        let flow = self.given.flow;
        let scene = Scene {
            flow,
            run: Run { number: self.runs },
            outside: self.outside.clone(),
        };
        for step in Scene::clear() {
            self.perform(&scene, step).await;
        }
        self.was.books = judge(&self.given.pool).await;
        for step in scene.before() {
            self.perform(&scene, step).await;
        }
        self.given.recorder.begin(dies_at);
        for step in flow.steps.iter().copied() {
            let is_alive = self.perform(&scene, step).await;
            if !is_alive {
                self.die().await;
                self.life = Some(Life::begin(&self.given).await);
                // Who waits for an answer asks at once, or when all that was begun is done.
                if dies_at.is_some_and(|(number, _)| number % 2 == 0) {
                    self.perform(&scene, flows::Step::Rest).await;
                }
                self.perform(&scene, step).await;
            }
            self.given.recorder.next_step();
        }
        let points = self.given.recorder.end();
        self.perform(&scene, flows::Step::Rest).await;
        let outcome = self.outcome(&scene).await;
        for step in flow.after.iter().copied() {
            self.perform(&scene, step).await;
        }
        (outcome, points)
    }

    async fn outcome(&mut self, scene: &Scene) -> Outcome {
        let (run, process) = (scene.run, Arc::clone(&self.life().process));
        let states = self.life().spawn(async move { aggregates(run, &process).await });
        let (pool, states) = (&self.given.pool, states.await.unwrap());
        let books = judge(pool).await;
        let outcome = Outcome::of(scene, states, pool, &self.was, &books).await;
        let transfers = self
            .outside
            .provider
            .books()
            .iter()
            .filter(|line| is_transfer(line))
            .count();
        self.was.transfers = transfers;
        outcome
    }

    /// `false` if the process died of it.
    async fn perform(&self, scene: &Scene, step: flows::Step) -> bool {
        let (scene, process) = (scene.clone(), Arc::clone(&self.life().process));
        let task = self.life().spawn(async move { scene.perform(&process, step).await });
        tokio::select! {
            done = task => { done.unwrap(); true }
            () = self.given.recorder.died() => false,
        }
    }
}

fn table(flow: &Flow, points: &[Point]) -> String {
    let mut table = String::new();
    for (number, step) in flow.steps.iter().enumerate() {
        writeln!(table, "{step:?}").unwrap();
        for point in points.iter().filter(|point| point.step == number) {
            let mark = if point.has_effect { '*' } else { ' ' };
            writeln!(table, "  {mark} {}", point.name).unwrap();
        }
    }
    table
}

/// Where to die: see above.
fn deaths(points: &[Point]) -> Vec<(usize, Moment)> {
    let is_thorough = std::env::var("CRASH_POINTS").is_ok_and(|which| which == "all");
    let mut deaths = vec![];
    for (number, point) in points.iter().enumerate() {
        let mut later = points[number + 1..].iter();
        let is_last = !later.any(|later| later.step == point.step && later.has_effect);
        if point.has_effect || is_thorough {
            deaths.push((number, Moment::Before));
        }
        if point.has_effect && (is_last || is_thorough) {
            deaths.push((number, Moment::After));
        }
    }
    deaths
}

fn names(points: &[Point]) -> Vec<&str> {
    points.iter().map(|point| point.name.as_str()).collect()
}

async fn survives_at_each_await(flow: &'static Flow, pool: PgPool) {
    let mut theatre = Theatre::open(flow, pool).await;
    let (expected, points) = theatre.play(None).await;
    insta::assert_snapshot!(flow.name, table(flow, &points));
    for (number, moment) in deaths(&points) {
        let death = format!("killed {moment:?} {number} {}", points[number].name);
        let play = theatre.play(Some((number, moment)));
        let played = tokio::time::timeout(RUN_LIMIT, play).await;
        let (outcome, seen) = played.unwrap_or_else(|_| panic!("stuck: {death}"));
        assert_eq!(
            names(&seen),
            names(&points[..=number]),
            "each run comes by the same awaits"
        );
        assert_eq!(outcome, expected, "{death}");
    }
    theatre.die().await;
}

/// One test for each flow.
macro_rules! survives {
    ($($name:ident $flow:ident)+) => {$(
        #[sqlx::test(migrations = "../migrations")]
        async fn $name(pool: PgPool) {
            survives_at_each_await(&flows::$flow, pool).await;
        }
    )+};
}

survives! {
    purchase PURCHASE
    purchase_without_webhook PURCHASE_WITHOUT_WEBHOOK
    second_try SECOND_TRY
    charged_twice CHARGED_TWICE
    free_seat FREE_SEAT
    late_payment LATE_PAYMENT
    lapse LAPSE
    refund REFUND
    partial_refund PARTIAL_REFUND
    transfer TRANSFER
    cancel CANCEL
    not_delivered NOT_DELIVERED
    no_show NO_SHOW
    broken_off BROKEN_OFF
    taken_down TAKEN_DOWN
    dispute_won_after_the_room_broke_off DISPUTE_WON_AFTER_THE_ROOM_BROKE_OFF
    payout PAYOUT
    dispute_won DISPUTE_WON
    dispute_won_before_the_sale_was_earned DISPUTE_WON_BEFORE_THE_SALE_WAS_EARNED
    dispute_won_for_a_seat_that_was_gone DISPUTE_WON_FOR_A_SEAT_THAT_WAS_GONE
    dispute_lost DISPUTE_LOST
    dispute_lost_after_the_payout DISPUTE_LOST_AFTER_THE_PAYOUT
    tier_with_a_code TIER_WITH_A_CODE
    refund_in_a_full_tier REFUND_IN_A_FULL_TIER
    late_payment_in_a_full_tier LATE_PAYMENT_IN_A_FULL_TIER
    reschedule_declined RESCHEDULE_DECLINED
    free_seat_returned FREE_SEAT_RETURNED
    store_purchase STORE_PURCHASE
    store_purchase_by_notice STORE_PURCHASE_BY_NOTICE
    store_refund STORE_REFUND
    store_refund_of_a_cancelled_room STORE_REFUND_OF_A_CANCELLED_ROOM
    store_refund_after_it_was_earned STORE_REFUND_AFTER_IT_WAS_EARNED
    payout_failed PAYOUT_FAILED
    payout_returned PAYOUT_RETURNED
    monthly_payout MONTHLY_PAYOUT
    monthly_payout_rolls_over MONTHLY_PAYOUT_ROLLS_OVER
    pending_and_reserve PENDING_AND_RESERVE
    shares SHARES
    shared_dispute_won SHARED_DISPUTE_WON
    shared_dispute_lost_after_the_payout SHARED_DISPUTE_LOST_AFTER_THE_PAYOUT
    letters LETTERS
    reminder REMINDER
    suspension SUSPENSION
    suspension_before_a_payout_was_sent SUSPENSION_BEFORE_A_PAYOUT_WAS_SENT
    erasure ERASURE
}
