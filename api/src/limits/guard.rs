//! Who is let in.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use domain::{RoomId, UserId};
use http::Method;
use metrics::{Counter, counter, gauge};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::address::{TrustedProxies, network};
use super::bodies::Bodies;
use super::door::{Door, Place};
use super::rate::{Meter, Rate};
use super::rooms::{RoomPlace, Rooms};
use crate::ApiError;
use crate::extract::BODY_BYTES_MAX;
use crate::webhooks::WEBHOOK_BYTES_MAX;

/// How often callers who were not seen lately are forgotten.
const TIDY_INTERVAL: Duration = Duration::from_secs(1);
/// A hold that takes longer than this waited behind too many others. A fifth of what a client should see at worst: it may
/// have waited as long before anybody looked at it, and its answer may wait as long to be written.
const WRITE_SLOW_AFTER: Duration = Duration::from_millis(50);

/// One room has at most this part of the places for holds.
const ROOM_SHARE: usize = 2;

/// Every limit at the door of the API.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    /// `None`: no limit.
    pub per_user: Option<Rate>,
    pub per_address: Option<Rate>,
    pub trusted_proxies: TrustedProxies,
    /// Seats being held at the same time, at most.
    pub holds: usize,
    /// Other writes at the same time.
    pub writes: usize,
    /// Reads at the same time.
    pub reads: usize,
    /// Webhooks at the same time. Providers deliver again.
    pub webhooks: usize,
    /// Bodies of holds and other writes that are on their way at the same time, of 64 KiB at most. Beyond that the slowest of
    /// them is turned away.
    pub bodies: usize,
    /// The same of webhooks, of 1 MiB at most.
    pub webhook_bodies: usize,
    /// Streams of the log at the same time. Each reads with a connection of the pool while its client keeps up.
    pub log_streams: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            per_user: Rate::new(50, 200),
            per_address: Rate::new(2_000, 10_000),
            trusted_proxies: TrustedProxies::default(),
            holds: 4_096,
            writes: 1_024,
            reads: 1_024,
            webhooks: 1_024,
            bodies: 2_048,
            webhook_bodies: 256,
            log_streams: 8,
        }
    }
}

impl LimitsConfig {
    /// Without limits of rate: for tests that are faster than people.
    pub fn for_testing() -> Self {
        Self {
            per_user: None,
            per_address: None,
            ..Self::default()
        }
    }
}

/// The limits at work. Cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Guards>);

struct Guards {
    users: Meter<UserId>,
    addresses: Meter<IpAddr>,
    proxies: TrustedProxies,
    holds: Arc<Door>,
    rooms: Arc<Rooms>,
    writes: Arc<Door>,
    reads: Arc<Door>,
    webhooks: Arc<Door>,
    bodies: Arc<Bodies>,
    webhook_bodies: Arc<Bodies>,
    log_streams: Arc<Door>,
    shed_by_rooms: Counter,
    limited_users: Counter,
    limited_addresses: Counter,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

/// What a request is, for its limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Asked by whoever decides whether this server lives: never refused.
    Health,
    Webhook,
    Hold,
    Write,
    Read,
}

impl Limits {
    pub fn new(config: LimitsConfig) -> Self {
        let limited = |by: &'static str| counter!("http_requests_limited_total", "by" => by);
        Self(Arc::new(Guards {
            users: Meter::new(config.per_user),
            addresses: Meter::new(config.per_address),
            proxies: config.trusted_proxies,
            holds: Door::new("holds", config.holds, Some(WRITE_SLOW_AFTER)),
            rooms: Arc::default(),
            writes: Door::new("writes", config.writes, None),
            reads: Door::new("reads", config.reads, None),
            webhooks: Door::new("webhooks", config.webhooks, None),
            bodies: Bodies::new("writes", config.bodies, BODY_BYTES_MAX),
            webhook_bodies: Bodies::new("webhooks", config.webhook_bodies, WEBHOOK_BYTES_MAX),
            log_streams: Door::new("log_streams", config.log_streams, None),
            shed_by_rooms: counter!("http_requests_shed_total", "door" => "room"),
            limited_users: limited("user"),
            limited_addresses: limited("address"),
        }))
    }

