//! The shop that a story is played in: the whole of boxoffice, Stripe's stand-in, and a clock that can be moved on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use event_log::Clock;
use payments::stripe::{Stripe, StripeConfig};
use processes::ProcessSettings;
use processes::jobs::JobState;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use stripe_fake::{FakeStripe, SECRET_KEY};

use super::act::{Plan, Post};
use super::laws;
use crate::support::{ADMIN, ALICE, Answer, BOB, CLEO, Call, DORA, HOST, Person, Shop, TestApp, TestClock, text};

pub(super) const BUYERS: [Person; 4] = [ALICE, BOB, CLEO, DORA];
pub(super) const ACCOUNT: &str = "acct_host";
const WEBHOOK_SECRET: &str = "whsec_of_the_whole";
const HOLD_SECONDS: u32 = 60;
/// A call that says to try again is tried again so often.
const TRIES: usize = 3;
/// What happens by itself has happened within this.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
/// Moments at which something is still due, at most.
const MOMENTS_MAX: i64 = 60;
/// What is tried again and again is given more time from moment to moment: more than a day in all, for so long Stripe may
/// repeat a failure that it remembers.
const PATIENCE_GROWS_BY_SECONDS: i64 = 60;

pub(super) struct World {
    pub(super) app: TestApp,
    pub(super) stripe: FakeStripe,
    pub(super) clock: TestClock,
    pub(super) rooms: Vec<String>,
    /// Payments that were started: the provider's reference and the buyer's secret.
    pub(super) intents: Vec<(String, String)>,
    keys: usize,
}

impl World {
    /// Without a room yet.
    pub(super) async fn open(options: PgConnectOptions) -> Self {
        let clock = TestClock::new();
        let stripe = FakeStripe::start(clock.now().timestamp()).await.expect("a port");
        stripe.add_account(ACCOUNT);
        let now = clock.clone();
        let config = StripeConfig {
            api_base: stripe.url().to_owned(),
            webhook_secrets: vec![WEBHOOK_SECRET.into()],
            attempt_timeout: Duration::from_millis(150),
            call_limit: Duration::from_secs(1),
            back_off_first: Duration::from_millis(5),
            ..StripeConfig::new(SECRET_KEY.into(), Arc::new(move || now.now()))
        };
        let shop = Shop {
            clock: clock.clone(),
            dates_log: true,
            provider: Some(Arc::new(Stripe::new(config).expect("a client"))),
            processes: ProcessSettings {
                sweep_interval: Duration::from_millis(100),
                sweep_grace: Duration::ZERO,
                payment_check_delay: Duration::from_millis(100),
                jobs_follow: Duration::from_millis(20),
                backoff_first: Duration::from_millis(10),
                ..ProcessSettings::default()
            },
            ..Shop::default()
        };
        Self {
            app: TestApp::start_as(options, shop).await,
            stripe,
            clock,
            rooms: vec![],
            intents: vec![],
            keys: 0,
        }
    }

    pub(super) async fn schedule(&mut self, plans: &[Plan]) {
        let wish = json!({ "destination": ACCOUNT });
        self.app.approve(HOST).await;
        self.app
            .put("/v1/me/payout_destination")
            .by(HOST)
            .json(&wish)
            .send()
            .await
            .expect(200);
        for (number, plan) in plans.iter().enumerate() {
            let change = |room: &mut Value| {
                room["price"]["amount_minor"] = json!(plan.price_minor);
                room["capacity"] = json!(plan.capacity);
                room["tickets_per_buyer"] = json!(plan.tickets_per_buyer);
                room["hold_seconds"] = json!(HOLD_SECONDS);
                room["offer_seconds"] = json!(HOLD_SECONDS);
                room["transferable"] = json!(true);
                room["refund_policy"] = json!({"kind": "until_start"});
            };
            let room = self.app.schedule(HOST, &format!("room-{number}"), change).await;
            self.rooms.push(room);
        }
    }

    /// A key that nobody used.
    pub(super) fn key(&mut self) -> String {
        self.keys += 1;
        format!("key-{}", self.keys)
    }

