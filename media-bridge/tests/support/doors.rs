//! Bridge, gate and webhooks before a media server.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use event_log::{Aggregates, EventLog, SystemClock};
use media_bridge::fake::FakeEntitlements;
use media_bridge::gate::{self, GateConfig};
use media_bridge::webhook::{Receiver, WebhookRefused};
use media_bridge::{Bridge, BridgeDeps, DeliveryDeps, LiveKit, delivery};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::Sfu;

const LISTENERS_MAX: u32 = 50;

/// What bridge, gate and webhooks are made of.
pub(super) struct Doors<'a> {
    pub(super) sfu: &'a Sfu,
    pub(super) media: &'a Arc<LiveKit>,
    pub(super) entitlements: &'a Arc<FakeEntitlements>,
    pub(super) log: &'a Arc<dyn EventLog>,
    pub(super) aggregates: &'a Aggregates,
    pub(super) pool: &'a PgPool,
}

impl Doors<'_> {
    /// They run until the guard is dropped.
    pub(super) fn open(self, listener: TcpListener) -> (Bridge, DropGuard) {
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let deps = BridgeDeps {
            media: self.media.clone(),
            entitlements: self.entitlements.clone(),
            log: self.log.clone(),
            aggregates: self.aggregates.clone(),
            pool: self.pool.clone(),
            clock: Arc::new(SystemClock),
            listeners_max: LISTENERS_MAX,
        };
        let bridge = Bridge::start(deps, &tracker, &cancel);
        let delivery = DeliveryDeps {
            log: self.log.clone(),
            aggregates: self.aggregates.clone(),
            pool: self.pool.clone(),
            clock: Arc::new(SystemClock),
        };
        delivery::start(delivery, &tracker, &cancel);
        let receiver = Receiver::new(
            &self.sfu.config(),
            self.pool.clone(),
            Arc::new(SystemClock),
            bridge.clone(),
        );
        let gate_config = GateConfig::new(self.sfu.address(), self.sfu.config());
        let doors = gate::router(gate_config, self.entitlements.clone(), bridge.clone()).merge(
            Router::new()
                .route("/webhooks/media", post(take_webhook))
                .with_state(receiver),
        );
        let stopped = cancel.clone().cancelled_owned();
        tracker.spawn(async move { axum::serve(listener, doors).with_graceful_shutdown(stopped).await });
        (bridge, cancel.drop_guard())
    }
}

async fn take_webhook(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let authorization = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match receiver.receive(authorization, &body).await {
        Ok(()) => StatusCode::OK,
        Err(WebhookRefused::NotAuthentic) => StatusCode::UNAUTHORIZED,
        Err(WebhookRefused::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
