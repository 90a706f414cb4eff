//! One request at the gate: who is it, may they, is the room there, and then on to the media server.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::Gate;
use super::proxy::{self, Passed};
use super::token::{self, Visitor};
use crate::Admission;

/// Why a request is not passed on. The words are for whoever debugs a client; they name nobody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        metrics::counter!("boxoffice_gate_requests_total", "status" => self.0.as_str().to_owned()).increment(1);
        debug!(status = self.0.as_u16(), reason = self.1, "the gate refuses");
        let mut response = (self.0, self.1).into_response();
        // As the media server does: a browser's client of another origin reads here why it is refused, and gives up.
        let every_origin = HeaderValue::from_static("*");
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, every_origin);
        if self.0 == StatusCode::UPGRADE_REQUIRED {
            response
                .headers_mut()
                .insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
        }
        response
    }
}

/// A room that the media server keeps losing is not looked for more often than this for one request.
const MAX_TRIES: usize = 40;
const WEBSOCKET: &str = "websocket";

/// Signalling is a websocket. To anything else the media server answers 404, which is no room that it has lost.
pub(super) async fn signal(gate: State<Arc<Gate>>, request: Request) -> Result<Response, Refusal> {
    let can_switch = request.extensions().get::<hyper::upgrade::OnUpgrade>().is_some();
    if !can_switch || !asks_for_websocket(request.headers()) {
        return Err(Refusal(StatusCode::UPGRADE_REQUIRED, "signalling is a websocket"));
    }
    pass(gate, request).await
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let protocols = headers.get_all(UPGRADE).iter().filter_map(|value| value.to_str().ok());
    protocols
        .flat_map(|protocols| protocols.split(','))
        .any(|protocol| protocol.trim().eq_ignore_ascii_case(WEBSOCKET))
}

pub(super) async fn pass(State(gate): State<Arc<Gate>>, request: Request) -> Result<Response, Refusal> {
    let visitor = token::visitor(&gate.verifier, request.uri(), request.headers())?;
    let place = Arc::clone(&gate.places)
        .try_acquire_owned()
        .map_err(|_| Refusal(StatusCode::SERVICE_UNAVAILABLE, "too many connections"))?;
    let (mut parts, _) = request.into_parts();
    let client_upgrade = parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    let deadline = Instant::now() + gate.config.hold_max;
    let mut doubt = 0;
    for _ in 0..MAX_TRIES {
        admit(&gate, visitor).await?;
        let patience = deadline.saturating_duration_since(Instant::now());
        let is_ready = tokio::select! {
            () = gate.bridge.cancel.cancelled() => false,
            is_ready = gate.bridge.wait_until_ready(visitor.session, doubt, patience) => is_ready,
        };
        if !is_ready {
            break;
        }
        match proxy::send(&gate.config.upstream, &parts, &gate.bridge).await {
            Ok(Passed { response, upgrade }) if response.status() != StatusCode::NOT_FOUND => {
                if let (Some(client), Some(upstream)) = (client_upgrade, upgrade) {
                    // Whoever comes in may have to be promoted, or was removed a moment ago.
                    gate.bridge.wake();
                    proxy::splice(&gate.bridge, client, upstream, place);
                }
                let status = response.status().as_str().to_owned();
                metrics::counter!("boxoffice_gate_requests_total", "status" => status).increment(1);
                return Ok(response.map(Body::new));
            }
            Ok(_) => debug!("the media server does not have the room any more"),
            Err(failure) => warn!(
                error = &failure as &dyn std::error::Error,
                "the media server cannot be reached"
            ),
        }
        doubt = gate.bridge.shared.doubt();
    }
    Err(Refusal(
        StatusCode::SERVICE_UNAVAILABLE,
        "the media server is not ready for this room",
    ))
}

/// Asked before every try: while a connection is held back, its person may be removed.
async fn admit(gate: &Gate, visitor: Visitor) -> Result<(), Refusal> {
    match gate.entitlements.admission(visitor.session, visitor.identity).await {
        // A number that the view has not seen yet is newer.
        Ok(Admission::Admitted { entry, .. }) if visitor.entry >= entry => Ok(()),
        Ok(Admission::Admitted { .. }) => Err(Refusal(StatusCode::FORBIDDEN, "another device took over")),
        Ok(Admission::Refused(_)) => Err(Refusal(StatusCode::FORBIDDEN, "not admitted to this room")),
        Ok(Admission::NoSuchRoom) => Err(Refusal(StatusCode::NOT_FOUND, "no such room is live")),
        Err(failure) => {
            warn!(
                error = &failure as &dyn std::error::Error,
                "the gate cannot read the entitlements"
            );
            Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "entitlements cannot be read"))
        }
    }
}
