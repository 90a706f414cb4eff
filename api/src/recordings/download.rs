//! `GET /v1/rooms/{room}/recordings/{recording}/parts/{part}`

use std::convert::Infallible;
use std::path::Path;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::{RecordingId, RoomId};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use http::{HeaderValue, StatusCode};
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::recording::{find, media_type, require_listener};
use crate::error::ProblemBody;
use crate::extract::{Caller, Place};
use crate::{ApiError, ApiState};

/// The sound of a part that has ended: the whole file, or the range that is asked for
#[utoipa::path(get, path = "/v1/rooms/{room}/recordings/{recording}/parts/{part}", tag = "recordings",
    params(("room" = Uuid, Path), ("recording" = Uuid, Path), ("part" = u32, Path, description = "From 1 on"),
        ("Range" = Option<String>, Header)),
    security(("bearer" = [])), responses(
    (status = 200, description = "The file; its size and SHA-256 are those of the recording's part.",
        content_type = "audio/wav"),
    (status = 206, description = "A part of the file, by `Range`; 416 if it is not that long.", content_type = "audio/wav"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn download_part(
    State(state): State<ApiState>,
    caller: Caller,
    Place(room, recording, number): Place<RoomId, RecordingId, u32>,
    request: Request,
) -> Result<Response, ApiError> {
    require_listener(&state, room, &caller).await?;
    let row = find(&state, room, recording).await?;
    let part = row.parts.iter().find(|part| part.number == number);
    let part = part.filter(|part| part.bytes.is_some()).ok_or(ApiError::NotFound)?;
    let path = state.keeping.storage.audio(&row.part(number), part.format);
    send_file(&path, media_type(part.format), request).await
}

/// What is not there any more was deleted meanwhile, or is on another machine.
pub(super) async fn send_file(path: &Path, media_type: &'static str, request: Request) -> Result<Response, ApiError> {
    let mime = media_type
        .parse()
        .map_err(|error| ApiError::Internal(Box::new(error)))?;
    let sent: Result<_, Infallible> = ServeFile::new_with_mime(path, &mime).oneshot(request).await;
    let Ok(mut response) = sent;
    if response.status() == StatusCode::NOT_FOUND {
        return Err(ApiError::NotFound);
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response.map(Body::new))
}
