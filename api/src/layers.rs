//! What surrounds every handler: a limit of time, and an answer even when a handler panics.

use std::any::Any;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use thiserror::Error;

use crate::ApiError;

/// Every wait inside a request is shorter; this one is for what nobody foresaw.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(20);

#[derive(Debug, Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

/// Answers 503 when a request takes too long.
pub(crate) async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIME_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Overloaded.into_response(),
    }
}

/// A panic is a bug, and an answer.
#[expect(clippy::needless_pass_by_value, reason = "the signature is CatchPanicLayer's")]
pub(crate) fn answer_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
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
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    async fn panics() -> StatusCode {
        let nothing = std::hint::black_box(None::<StatusCode>);
        nothing.expect("the password is swordfish")
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_that_says_nothing_of_it() {
        let layer = CatchPanicLayer::custom(super::answer_panic);
        let router = Router::new().route("/", get(panics)).layer(layer);
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains(r#""code":"internal""#), "{text}");
        assert!(!text.contains("swordfish"), "{text}");
    }
}
