//! RFC 9457 problem details: the body of every answer that is not a success.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::FieldError;
use crate::trace;

/// An answer that is not a success. Built in one place, [`crate::error`].
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    retry_after_seconds: Option<u32>,
    code: &'static str,
    detail: String,
    reason: Option<&'static str>,
    errors: Vec<FieldError>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            retry_after_seconds: None,
            code,
            detail: detail.into(),
            reason: None,
            errors: Vec::new(),
        }
    }

    pub(crate) fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    pub(crate) fn with_reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    fn body(&self) -> ProblemBody {
        ProblemBody {
            r#type: format!("/problems/{}", self.code),
            title: title(self.code),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            trace_id: trace::current().to_string(),
            reason: self.reason,
            errors: self.errors.iter().map(FieldErrorBody::from).collect(),
        }
    }
}

/// `sold_out` → `Sold out`
fn title(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Problem details (RFC 9457). `code` is stable; `detail` is for people.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// `/problems/<code>`
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    code: &'static str,
    trace_id: String,
    /// Of `entry_refused`: `not_issued`, `refunded` or `removed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The fields that are wrong, where it is about fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldErrorBody>,
}

/// A field that is wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
pub(crate) struct FieldErrorBody {
    /// A JSON pointer into the body, or `/query/<name>`, `/headers/<name>`.
    pointer: String,
    detail: String,
}

impl From<&FieldError> for FieldErrorBody {
    fn from(error: &FieldError) -> Self {
        Self {
            pointer: error.pointer.clone(),
            detail: error.detail.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
