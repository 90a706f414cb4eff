//! The API with everything behind it, on a database of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::auth::{Auth, Minting, mint_development_token};
use api::limits::{Limits, LimitsConfig};
use api::{ApiParts, HostTerms, Live, RolloutGate};
use axum::Router;
use axum::body::Body;
use chrono::TimeDelta;
use domain::{Preset, TaxRules, Timestamp};
use event_log::{Aggregates, Clock, EventLog, LogSettings};
use http::{Method, Request};
use media_bridge::fake::FakeMediaServer;
use outbound::webhooks::WebhookSettings;
use payments::PaymentProvider;
use payments::sandbox::Sandbox;
use processes::mail::Mailer;
use processes::{Deps, PayoutSettings, ProcessSettings, Processes, reconciliation};
use projections::Projections;
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::core::{Core, books, sandbox};
use super::{ADMIN, Answer, Call, Office, Person, Studio, TestClock, text};

/// What happens by itself has happened within this, or does not happen.
const PATIENCE: Duration = Duration::from_secs(20);
const SWEEP_INTERVAL: Duration = Duration::from_millis(200);
const RECONCILE_INTERVAL: Duration = Duration::from_millis(200);
/// Longer than a seat is held (300 s) or offered (600 s) if the host says nothing.
const PAST_HOLD: TimeDelta = TimeDelta::minutes(6);
const PAST_OFFER: TimeDelta = TimeDelta::minutes(11);
/// Nobody waits who does not ask for it.
const DOORS_PER_SECOND: u32 = 10_000;
const TOKEN_TTL: Duration = Duration::from_hours(1);

/// How a shop sells.
pub(crate) struct Shop {
    pub(crate) preset: Preset,
    pub(crate) taxes: TaxRules,
    /// The provider takes nothing, so that figures are those of the rules alone.
    pub(crate) is_provider_free: bool,
    pub(crate) webhooks: WebhookSettings,
    pub(crate) mail: Option<Mailer>,
    /// The terms of hosting.
    pub(crate) host_terms: Option<HostTerms>,
    /// Everybody's but the log's, which has it too if `dates_log`.
    pub(crate) clock: TestClock,
    pub(crate) dates_log: bool,
    /// The sandbox, if absent.
    pub(crate) provider: Option<Arc<dyn PaymentProvider>>,
    pub(crate) processes: ProcessSettings,
    /// None, if absent: doors answer 503.
    pub(crate) media: Option<Arc<FakeMediaServer>>,
    pub(crate) doors_per_second: u32,
    /// Its log is notarised.
    pub(crate) notarises: bool,
}

impl Shop {
    fn process_settings(&self) -> ProcessSettings {
        ProcessSettings {
            payouts: PayoutSettings::of(&self.preset),
            sends_mail: self.mail.is_some(),
            ..self.processes
        }
    }

    pub(super) fn log_settings(&self) -> LogSettings {
        let mut settings = LogSettings::default();
        if self.dates_log {
            settings.clock = Arc::new(self.clock.clone());
        }
        settings
    }
}

impl Default for Shop {
    fn default() -> Self {
        Self {
            preset: Preset::open(),
            taxes: TaxRules::default(),
            is_provider_free: false,
            webhooks: WebhookSettings::default(),
            mail: None,
            host_terms: None,
            clock: TestClock::new(),
            dates_log: false,
            provider: None,
            media: None,
            doors_per_second: DOORS_PER_SECOND,
            notarises: false,
            processes: ProcessSettings {
                sweep_interval: SWEEP_INTERVAL,
                ..ProcessSettings::default()
            },
        }
    }
}

pub(crate) struct TestApp {
    router: Router,
    pub(crate) clock: TestClock,
    pub(crate) log: Arc<dyn EventLog>,
    secret: SecretString,
    projections: Projections,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) processes: Processes,
    pub(crate) aggregates: Aggregates,
    pub(crate) pool: PgPool,
    pub(crate) tracker: TaskTracker,
    pub(crate) cancel: CancellationToken,
    pub(crate) studio: Studio,
    _office: Office,
}

impl TestApp {
    pub(crate) async fn start(options: PgConnectOptions) -> Self {
        Self::start_with(options, LimitsConfig::for_testing()).await
    }

