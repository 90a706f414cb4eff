//! One id per request: in every problem, every log line and the metadata of every event it records. And the figures of
//! each request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method};
use tracing::Instrument;
use uuid::Uuid;

use crate::ApiState;

const TRACE_ID: HeaderName = HeaderName::from_static("trace-id");

tokio::task_local! {
    static CURRENT: Uuid;
}

/// The id of the request that runs in this task; nil outside of one.
pub(crate) fn current() -> Uuid {
    CURRENT.try_with(|id| *id).unwrap_or_default()
}

/// Gives the request its id, counts it and times it.
pub(crate) async fn layer(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let trace_id = state.new_uuid();
    let method = known(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", trace.id = %trace_id, http.method = %method, http.route = %route);
    let started = Instant::now();
    let answer = CURRENT.scope(trace_id, next.run(request).instrument(span.clone()));
    let mut response = answer.await;
    span.in_scope(|| log(&response, started));
    count(method, route, &response, started);
    if let Ok(value) = HeaderValue::from_str(&trace_id.to_string()) {
        // Another node that answered has a better one: its log tells the story.
        response.headers_mut().entry(TRACE_ID).or_insert(value);
    }
    response
}

fn log(response: &Response, started: Instant) {
    let status = response.status().as_u16();
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if response.status().is_success() {
        tracing::debug!(http.status = status, elapsed_ms, "answered {status}");
    } else {
        tracing::info!(http.status = status, elapsed_ms, "answered {status}");
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

fn count(method: &'static str, route: String, response: &Response, started: Instant) {
    let status = response.status().as_u16().to_string();
    metrics::counter!("http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    metrics::histogram!("http_request_seconds", "method" => method, "route" => route).record(started.elapsed());
}
