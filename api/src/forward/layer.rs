//! Decides where a request is handled, and for how long a leader is looked for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use event_log::Leader;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use thiserror::Error;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::upstream::{Failure, Upstream};
use crate::ApiError;
use crate::extract::{BODY_BYTES_MAX, read_body};
use crate::webhooks::WEBHOOK_BYTES_MAX;

/// On a request that another node has passed on already.
pub(super) const FORWARDED: HeaderName = HeaderName::from_static("boxoffice-forwarded");
/// On an answer of a node that was asked to handle a write, and does not lead: it recorded nothing.
pub(super) const NOT_LEADING: HeaderName = HeaderName::from_static("boxoffice-not-leading");
/// How long a write waits, all tries together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// For a leader. Longer than another node needs to take over from one that died or fell silent.
    pub(super) leader: Duration,
    /// For the answer, if no other node takes over from the leader that was sent it: as long as one may need that asks a
    /// payment provider. Shorter than any request may take, so that there is an answer.
    pub(super) answer: Duration,
}

const WAITS: Waits = Waits {
    leader: Duration::from_secs(5),
    answer: Duration::from_secs(15),
};
/// The pause before the same leader is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// Requests that are on their way to the leader at one time.
const IN_FLIGHT_MAX: usize = 1024;

#[derive(Debug, Error)]
enum NoLeader {
    #[error("no node that leads the log was found in time")]
    NotFound,
    #[error("this node does not lead the log, and was asked by one that does not either")]
    Loop,
    #[error("the leader broke off, and whether the write became durable is unknown")]
    Unknown(#[source] reqwest::Error),
}

/// The way to the leader. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Forwarder {
    leader: watch::Receiver<Leader>,
    upstream: Upstream,
    places: Arc<Semaphore>,
    waits: Waits,
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").finish_non_exhaustive()
    }
}

impl Forwarder {
    pub(crate) fn new(leader: watch::Receiver<Leader>) -> Self {
        Self::with_waits(leader, WAITS)
    }

    pub(super) fn with_waits(leader: watch::Receiver<Leader>, waits: Waits) -> Self {
        Self {
            leader,
            upstream: Upstream::new(),
            places: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            waits,
        }
    }

    /// Handles reads here, and writes where the leader is.
    pub(crate) async fn forward(&self, request: Request, next: Next) -> Response {
        if is_handled_here(&request) || !is_elsewhere(&self.leader) {
            return next.run(request).await;
        }
        if request.headers().contains_key(FORWARDED) {
            return refuse_loop();
        }
        // Boxed, so that the many requests that are handled here do not carry its room about.
        match Box::pin(self.pass_on(request, next)).await {
            Ok(answer) => answer,
            Err(error) => error.into_response(),
        }
    }
}

/// Reads need no leader, and a provider's webhook only has to be stored: whoever leads reads it from there.
fn is_handled_here(request: &Request) -> bool {
    let is_read = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    );
    let path = request.uri().path();
    is_read || (path.starts_with("/v1/webhooks/") && path != "/v1/webhooks/livekit")
}

fn is_elsewhere(leader: &watch::Receiver<Leader>) -> bool {
    matches!(*leader.borrow(), Leader::Elsewhere { .. })
}

/// Two nodes that each take the other for the leader must not pass a request to and fro.
fn refuse_loop() -> Response {
    let mut response = ApiError::LogUnavailable(Box::new(NoLeader::Loop)).into_response();
    response
        .headers_mut()
        .insert(NOT_LEADING, http::HeaderValue::from_static("1"));
    response
}

/// A request that can be sent more than once.
pub(super) struct Kept {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

impl Kept {
    async fn read(request: Request) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let is_webhook = head.uri.path().starts_with("/v1/webhooks/");
        let limit = if is_webhook { WEBHOOK_BYTES_MAX } else { BODY_BYTES_MAX };
        let body = read_body(body, limit).await?;
        Ok(Self { head, body })
    }

    fn into_request(self) -> Request {
        Request::from_parts(self.head, Body::from(self.body))
    }

    /// Whether a second time changes nothing: the client gave it a name, or the method says so.
    fn is_repeatable(&self) -> bool {
        has_key(&self.head.headers) || matches!(self.head.method, Method::PUT | Method::DELETE)
    }
}

fn has_key(headers: &HeaderMap) -> bool {
    headers.contains_key("idempotency-key")
}

impl Forwarder {
    async fn pass_on(&self, request: Request, next: Next) -> Result<Response, ApiError> {
        let mut leader = self.leader.clone();
        let _place = self.places.try_acquire().map_err(|_| ApiError::Overloaded)?;
        let asked = Instant::now();
        let (deadline, answer_by) = (asked + self.waits.leader, asked + self.waits.answer);
        let kept = Kept::read(request).await?;
        loop {
            let now = leader.borrow_and_update().clone();
            let Leader::Elsewhere { url } = now else {
                // This node has taken over, or can say by itself that the database is away.
                return Ok(next.run(kept.into_request()).await);
            };
            if let Some(url) = url {
                let attempt = tokio::select! {
                    attempt = self.upstream.send(&url, &kept, answer_by) => attempt,
                    // A leader that was paused answers nothing; another one has taken over.
                    () = moved(&mut leader) => Err(Failure::Superseded),
                };
                match attempt {
                    Ok(answer) if !answer.headers().contains_key(NOT_LEADING) => return Ok(answer),
                    Ok(_) | Err(Failure::NotSent) => {}
                    Err(_) if kept.is_repeatable() => {}
                    Err(Failure::Broken(error)) => return Err(unavailable(NoLeader::Unknown(error))),
                    Err(Failure::Superseded) => return Err(unavailable(NoLeader::NotFound)),
                }
            }
            if Instant::now() >= deadline {
                metrics::counter!("forward_failures_total").increment(1);
                return Err(unavailable(NoLeader::NotFound));
            }
            wait_for_news(&mut leader, deadline).await;
        }
    }
}

fn unavailable(reason: NoLeader) -> ApiError {
    ApiError::LogUnavailable(Box::new(reason))
}

/// Returns when somebody leads, somewhere else than before.
async fn moved(leader: &mut watch::Receiver<Leader>) {
    loop {
        if leader.changed().await.is_err() {
            return std::future::pending().await;
        }
        match &*leader.borrow_and_update() {
            Leader::Here | Leader::Elsewhere { url: Some(_) } => return,
            Leader::Elsewhere { url: None } | Leader::Nobody => {}
        }
    }
}

/// Waits for another leader, or a little.
async fn wait_for_news(leader: &mut watch::Receiver<Leader>, deadline: Instant) {
    let until = deadline.min(Instant::now() + RETRY_PAUSE);
    // A log that stopped tells nothing any more; the deadline ends the wait.
    if let Ok(Err(_)) = tokio::time::timeout_at(until, leader.changed()).await {
        tokio::time::sleep_until(until).await;
    }
}
