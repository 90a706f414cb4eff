//! `GET /v1/log/tile/entries/{index}`

use axum::extract::{RawPathParams, State};
use axum::response::IntoResponse;
use notary::receipt::Entry;
use notary::tree::{Hash, TILE_WIDTH, leaf_hash};
use thiserror::Error;

use super::receipts::entry;
use super::tile::{find, for_ever};
use crate::error::ProblemBody;
use crate::extract::{Caller, Query};
use crate::{ApiError, ApiState};

/// Why there is no bundle of events that are in the tree.
#[derive(Debug, Error)]
enum BundleError {
    #[error("the event at position {position} is not what was notarised")]
    OtherEvent { position: u64 },
    #[error("the event at position {position} is missing")]
    Missing { position: u64 },
    #[error("the entry of the event at position {position} has {bytes} bytes: more than a bundle can say")]
    TooLong { position: u64, bytes: usize },
}

/// The entries of a tile of level 0, as C2SP `tlog-tiles` bundles them: each behind its length, a big-endian number of two bytes. An
/// entry is what the leaf is the hash of, so it has the hashes of payload and metadata. `index` is written as there, `.p/{width}` behind it
#[utoipa::path(get, path = "/v1/log/tile/entries/{index}", tag = "log", params(("index" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, description = "Entries", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: there are not so many entries yet", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_log_entries(
    State(state): State<ApiState>,
    caller: Caller,
    parameters: RawPathParams,
    Query(()): Query<()>,
) -> Result<impl IntoResponse, ApiError> {
    caller.require_log_reader()?;
    let (id, leaves) = find(&state, "tile/0", &parameters).await?;
    let after = id.index.saturating_mul(TILE_WIDTH as u64);
    let events = state.log.read_all(after, leaves.len()).await?;
    let bundle = bundle(events.into_iter().map(entry), &leaves, after);
    let bundle = bundle.map_err(|error| ApiError::Internal(Box::new(error)))?;
    Ok(for_ever(bundle))
}

/// Nothing leaves that the tree does not vouch for.
fn bundle(mut entries: impl Iterator<Item = Entry>, leaves: &[Hash], after: u64) -> Result<Vec<u8>, BundleError> {
    let mut bundle = vec![];
    for (leaf, position) in leaves.iter().zip(after.saturating_add(1)..) {
        let entry = entries.next().ok_or(BundleError::Missing { position })?.encoding();
        if leaf_hash(&entry) != *leaf {
            return Err(BundleError::OtherEvent { position });
        }
        let bytes = entry.len();
        let length = u16::try_from(bytes).map_err(|_| BundleError::TooLong { position, bytes })?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(entry);
    }
    Ok(bundle)
}
