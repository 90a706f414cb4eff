//! The doors of the bridge (entry, gate, webhooks) with a media server in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{RoomId, SessionId, TicketId, UserId};
use event_log::{Aggregates, Clock, EventLog, LogLimits, MemoryLog, PostgresLog, SystemClock};
use livekit_api::access_token::AccessToken;
use media_bridge::fake::{FakeEntitlements, FakeMediaServer};
use media_bridge::gate::{self, GateConfig};
use media_bridge::identity::room_name;
use media_bridge::webhook::{Receiver, WebhookRefused};
use media_bridge::{
    Badge, Bridge, BridgeDeps, EntryError, Identity, LiveKit, LiveKitConfig, MediaServer, RefusalReason,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

const SESSION: SessionId = SessionId::from_uuid(Uuid::from_u128(1));
const HOST: UserId = UserId::from_uuid(Uuid::from_u128(2));
const TICKET: TicketId = TicketId::from_uuid(Uuid::from_u128(3));
const BUYER: UserId = UserId::from_uuid(Uuid::from_u128(4));
const API_KEY: &str = "key";
const API_SECRET: &str = "a secret for tests, of at least 32 characters";
const LISTENERS_MAX: u32 = 50;
const PATIENCE: Duration = Duration::from_secs(10);

struct House {
    media: Arc<FakeMediaServer>,
    entitlements: Arc<FakeEntitlements>,
    bridge: Bridge,
    receiver: Receiver,
    pool: PgPool,
    tracker: TaskTracker,
    cancel: CancellationToken,
    _stop: DropGuard,
}

fn config() -> LiveKitConfig {
    LiveKitConfig {
        url: "http://127.0.0.1:1".to_owned(),
        api_key: API_KEY.to_owned(),
        api_secret: API_SECRET.into(),
    }
}

impl House {
    /// A live room with its host and one ticket.
    fn open(pool: PgPool) -> Self {
        Self::open_on(pool, MemoryLog::new())
    }

    /// The same on a node that does not lead.
    fn open_elsewhere(pool: PgPool) -> Self {
        let log = PostgresLog::for_reading(pool.clone(), &LogLimits::default());
        Self::open_on(pool, log)
    }

    fn open_on(pool: PgPool, log: Arc<dyn EventLog>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let media = Arc::new(FakeMediaServer::new());
        let entitlements = Arc::new(FakeEntitlements::new());
        entitlements.open(RoomId::from_uuid(Uuid::from_u128(9)), SESSION, HOST);
        entitlements.admit(SESSION, TICKET, BUYER);
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let deps = BridgeDeps {
            media: media.clone(),
            entitlements: entitlements.clone(),
            aggregates: Aggregates::new(&log),
            log,
            pool: pool.clone(),
            clock: Arc::new(SystemClock),
            listeners_max: LISTENERS_MAX,
        };
        let bridge = Bridge::start(deps, &tracker, &cancel);
        let receiver = Receiver::new(&config(), pool.clone(), Arc::new(SystemClock), bridge.clone());
        Self {
            media,
            entitlements,
            bridge,
            receiver,
            pool,
            tracker,
            _stop: cancel.clone().drop_guard(),
            cancel,
        }
    }

    async fn serve(&self, router: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let stopped = self.cancel.clone().cancelled_owned();
        self.tracker
            .spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
        address
    }

    /// The gate, before a media server that answers its first requests with 404. Returns the URL to validate a token at.
    async fn gate(&self, lost: usize, hold_max: Duration) -> String {
        let upstream = self.serve(upstream(lost)).await;
        let gate = GateConfig {
            hold_max,
            ..GateConfig::new(upstream, config())
        };
        let gate = self
            .serve(gate::router(gate, self.entitlements.clone(), self.bridge.clone()))
            .await;
        let identity = Identity::Ticket(TICKET);
        let token = LiveKit::new(config())
            .entry_token(&room_name(SESSION), Badge::new(identity), 60)
            .expect("a token");
        format!("http://{gate}/rtc/validate?access_token={token}")
    }

    async fn webhook(&self, body: &str) -> Result<(), WebhookRefused> {
        self.receiver
            .receive(&signature(API_SECRET, body), body.as_bytes())
            .await
    }

    async fn stored_webhooks(&self) -> Vec<String> {
        let ids = sqlx::query_scalar!("SELECT id FROM media_webhooks ORDER BY id").fetch_all(&self.pool);
        ids.await.expect("webhooks")
    }
}

/// Answers as the media server does at `/rtc/validate`.
fn upstream(lost: usize) -> Router {
    async fn validate(State(lost): State<Arc<AtomicUsize>>) -> StatusCode {
        let is_lost = lost
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        if is_lost { StatusCode::NOT_FOUND } else { StatusCode::OK }
    }
    Router::new()
        .route("/rtc/validate", get(validate))
        .with_state(Arc::new(AtomicUsize::new(lost)))
}

fn signature(secret: &str, body: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(body));
    AccessToken::with_api_key(API_KEY, secret)
        .with_sha256(&hash)
        .to_jwt()
        .expect("a signature")
}

