//! A body within a limit.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::ApiError;

/// A client that takes longer to send its request is no client to wait for.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// The whole body, if it has at most `limit_bytes`.
pub(crate) async fn read_body(body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    read_body_within(BODY_TIME_MAX, body, limit_bytes).await
}

pub(super) async fn read_body_within(time: Duration, body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    let malformed = |detail: &str| ApiError::MalformedJson {
        detail: detail.to_owned(),
    };
    match tokio::time::timeout(time, Limited::new(body, limit_bytes).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::BodyTooLarge { limit_bytes }),
        // The client went away or broke off; whoever is left reads that the body was no JSON.
        Ok(Err(_)) => Err(malformed("The body ended early.")),
        Err(_) => Err(malformed("The body did not come in time.")),
    }
}
