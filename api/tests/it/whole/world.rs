//! The shop that a story is played in: the whole of boxoffice, Stripe's stand-in, and a clock that can be moved on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{Datelike, TimeDelta};
use domain::{BasisPoints, EarningRules, Preset};
use event_log::Clock;
use outbound::mail::{MailSettings, Smtp};
use payments::stripe::{Stripe, StripeConfig};
use processes::ProcessSettings;
use processes::jobs::JobState;
use processes::mail::Mailer;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use stripe_fake::{FakeStripe, SECRET_KEY};

use super::act::{Plan, Post, StoreWord};
use super::laws;
use super::stores::Purchase;
use crate::support::claim_tls;
use crate::support::{
    ADMIN, ALICE, Answer, BOB, CLEO, Call, DORA, HOST, OTHER_HOST, Person, Shop, Sink, TestApp, TestClock, text,
};

pub(super) const BUYERS: [Person; 4] = [ALICE, BOB, CLEO, DORA];
/// Shares the rooms that are shared.
pub(super) const CO_HOST: Person = OTHER_HOST;
pub(super) const TIER: &str = "early";
pub(super) const CODE: &str = "HALF";
const CO_HOSTS_SHARE_BP: u16 = 3_000;
pub(super) const ACCOUNT: &str = "acct_host";
const WEBHOOK_SECRET: &str = "whsec_of_the_whole";
/// Where earnings wait at all.
const EARNINGS_WAIT: EarningRules = EarningRules {
    pending_days: 2,
    reserve: BasisPoints::try_new(1_000).unwrap(),
    reserve_days: 5,
};
const HOLD_SECONDS: u32 = 60;
/// A call that says to try again is tried again so often.
const TRIES: usize = 3;
/// What happens by itself has happened within this.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
/// From the first of a month on, so many days later it is another one.
const MONTH_DAYS: i64 = 33;
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
    /// What an app store has sold.
    pub(super) purchases: Vec<Purchase>,
    pub(super) sink: Sink,
    keys: usize,
}

impl World {
    /// Without a room yet.
    pub(super) async fn open(options: PgConnectOptions, earnings_wait: bool) -> Self {
        let sink = Sink::start().await;
        let clock = TestClock::new();
        claim_tls();
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
        let mut preset = Preset::open();
        if earnings_wait {
            preset.fees.earning = EARNINGS_WAIT;
        }
        let shop = Shop {
            preset,
            mail: Some(mailer(&sink)),
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
            purchases: vec![],
            sink,
            keys: 0,
        }
    }

    pub(super) async fn schedule(&mut self, plans: &[Plan]) {
        let wish = json!({ "destination": ACCOUNT });
        for host in [HOST, CO_HOST] {
            self.app.approve(host).await;
            let link = self.app.put("/v1/me/payout_destination").by(host).json(&wish);
            link.send().await.expect(200);
        }
        self.reach_buyers().await;
        for (number, plan) in plans.iter().enumerate() {
            let change = |room: &mut Value| {
                room["price"]["amount_minor"] = json!(plan.price_minor);
                room["capacity"] = json!(plan.capacity);
                room["tickets_per_buyer"] = json!(plan.tickets_per_buyer);
                room["hold_seconds"] = json!(HOLD_SECONDS);
                room["offer_seconds"] = json!(HOLD_SECONDS);
                room["transferable"] = json!(true);
                room["refund_policy"] = json!({"kind": "until_start"});
                if plan.tier_quota > 0 && plan.price_minor > 0 {
                    let price = json!({"amount_minor": plan.price_minor / 2, "currency": "USD"});
                    let quota = plan.tier_quota.min(plan.capacity);
                    room["tiers"] = json!([{"tier": TIER, "name": "Early", "price": price, "quota": quota}]);
                    let half = json!({"basis_points": 5_000});
                    room["promo_codes"] = json!([{"code": CODE, "label": "half", "discount": half, "quota": 1}]);
                }
            };
            let room = self.app.schedule(HOST, &format!("room-{number}"), change).await;
            // Scheduling has named another place.
            let link = self.app.put("/v1/me/payout_destination").by(HOST).json(&wish);
            link.send().await.expect(200);
            if plan.is_shared {
                self.share(&room).await;
            }
            self.rooms.push(room);
        }
    }

    async fn share(&self, room: &str) {
        let share = |person: Person, basis_points| json!({"user_id": person.id, "basis_points": basis_points});
        let shares = [
            share(HOST, 10_000 - CO_HOSTS_SHARE_BP),
            share(CO_HOST, CO_HOSTS_SHARE_BP),
        ];
        let propose = self.app.put(format!("/v1/rooms/{room}/shares")).by(HOST);
        let propose = propose.json(&json!({ "shares": shares }));
        propose.send().await.expect(200);
        let accept = self.app.post(format!("/v1/rooms/{room}/shares/me/accept")).by(CO_HOST);
        let accept = accept.json(&json!({ "basis_points": CO_HOSTS_SHARE_BP }));
        accept.send().await.expect(200);
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

    /// On a bad day not everything comes to an end.
    pub(super) async fn breathe(&self) {
        let _may_be_a_bad_day = self.until_quiet().await;
    }

    /// Letters are given up after two days: those that were sent away go out first. On a bad day the month is not over yet.
    pub(super) async fn pass_into_the_next_month(&self) {
        self.sink.forgive();
        if self.until_quiet().await.is_ok() {
            let days = MONTH_DAYS - i64::from(self.clock.now().day());
            self.pass(days * 24 * 60 * 60);
        }
    }

    /// The bad days are over, banks, stores and the admin have decided, and time passes until nothing is left to do.
    pub(super) async fn rest(&mut self) -> Result<(), String> {
        self.stripe.clear_script();
        self.sink.forgive();
        self.suspend(false).await;
        // Nobody waits for the end of another month.
        self.be_paid_by_the_month(false).await;
        self.store_tells(StoreWord::Notice).await;
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
            self.store_refunds_what_is_owed().await;
            let Some(next) = next else {
                self.until_quiet().await?;
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

fn mailer(sink: &Sink) -> Mailer {
    let settings = MailSettings {
        url: sink.url.as_str().into(),
        from: "Night Talks <tickets@shop.example>".to_owned(),
    };
    Mailer {
        smtp: Smtp::new(&settings).expect("settings for mail"),
        links: "https://talks.example".to_owned(),
    }
}
