//! What a caller gets.

use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub(crate) fn ok(body: &Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: body.to_string(),
            headers: vec![],
        }
    }

    pub(crate) fn error(status: StatusCode, kind: &str, code: &str) -> Self {
        let body = json!({ "error": {
            "type": kind,
            "code": code,
            "message": "What was typed: 4242 4242 4242 4242",
            "doc_url": "https://example.org",
        }});
        Self {
            status,
            body: body.to_string(),
            headers: vec![],
        }
    }

    pub(crate) fn refused(code: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "invalid_request_error", code)
    }

    pub(crate) fn missing() -> Self {
        Self::error(StatusCode::NOT_FOUND, "invalid_request_error", "resource_missing")
    }

    pub(crate) fn failure() -> Self {
        Self::error(StatusCode::INTERNAL_SERVER_ERROR, "api_error", "internal")
    }

    pub(crate) fn garbled() -> Self {
        Self {
            status: StatusCode::OK,
            body: "{\"id\": \"pi_".to_owned(),
            headers: vec![],
        }
    }

    pub(crate) fn rate_limited(retry_after: Option<u32>) -> Self {
        let mut answer = Self::error(StatusCode::TOO_MANY_REQUESTS, "invalid_request_error", "rate_limit");
        answer
            .headers
            .extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        answer
    }

    pub(crate) fn replayed(mut self) -> Self {
        self.headers.push(("idempotent-replayed", "true".to_owned()));
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, [("content-type", "application/json")], self.body).into_response();
        for (name, value) in self.headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