    /// Asks, and once more if told to, as a client does. An answer is a success, a refusal, or "later": never a failure.
    pub(super) async fn ask<'a>(&'a self, call: impl Fn(&'a TestApp) -> Call<'a>) -> Answer {
        let mut answer = call(&self.app).send().await;
        for _ in 1..TRIES {
            if answer.status.as_u16() != 503 {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            answer = call(&self.app).send().await;
        }
        let status = answer.status.as_u16();
        assert!(status < 500 || status == 503, "{status}: {}", answer.text);
        answer
    }

    /// One of the tickets of this person that are in one of these states, as they are now.
    pub(super) async fn ticket(&self, holder: Person, pick: u8, states: &[&str]) -> Option<Value> {
        let head = self.app.head().await;
        let path = format!("/v1/me/tickets?limit=200&min_position={head}");
        let page = self.ask(|app| app.get(&path).by(holder)).await.body;
        let tickets = page["data"].as_array().map_or(&[][..], Vec::as_slice);
        let fitting: Vec<&Value> = tickets
            .iter()
            .filter(|ticket| states.iter().any(|state| ticket["state"] == *state))
            .collect();
        one_of(&fitting, pick).map(|ticket| (*ticket).clone())
    }

    pub(super) async fn send_webhooks(&self, post: Post) {
        let mut bodies = self.stripe.take_webhooks();
        if post == Post::ComesBackwards {
            bodies.reverse();
        }
        let times = match post {
            Post::Comes | Post::ComesBackwards => 1,
            Post::ComesTwice => 2,
            Post::IsLost => 0,
        };
        for body in bodies.iter().flat_map(|body| std::iter::repeat_n(body, times)) {
            let signature = self.stripe.sign(WEBHOOK_SECRET, body);
            let call = |app| Call::text(TestApp::post(app, "/v1/webhooks/stripe"), body.clone());
            let answer = self.ask(|app| call(app).header("stripe-signature", &signature)).await;
            assert!(answer.status.is_success(), "{}", answer.text);
        }
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.clock.skip(TimeDelta::seconds(seconds));
        self.stripe.advance_seconds(seconds);
    }

    /// The bad days are over, the banks have decided, and time passes until nothing is left to do.
    pub(super) async fn rest(&self) -> Result<(), String> {
        self.stripe.clear_script();
        self.stripe.set_refunds_wait(false);
        for refund in self
            .stripe
            .refunds()
            .iter()
            .filter(|refund| refund["status"] == "pending")
        {
            self.stripe.end_refund(text(&refund["id"]), None);
        }
        let open = self.stripe.disputes().into_iter().enumerate();
        for (number, dispute) in open.filter(|(_, dispute)| dispute["status"] == "needs_response") {
            self.stripe.close_dispute(text(&dispute["id"]), number % 2 == 0);
        }
        for moment in 0..MOMENTS_MAX {
            self.until_quiet().await?;
            let queued = processes::jobs::list(&self.app.pool, Some(JobState::Queued), 1_000).await;
            let next = queued
                .map_err(|error| error.to_string())?
                .into_iter()
                .map(|job| job.run_at)
                .min();
            let Some(next) = next else {
                return self.until_lawful().await;
            };
            let wait = (next - self.clock.now()).num_seconds().max(0) + 1;
            self.pass(wait.max(moment * PATIENCE_GROWS_BY_SECONDS));
        }
        Err("there is always something left to do".to_owned())
    }

    /// No job is due, no webhook unread.
    async fn until_quiet(&self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let head = self.app.head().await;
            let (pool, now) = (&self.app.pool, self.clock.now());
            let jobs = processes::jobs::count(pool, now)
                .await
                .map_err(|error| error.to_string())?;
            let inbox = processes::inbox::count(pool).await.map_err(|error| error.to_string())?;
            let is_followed = self.app.processes.position() >= head;
            if is_followed && jobs.due == 0 && inbox.open == 0 && self.app.head().await == head {
                return Ok(());
            }
            if Instant::now() > deadline {
                let due = processes::jobs::list(pool, Some(JobState::Queued), 10).await;
                return Err(format!("no rest: {jobs:?} {inbox:?} {due:?}"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What the provider has not told by webhook is found by and by.
    async fn until_lawful(&self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let verdict = laws::judge(self).await;
            if verdict.is_ok() || Instant::now() > deadline {
                return verdict;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(super) async fn room(&self, room: &str) -> Value {
        self.app.get(format!("/v1/rooms/{room}")).by(ADMIN).send().await.body
    }
}

pub(super) fn one_of<T>(all: &[T], pick: u8) -> Option<&T> {
    let index = usize::from(pick).checked_rem(all.len())?;
    all.get(index)
}