    pub(crate) async fn start_with(options: PgConnectOptions, limits: LimitsConfig) -> Self {
        Self::start_shop(options, limits, Shop::default()).await
    }

    pub(crate) async fn start_as(options: PgConnectOptions, shop: Shop) -> Self {
        Self::start_shop(options, LimitsConfig::for_testing(), shop).await
    }

    async fn start_shop(options: PgConnectOptions, limits: LimitsConfig, shop: Shop) -> Self {
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let core = Core::start(options, &shop, &tracker, &cancel).await;
        let Core {
            log,
            aggregates,
            projections,
            pool,
            clock,
        } = core.clone();
        let secret: SecretString = "the secret of the API's tests".into();
        let sandbox = Arc::new(sandbox(&pool, &clock, shop.is_provider_free));
        let settings = shop.process_settings();
        let provider = shop.provider.unwrap_or_else(|| Arc::<Sandbox>::clone(&sandbox) as _);
        let deps = Deps {
            mail: shop.mail.map(Arc::new),
            settings,
            ..core.process_deps(&provider, &sandbox, (&tracker, &cancel))
        };
        reconciliation::start(deps.clone(), books(&pool), RECONCILE_INTERVAL, &tracker, &cancel);
        let processes = Processes::start(deps, &tracker, &cancel);
        let studio = Studio::start(&log, &aggregates, &pool, &clock, (&tracker, &cancel));
        let office = Office::open(&log, &pool, &clock, shop.notarises, (&tracker, &cancel));
        let live = Live::start(Arc::clone(&log), &tracker, cancel.clone());
        let rollout = RolloutGate::start(&aggregates, &tracker, cancel.clone()).await;
        let bridge = shop
            .media
            .map(|media| core.bridge(media, &shop.preset, &tracker, &cancel));
        let parts = ApiParts {
            log: Arc::clone(&log),
            aggregates: aggregates.clone(),
            projections: projections.clone(),
            pool: pool.clone(),
            processes: processes.clone(),
            provider,
            sandbox: Some(Arc::clone(&sandbox)),
            bridge,
            media_webhooks: None,
            clock: Arc::clone(&clock),
            auth: Auth::development(&secret),
            limits: Limits::new(limits),
            live,
            webhooks: core.webhooks(shop.webhooks, &tracker, &cancel),
            doors_per_second: shop.doors_per_second,
            public_ws_url: "ws://boxoffice.test".to_owned(),
            preset: shop.preset,
            taxes: shop.taxes,
            host_terms: shop.host_terms,
            rollout: rollout.expect("read the roll-out"),
            keeping: studio.keeping(),
            notary: office.notary(),
        };
        Self {
            router: api::router(parts),
            clock: shop.clock,
            log,
            secret,
            projections,
            sandbox,
            processes,
            aggregates,
            pool,
            tracker,
            cancel,
            studio,
            _office: office,
        }
    }