async fn status(url: &str) -> u16 {
    reqwest::get(url).await.expect("an answer").status().as_u16()
}

#[sqlx::test(migrations = "../migrations")]
async fn entry_is_for_people_who_may_be_there(pool: PgPool) {
    let house = House::open(pool);
    let entry = house
        .bridge
        .entry(SESSION, Identity::Ticket(TICKET))
        .await
        .expect("an entry");
    assert!(entry.token.contains(&TICKET.to_string()));
    let ttl = entry.expires_at - SystemClock.now();
    assert!((1..=5).contains(&ttl.num_minutes()), "{ttl}");

    let stranger = Identity::Ticket(TicketId::from_uuid(Uuid::from_u128(77)));
    let refused = house.bridge.entry(SESSION, stranger).await;
    assert!(
        matches!(refused, Err(EntryError::Refused(RefusalReason::NotIssued))),
        "{refused:?}"
    );
    house.entitlements.remove(SESSION, Identity::Ticket(TICKET));
    let refused = house.bridge.entry(SESSION, Identity::Ticket(TICKET)).await;
    assert!(
        matches!(refused, Err(EntryError::Refused(RefusalReason::Removed))),
        "{refused:?}"
    );
    house.entitlements.end(SESSION);
    let over = house.bridge.entry(SESSION, Identity::Host(HOST)).await;
    assert!(matches!(over, Err(EntryError::NoSuchRoom)), "{over:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn entry_waits_for_the_media_server_but_not_for_ever(pool: PgPool) {
    let house = House::open(pool);
    house.media.set_away(true);
    let mut available = house.bridge.availability();
    available
        .wait_for(|available| !available)
        .await
        .expect("a running bridge");
    let away = house.bridge.entry(SESSION, Identity::Host(HOST)).await;
    assert!(matches!(away, Err(EntryError::MediaUnavailable)), "{away:?}");
    house.media.set_away(false);
    house
        .bridge
        .entry(SESSION, Identity::Host(HOST))
        .await
        .expect("an entry");
    assert!(house.bridge.is_available());
}

#[sqlx::test(migrations = "../migrations")]
async fn the_gate_holds_a_connection_until_the_lost_room_is_back(pool: PgPool) {
    let house = House::open(pool);
    let validate = house.gate(2, PATIENCE).await;
    assert_eq!(status(&validate).await, 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_gate_of_a_node_that_follows_lets_people_in_and_waits_for_a_lost_room(pool: PgPool) {
    let house = House::open_elsewhere(pool);
    assert_eq!(status(&house.gate(2, PATIENCE).await).await, 200);
    assert_eq!(
        status(&house.gate(usize::MAX, Duration::from_millis(300)).await).await,
        503
    );
    house.entitlements.remove(SESSION, Identity::Ticket(TICKET));
    assert_eq!(status(&house.gate(0, PATIENCE).await).await, 403);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_gate_gives_up_after_a_while_and_refuses_whoever_is_removed_meanwhile(pool: PgPool) {
    let house = House::open(pool);
    house.media.set_away(true);
    house
        .bridge
        .availability()
        .wait_for(|available| !available)
        .await
        .expect("a running bridge");
    let started = Instant::now();
    assert_eq!(status(&house.gate(0, Duration::from_millis(300)).await).await, 503);
    assert!(started.elapsed() >= Duration::from_millis(300));

    house.media.set_away(false);
    let validate = house.gate(usize::MAX, PATIENCE).await;
    let remove_later = async {
        sleep(Duration::from_millis(300)).await;
        house.entitlements.remove(SESSION, Identity::Ticket(TICKET));
    };
    let (held, ()) = tokio::join!(status(&validate), remove_later);
    assert_eq!(held, 403);
}

/// The media server answers 404 to these, as it does when it has lost the room: waiting would help nobody.
#[sqlx::test(migrations = "../migrations")]
async fn the_gate_does_not_hold_what_is_no_websocket(pool: PgPool) {
    let house = House::open(pool);
    let validate = house.gate(usize::MAX, PATIENCE).await;
    for path in ["/rtc", "/rtc/v1"] {
        let started = Instant::now();
        assert_eq!(status(&validate.replace("/rtc/validate", path)).await, 426, "{path}");
        assert!(started.elapsed() < PATIENCE / 2, "{path}");
    }
}

/// A browser of another origin must be able to read the refusal, or its client takes it for an outage and tries again.
#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_can_be_read_from_every_origin(pool: PgPool) {
    let house = House::open(pool);
    let validate = house.gate(0, PATIENCE).await;
    house.entitlements.remove(SESSION, Identity::Ticket(TICKET));
    let refused = reqwest::get(&validate).await.expect("an answer");
    assert_eq!(refused.status().as_u16(), 403);
    assert_eq!(refused.headers()["access-control-allow-origin"], "*");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_gate_needs_entitlements_it_can_read(pool: PgPool) {
    let house = House::open(pool);
    let validate = house.gate(0, PATIENCE).await;
    assert_eq!(status(&validate).await, 200);
    house.entitlements.set_unreadable(true);
    assert_eq!(status(&validate).await, 503);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_webhook_is_kept_once_and_only_if_it_is_authentic(pool: PgPool) {
    let house = House::open(pool);
    let body = json!({"event": "room_started", "id": "EV_1", "createdAt": "1800000000"}).to_string();
    house.webhook(&body).await.expect("accepted");
    house.webhook(&body).await.expect("accepted again");

    let tampered = body.replace("EV_1", "EV_2");
    let forged = house
        .receiver
        .receive(&signature(API_SECRET, &body), tampered.as_bytes())
        .await;
    assert!(matches!(forged, Err(WebhookRefused::NotAuthentic)), "{forged:?}");
    let signed_by_others = signature("another secret, of at least 32 characters", &tampered);
    let forged = house.receiver.receive(&signed_by_others, tampered.as_bytes()).await;
    assert!(matches!(forged, Err(WebhookRefused::NotAuthentic)), "{forged:?}");
    let unsigned = house.receiver.receive("", tampered.as_bytes()).await;
    assert!(matches!(unsigned, Err(WebhookRefused::NotAuthentic)), "{unsigned:?}");
    assert_eq!(house.stored_webhooks().await, ["EV_1"]);
}

/// The media server says of everybody what their token called them. Who people are is kept under lock, and nowhere else.
#[sqlx::test(migrations = "../migrations")]
async fn a_webhook_is_kept_without_the_name_of_its_participant(pool: PgPool) {
    let house = House::open(pool);
    for (id, state) in [("EV_1", "ACTIVE"), ("EV_2", "TELEPORTED")] {
        let participant =
            json!({"sid": "PA_1", "identity": format!("ticket-{TICKET}"), "name": "Alice P.", "state": state});
        let joined = json!({"event": "participant_joined", "id": id, "participant": participant}).to_string();
        house.webhook(&joined).await.expect("accepted");
    }
    assert_eq!(house.stored_webhooks().await, ["EV_1", "EV_2"]);
    let bodies = sqlx::query_scalar!("SELECT convert_from(body, 'UTF8') FROM media_webhooks").fetch_all(&house.pool);
    for body in bodies.await.expect("webhooks").into_iter().flatten() {
        assert!(body.contains("participant_joined") && body.contains("PA_1"), "{body}");
        assert!(!body.contains("Alice"), "{body}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_authentic_webhook_that_cannot_be_read_is_kept(pool: PgPool) {
    let house = House::open(pool);
    let newer = json!({"event": "participant_left", "id": "EV_9", "participant": {"state": "TELEPORTED"}}).to_string();
    house.webhook(&newer).await.expect("accepted");
    assert_eq!(house.stored_webhooks().await, ["EV_9"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stay_between_two_looks_is_known_from_its_webhook(pool: PgPool) {
    let house = House::open(pool);
    house
        .bridge
        .entry(SESSION, Identity::Ticket(TICKET))
        .await
        .expect("an entry, once the room is there");
    let left_at = SystemClock.now().timestamp();
    let left = json!({
        "event": "participant_left",
        "id": "EV_5",
        "createdAt": left_at.to_string(),
        "room": {"name": room_name(SESSION)},
        "participant": {"sid": "PA_5", "identity": format!("ticket-{TICKET}"), "joinedAt": (left_at - 1).to_string()},
    });
    // The bridge notes leaves of rooms that it has looked into, which may be a moment after they are there.
    let deadline = Instant::now() + PATIENCE;
    for attempt in 0.. {
        let mut left = left.clone();
        left["id"] = format!("EV_{attempt}").into();
        house.webhook(&left.to_string()).await.expect("accepted");
        sleep(Duration::from_millis(50)).await;
        let stay = sqlx::query!(
            r#"SELECT user_id, left_at AS "left_at!", left_at - joined_at = interval '1 second' AS "lasted!"
               FROM media_presence WHERE participant_sid = 'PA_5'"#
        );
        if let Some(stay) = stay.fetch_optional(&house.pool).await.expect("presence") {
            assert_eq!(
                (stay.user_id, stay.left_at.timestamp(), stay.lasted),
                (BUYER.as_uuid(), left_at, true)
            );
            return;
        }
        assert!(Instant::now() < deadline, "the stay is not known");
    }
}
