//! How handlers answer: reads with an `ETag`, lists with a cursor, writes with their `Log-Position`.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use projections::View;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::hex;
use crate::{ApiError, ApiState};

pub(crate) const LOG_POSITION: HeaderName = HeaderName::from_static("log-position");
/// Bytes of the hash that make an `ETag`.
const ETAG_BYTES: usize = 16;

/// What the client has already: its `If-None-Match`.
#[derive(Clone, Default, Debug)]
pub(crate) struct IfNoneMatch(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let value = parts.headers.get(IF_NONE_MATCH);
        Ok(Self(value.and_then(|value| value.to_str().ok()).map(str::to_owned)))
    }
}

impl IfNoneMatch {
    fn matches(&self, etag: &str) -> bool {
        self.0.as_deref().is_some_and(|tags| {
            tags.split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"))
                .any(|tag| tag == "*" || tag == etag)
        })
    }
}

/// One thing, read. Tagged by its content.
#[derive(Debug)]
pub(crate) struct One<T> {
    body: T,
    known: IfNoneMatch,
}

impl<T> One<T> {
    pub(crate) fn new(body: T, known: IfNoneMatch) -> Self {
        Self { body, known }
    }
}

impl<T: Serialize> IntoResponse for One<T> {
    fn into_response(self) -> Response {
        let body = match serde_json::to_vec(&self.body) {
            Ok(body) => body,
            Err(error) => return ApiError::Internal(Box::new(error)).into_response(),
        };
        let etag = format!("\"{}\"", hex(&Sha256::digest(&body)[..ETAG_BYTES]));
        let mut response = if self.known.matches(&etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(CONTENT_TYPE, "application/json")], body).into_response()
        };
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            response.headers_mut().insert(ETAG, etag);
        }
        response
    }
}

/// A page of a list. `next` continues it with `?after=`; null at the end.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `limit` rows. A full one may have a next, after the cursor of its last row.
    pub(crate) fn of<Row>(rows: Vec<Row>, limit: u32, cursor: impl Fn(&Row) -> u64, body: impl Fn(Row) -> T) -> Self {
        let is_full = usize::try_from(limit).is_ok_and(|limit| rows.len() >= limit);
        let next = rows.last().filter(|_| is_full).map(|row| cursor(row).to_string());
        Self {
            data: rows.into_iter().map(body).collect(),
            next,
        }
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// What was written, read back. Should the read model be more than 2 s behind, the write stands all the same, and the
/// body carries the id and the position only: read the thing itself with `?min_position=`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ReadBack<T> {
    Whole(T),
    Behind { id: Uuid, position: u64 },
}

impl<T> ReadBack<T> {
    /// Waits for `view` to show what was written, then reads it.
    pub(crate) async fn wait<F>(state: &ApiState, view: View, position: u64, id: Uuid, read: F) -> Self
    where
        F: Future<Output = Result<Option<T>, ApiError>> + Send,
        T: Send,
    {
        if state.has_reached(view, position).await
            && let Ok(Some(body)) = read.await
        {
            return Self::Whole(body);
        }
        Self::Behind { id, position }
    }
}

/// The answer to a write.
#[derive(Debug)]
pub(crate) struct Written<T> {
    status: StatusCode,
    position: u64,
    location: Option<String>,
    body: T,
}

impl<T> Written<T> {
    /// Something new, to be found at `location`.
    pub(crate) fn created(location: String, position: u64, body: T) -> Self {
        Self {
            status: StatusCode::CREATED,
            position,
            location: Some(location),
            body,
        }
    }

    /// Something has changed.
    pub(crate) fn changed(position: u64, body: T) -> Self {
        Self {
            status: StatusCode::OK,
            position,
            location: None,
            body,
        }
    }

    /// Something is decided and goes on by itself.
    pub(crate) fn accepted(position: u64, body: T) -> Self {
        Self {
            status: StatusCode::ACCEPTED,
            ..Self::changed(position, body)
        }
    }
}

impl<T: Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(LOG_POSITION, HeaderValue::from(self.position));
        if let Some(Ok(location)) = self.location.map(|location| HeaderValue::from_str(&location)) {
            headers.insert(LOCATION, location);
        }
        response
    }
}