    /// Leaves nothing running, so that the database can be dropped.
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.tracker.close();
        let stopped = tokio::time::timeout(PATIENCE, self.tracker.wait()).await;
        assert!(stopped.is_ok(), "tasks are left after {PATIENCE:?}");
        self.pool.close().await;
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// So much later for everything but the log.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.skip(by);
    }

    /// Whoever holds a seat and has not paid for it has it no longer.
    pub(crate) fn let_holds_lapse(&self) {
        self.advance(PAST_HOLD);
    }

    /// Whoever was offered a seat and has not paid for it has it no longer.
    pub(crate) fn let_offers_lapse(&self) {
        self.advance(PAST_OFFER);
    }

    pub(crate) fn token(&self, person: Person) -> String {
        mint_development_token(&self.secret, person.id, person.roles, TOKEN_TTL, self.now()).expect("mint a token")
    }

    pub(crate) fn mint(&self, minting: &Minting<'_>) -> String {
        minting.mint(&self.secret, self.now()).expect("mint a token")
    }

    /// A token of somebody about whom an identity provider says more.
    pub(crate) fn token_with(&self, person: Person, claims: &Value) -> String {
        self.mint(&Minting {
            subject: person.id,
            roles: person.roles,
            email: None,
            timezone: None,
            others: claims.as_object().cloned().unwrap_or_default(),
            ttl: TOKEN_TTL,
        })
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router().oneshot(request).await.expect("a router never fails");
        Answer::of(response).await
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Call<'_> {
        Call::new(self, Method::GET, path.into())
    }

    pub(crate) fn post(&self, path: impl Into<String>) -> Call<'_> {
        Call::new(self, Method::POST, path.into())
    }

    pub(crate) fn put(&self, path: impl Into<String>) -> Call<'_> {
        Call::new(self, Method::PUT, path.into())
    }

    pub(crate) fn patch(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    pub(crate) fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call::new(self, method, path.into())
    }

    /// Asks again until the answer is as expected, and then until every other view shows what this one was made of.
    pub(crate) async fn eventually(&self, by: Person, path: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let body = self.get(path).by(by).send().await.expect(200);
            if is_it(&body) {
                let head = self.head().await;
                assert!(self.projections.wait_all(head, PATIENCE).await, "a view stands still");
                return body;
            }
            assert!(Instant::now() < deadline, "{path} is still {body}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The position of the last event.
    pub(crate) async fn head(&self) -> u64 {
        let head = self.get("/v1/log/head").by(ADMIN).send().await.expect(200);
        head["position"].as_u64().expect("a position")
    }

    /// What a room to be needs, at least.
    pub(crate) fn room(&self) -> Value {
        json!({
            "title": "An evening",
            "starts_at": self.now() + TimeDelta::hours(1),
            "price": {"amount_minor": 1000, "currency": "USD"},
            "capacity": 2,
        })
    }

    /// Every event, from the first on.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let mut events = vec![];
        let mut after = "0".to_owned();
        loop {
            let path = format!("/v1/log/events?limit=200&after={after}");
            let mut page = self.get(path).by(ADMIN).send().await.expect(200);
            if let Some(data) = page["data"].as_array_mut() {
                events.append(data);
            }
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return events,
            }
        }
    }

    /// Approved, and with a place for the money: the host may sell.
    pub(crate) async fn approve(&self, host: Person) {
        let path = format!("/v1/hosts/{}/approve", host.id);
        self.post(path).by(ADMIN).send().await.expect(200);
        self.link_destination(host).await;
    }

    pub(crate) async fn link_destination(&self, host: Person) {
        let destination = json!({"destination": format!("acct_{}", host.id)});
        let link = self.put("/v1/me/payout_destination").by(host).json(&destination);
        link.send().await.expect(200);
    }

    /// A room of this host, who may sell, on sale. Its id.
    pub(crate) async fn schedule(&self, host: Person, key: &str, change: impl FnOnce(&mut Value)) -> String {
        self.approve(host).await;
        let mut room = self.room();
        change(&mut room);
        let answer = self.post("/v1/rooms").by(host).key(key).json(&room).send().await;
        text(&answer.expect(201)["id"]).to_owned()
    }

    /// A held seat. The ticket's id.
    pub(crate) async fn hold(&self, room: &str, buyer: Person, key: &str) -> String {
        let answer = self
            .post(format!("/v1/rooms/{room}/tickets"))
            .by(buyer)
            .key(key)
            .send()
            .await;
        text(&answer.expect(201)["id"]).to_owned()
    }

    pub(crate) async fn start_payment(&self, ticket: &str, buyer: Person, key: &str) -> Value {
        let path = format!("/v1/tickets/{ticket}/payments");
        self.post(path).by(buyer).key(key).send().await.expect(201)
    }

    /// What the buyer's browser does.
    pub(crate) async fn confirm(&self, payment: &Value, more: Value) -> Answer {
        let mut body = json!({"client_secret": payment["client_secret"]});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let path = format!("/sandbox/intents/{}/confirm", text(&payment["provider_ref"]));
        self.post(path).json(&body).send().await
    }

    /// An issued ticket. Its id.
    pub(crate) async fn buy(&self, room: &str, buyer: Person, key: &str) -> String {
        let ticket = self.hold(room, buyer, key).await;
        let payment = self.start_payment(&ticket, buyer, key).await;
        self.confirm(&payment, json!({})).await.expect(200);
        self.ticket_becomes(&ticket, buyer, "issued").await;
        ticket
    }

    pub(crate) async fn ticket_becomes(&self, ticket: &str, buyer: Person, state: &str) -> Value {
        let path = format!("/v1/tickets/{ticket}");
        self.eventually(buyer, &path, |body| body["state"] == state).await
    }
}