    /// Forgets who was not seen lately, for as long as the process lives.
    pub async fn tidy(self, cancel: CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep(TIDY_INTERVAL) => {}
            }
            self.0.users.tidy();
            self.0.addresses.tidy();
            gauge!("http_limited_keys", "by" => "user").set(as_gauge(self.0.users.len()));
            gauge!("http_limited_keys", "by" => "address").set(as_gauge(self.0.addresses.len()));
        }
    }

    /// Refuses a request at once that is one too many: of its address, or of all.
    pub(crate) async fn admit<F>(&self, request: Request, answer: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        match self.let_in(request).await {
            Ok((request, _inside)) => answer(request).await,
            Err(refusal) => refusal.into_response(),
        }
    }

    /// A client that is slow to send its request is waited for outside.
    async fn let_in(&self, request: Request) -> Result<(Request, Inside), ApiError> {
        let kind = kind(&request);
        let request = match kind {
            Kind::Health => request,
            Kind::Webhook => self.0.webhook_bodies.complete(request).await?,
            Kind::Read => {
                self.admit_address(&request)?;
                request
            }
            Kind::Hold | Kind::Write => {
                self.admit_address(&request)?;
                self.0.bodies.complete(request).await?
            }
        };
        let inside = self.enter(kind, request.uri().path())?;
        Ok((request, inside))
    }

    /// Counts a request of this user.
    pub(crate) fn admit_user(&self, user: UserId) -> Result<(), ApiError> {
        self.0.users.admit(&user).map_err(|wait| {
            self.0.limited_users.increment(1);
            too_many(wait)
        })
    }

    /// A place for a stream of the log, for as long as it lasts.
    pub(crate) fn enter_log_stream(&self) -> Result<Place, ApiError> {
        self.0.log_streams.enter(Instant::now()).ok_or(ApiError::Overloaded)
    }

    fn admit_address(&self, request: &Request) -> Result<(), ApiError> {
        // Without a connection (in a test of the router alone) there is nobody to count.
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            return Ok(());
        };
        let client = self.0.proxies.client(*peer, request.headers());
        self.0.addresses.admit(&network(client)).map_err(|wait| {
            self.0.limited_addresses.increment(1);
            too_many(wait)
        })
    }

    /// A place for a request, for as long as it is answered.
    fn enter(&self, kind: Kind, path: &str) -> Result<Inside, ApiError> {
        let door = match kind {
            Kind::Health => return Ok(Inside::default()),
            Kind::Webhook => &self.0.webhooks,
            Kind::Hold => &self.0.holds,
            Kind::Write => &self.0.writes,
            Kind::Read => &self.0.reads,
        };
        let place = door.enter(Instant::now()).ok_or(ApiError::Overloaded)?;
        let room = match (kind, room(path)) {
            (Kind::Hold, Some(room)) => Some(self.enter_room(room)?),
            _ => None,
        };
        Ok(Inside {
            _room: room,
            _place: Some(place),
        })
    }

    fn enter_room(&self, room: RoomId) -> Result<RoomPlace, ApiError> {
        let most = self.0.holds.limit() / ROOM_SHARE;
        self.0.rooms.enter(room, most).ok_or_else(|| {
            self.0.shed_by_rooms.increment(1);
            ApiError::Overloaded
        })
    }
}

/// The places that a request takes.
#[derive(Default)]
struct Inside {
    _room: Option<RoomPlace>,
    _place: Option<Place>,
}

fn kind(request: &Request) -> Kind {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    match (route, request.method()) {
        ("/healthz" | "/readyz", _) => Kind::Health,
        ("/v1/webhooks/{provider}" | "/v1/webhooks/livekit", _) => Kind::Webhook,
        ("/v1/rooms/{room}/tickets", &Method::POST) => Kind::Hold,
        (_, &Method::GET | &Method::HEAD | &Method::OPTIONS) => Kind::Read,
        _ => Kind::Write,
    }
}

/// The room of `/v1/rooms/{room}/…`, if it is one.
fn room(path: &str) -> Option<RoomId> {
    path.strip_prefix("/v1/rooms/")?.split('/').next()?.parse().ok()
}

fn too_many(wait: Duration) -> ApiError {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ApiError::TooManyRequests {
        retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX).max(1),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; exact to 2^53")]
const fn as_gauge(count: usize) -> f64 {
    count as f64
}
