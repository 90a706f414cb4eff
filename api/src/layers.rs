//! What surrounds every handler, from the outside in: its trace and figures, an answer even when it panics, the limits at
//! the door, a limit of time, and the way to the leader.
//!
//! One layer, because a layer of its own for each of them copies, for every request, all layers that are below it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use thiserror::Error;

use crate::forward::Forwarder;
use crate::trace::Tracing;
use crate::{ApiError, ApiState};

/// Every wait inside a request is shorter; this one is for what nobody foresaw.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(20);

#[derive(Debug, Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

/// What the layer works with.
pub(crate) struct Surroundings {
    tracing: Tracing,
    forwarder: Forwarder,
    state: ApiState,
}

impl Surroundings {
    pub(crate) fn new(state: ApiState) -> Arc<Self> {
        Arc::new(Self {
            tracing: Tracing::new(state.clone()),
            forwarder: Forwarder::new(state.log.leader()),
            state,
        })
    }
}

/// The layer.
pub(crate) async fn surround(State(around): State<Arc<Surroundings>>, request: Request, next: Next) -> Response {
    let handle = |request| limit_time(around.forwarder.forward(request, next));
    let admit = |request| around.state.limits.admit(request, handle);
    around
        .tracing
        .follow(request, |request| catch_panic(admit(request)))
        .await
}

/// Answers 503 when a request takes too long.
async fn limit_time(answer: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(REQUEST_TIME_MAX, answer).await {
        Ok(response) => response,
        Err(_) => ApiError::Overloaded.into_response(),
    }
}

/// A panic is a bug, and an answer.
async fn catch_panic(answer: impl Future<Output = Response>) -> Response {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => answer_panic(&*panic),
    }
}

fn answer_panic(panic: &(dyn Any + Send)) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    ApiError::Internal(Box::new(Panicked(text))).into_response()
}

pub(crate) async fn unknown_path() -> ApiError {
    ApiError::NotFound
}

pub(crate) async fn unknown_method() -> ApiError {
    ApiError::MethodNotAllowed
}

#[cfg(test)]
mod tests {
    use axum::response::Response;
    use http::StatusCode;
    use http_body_util::BodyExt;

    fn panics() -> Response {
        let nothing = std::hint::black_box(None::<Response>);
        nothing.expect("the password is swordfish")
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_that_says_nothing_of_it() {
        let response = super::catch_panic(async { panics() }).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains(r#""code":"internal""#), "{text}");
        assert!(!text.contains("swordfish"), "{text}");
    }
}
