//! A body within a limit.

use std::time::Duration;

use axum::BoxError;
use axum::body::HttpBody as _;
use axum::body::{Body, Bytes};
use bytes::BytesMut;
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
    match tokio::time::timeout(time, collect(Limited::new(body, limit_bytes))).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::BodyTooLarge { limit_bytes }),
        // The client went away or broke off; whoever is left reads that the body was no JSON.
        Ok(Err(_)) => Err(malformed("The body ended early.")),
        Err(_) => Err(malformed("The body did not come in time.")),
    }
}

/// Ends with the last byte that was announced, without a look for what comes behind it. A body of one piece is not copied.
async fn collect(mut body: Limited<Body>) -> Result<Bytes, BoxError> {
    let (mut first, mut whole) = (Bytes::new(), BytesMut::new());
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await.transpose()? else {
            break;
        };
        let Ok(piece) = frame.into_data() else { continue };
        if first.is_empty() && whole.is_empty() {
            first = piece;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&piece);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}
