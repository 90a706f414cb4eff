//! `GET /v1/log/tile/{level}/{index}`

use axum::extract::{RawPathParams, State};
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use notary::tree::{Hash, TileId};

use crate::error::ProblemBody;
use crate::extract::{Caller, Query};
use crate::{ApiError, ApiState};

/// A tile says the same for ever: its hashes never change, and a wider one has another path.
const FOR_EVER: &str = "private, max-age=31536000, immutable";

/// A tile of the Merkle tree, as C2SP `tlog-tiles` names it: 256 hashes of 32 bytes, one behind another. `index` is written as there
/// (`067`, `x001/x234/067`); `.p/{width}` behind it asks for a tile's first `width` hashes, which is all there is of the last one.
/// Tiles hold what is notarised
#[utoipa::path(get, path = "/v1/log/tile/{level}/{index}", tag = "log",
    params(("level" = u32, Path, description = "0 has the leaves' hashes; 7 at most"), ("index" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, description = "Hashes", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: there are not so many hashes yet", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_log_tile(
    State(state): State<ApiState>,
    caller: Caller,
    parameters: RawPathParams,
    Query(()): Query<()>,
) -> Result<impl IntoResponse, ApiError> {
    caller.require_log_reader()?;
    let (_, hashes) = find(&state, "tile", &parameters).await?;
    Ok(for_ever(hashes.concat()))
}

/// Which tile a path names whose last parts are these, and as many of its first hashes as it asks for.
pub(super) async fn find(
    state: &ApiState,
    before: &str,
    parameters: &RawPathParams,
) -> Result<(TileId, Vec<Hash>), ApiError> {
    let parts = parameters.iter().map(|(_, value)| value);
    let path: Vec<&str> = [before].into_iter().chain(parts).collect();
    let (id, width) = TileId::parse(&path.join("/")).ok_or(ApiError::NotFound)?;
    let mut hashes = state.notary.tile(id).await?.ok_or(ApiError::NotFound)?.hashes;
    if hashes.len() < width {
        return Err(ApiError::NotFound);
    }
    hashes.truncate(width);
    Ok((id, hashes))
}

pub(super) fn for_ever(bytes: Vec<u8>) -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, FOR_EVER)];
    (headers, bytes)
}
