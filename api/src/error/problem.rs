//! RFC 9457 problem details: the body of every answer that is not a success.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::FieldError;
use crate::answer::LOG_POSITION;
use crate::trace;

/// Most bodies fit, so that their text is not moved while it grows.
const BODY_BYTES: usize = 384;

/// An answer that is not a success. Built in one place, [`crate::error`].
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    retry_after_seconds: Option<u32>,
    code: &'static str,
    detail: String,
    reason: Option<&'static str>,
    position: Option<u64>,
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
            position: None,
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

    /// The position of the log that the refusal rests on.
    pub(crate) fn with_position(mut self, position: u64) -> Self {
        self.position = Some(position);
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    fn body(&self) -> ProblemBody<'_> {
        ProblemBody {
            r#type: ProblemType(self.code),
            title: Title(self.code),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            trace_id: trace::current(),
            reason: self.reason,
            errors: self.errors.iter().map(FieldErrorBody::from).collect(),
        }
    }
}

/// `/problems/<code>`
struct ProblemType(&'static str);

impl Serialize for ProblemType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("/problems/{}", self.0))
    }
}

/// `sold_out` → `Sold out`
struct Title(&'static str);

impl Serialize for Title {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut title = self.0.replace('_', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        serializer.serialize_str(&title)
    }
}

/// Problem details (RFC 9457). `code` is stable; `detail` is for people.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// `/problems/<code>`
    #[schema(value_type = String)]
    r#type: ProblemType,
    #[schema(value_type = String)]
    title: Title,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[schema(value_type = String)]
    trace_id: Uuid,
    /// Of `entry_refused`: `not_issued`, `refunded`, `revoked`, `removed` or `transferred`. Of `sold_out`: which quota, `room`,
    /// `tier`, `promo_code` or `waiting_list`. Of `promo_code_refused`: `unknown`, `not_yet`, `expired`, `other_tier` or
    /// `buyer_limit`. Of `receipt_refused`: `signature`, `unreadable`, `no_purchase`, `other_ticket`, `other_channel` or
    /// `wrong_amount`. Of `erasure_refused`: `open_ticket`, `upcoming_room`, `open_refund`, `open_dispute` or `open_balance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The fields that are wrong, where it is about fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldErrorBody<'a>>,
}

/// A field that is wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
pub(crate) struct FieldErrorBody<'a> {
    /// A JSON pointer into the body, or `/query/<name>`, `/headers/<name>`.
    pointer: &'a str,
    detail: &'a str,
}

impl<'a> From<&'a FieldError> for FieldErrorBody<'a> {
    fn from(error: &'a FieldError) -> Self {
        Self {
            pointer: &error.pointer,
            detail: &error.detail,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut text = Vec::with_capacity(BODY_BYTES);
        // Strings and numbers: nothing in it can fail to be written.
        let _ = serde_json::to_writer(&mut text, &self.body());
        let mut response = Response::new(text.into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(position) = self.position {
            headers.insert(LOG_POSITION, HeaderValue::from(position));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
