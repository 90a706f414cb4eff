//! One id per request: in every problem, every log line and the metadata of every event it records. And the figures of
//! each request.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method};
use tracing::Instrument;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::ApiState;
use crate::figures::Figures;

const TRACE_ID: HeaderName = HeaderName::from_static("trace-id");

tokio::task_local! {
    static CURRENT: Uuid;
}

/// The id of the request that runs in this task; nil outside of one.
pub(crate) fn current() -> Uuid {
    CURRENT.try_with(|id| *id).unwrap_or_default()
}

/// Follows requests.
pub(crate) struct Tracing {
    state: ApiState,
    figures: Figures,
}

impl Tracing {
    pub(crate) fn new(state: ApiState) -> Self {
        Self {
            state,
            figures: Figures::default(),
        }
    }

    /// Gives the request its id, counts it and times it.
    pub(crate) async fn follow<F>(&self, request: Request, answer: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        let trace_id = self.state.new_uuid();
        let method = known(request.method());
        let matched = request.extensions().get::<MatchedPath>().cloned();
        let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
        let span = tracing::info_span!("request", trace.id = %trace_id, http.method = method, http.route = route);
        let started = Instant::now();
        let answer = CURRENT.scope(trace_id, answer(request).instrument(span.clone()));
        let mut response = answer.await;
        let elapsed = started.elapsed();
        span.in_scope(|| log(&response, elapsed));
        self.figures.count(method, route, response.status(), elapsed);
        let mut text = [0; Hyphenated::LENGTH];
        let text = trace_id.hyphenated().encode_lower(&mut text);
        if let Ok(value) = HeaderValue::from_str(text) {
            // Another node that answered has a better one: its log tells the story.
            response.headers_mut().entry(TRACE_ID).or_insert(value);
        }
        response
    }
}

/// A refusal is an ordinary answer: in a rush there are more of them than of anything else, and they are counted. What
/// went wrong here is told.
fn log(response: &Response, elapsed: Duration) {
    let status = response.status().as_u16();
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if response.status().is_server_error() {
        tracing::info!(http.status = status, elapsed_ms, "answered {status}");
    } else {
        tracing::debug!(http.status = status, elapsed_ms, "answered {status}");
    }
}

/// Clients may invent methods; figures and logs do not grow with their fancy.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
