//! The door to the media server: its signalling passes through here, and only for people who may be in the room now.
//!
//! The media server cannot revoke a token, and hands out fresh ones itself. So clients never reach its HTTP port: the gate
//! reads who they are, asks the entitlements, and only then passes the connection on. While a room is being created again
//! after a crash of the media server, clients wait here; a browser would give up for good at the first refusal.

mod door;
mod proxy;
mod token;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::sync::Semaphore;

use crate::livekit::LiveKitConfig;
use crate::{Bridge, Entitlements};

/// The longest a connection is held back while its room is made ready.
pub const HOLD_MAX: Duration = Duration::from_secs(10);
/// Connections at one time, held back ones too.
pub const MAX_CONNECTIONS: usize = 20_000;

#[derive(Clone, Debug)]
pub struct GateConfig {
    /// `host:port` of the media server's HTTP port.
    pub upstream: String,
    /// The key that entry tokens are signed with.
    pub livekit: LiveKitConfig,
    pub hold_max: Duration,
}

impl GateConfig {
    pub fn new(upstream: String, livekit: LiveKitConfig) -> Self {
        Self {
            upstream,
            livekit,
            hold_max: HOLD_MAX,
        }
    }
}

pub(crate) struct Gate {
    config: GateConfig,
    verifier: livekit_api::access_token::TokenVerifier,
    entitlements: Arc<dyn Entitlements>,
    bridge: Bridge,
    places: Arc<Semaphore>,
}

/// The four signalling paths of the media server, and nothing else of it.
pub fn router(config: GateConfig, entitlements: Arc<dyn Entitlements>, bridge: Bridge) -> Router {
    let gate = Arc::new(Gate {
        verifier: config.livekit.verifier(),
        config,
        entitlements,
        bridge,
        places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
    });
    Router::new()
        .route("/rtc", get(door::signal))
        .route("/rtc/validate", get(door::pass))
        .route("/rtc/v1", get(door::signal))
        .route("/rtc/v1/validate", get(door::pass))
        .with_state(gate)
}
