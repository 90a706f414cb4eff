//! Receipts: what makes one out of an event.

use event_log::RecordedEvent;
use notary::receipt::{Entry, FORMAT, Receipt, Subject};
use sha2::{Digest, Sha256};

use super::proof::covering;
use crate::{ApiError, ApiState};

/// What a stored event is in a receipt.
pub(crate) fn entry(event: RecordedEvent) -> Entry {
    Entry {
        position: event.position,
        aggregate_type: event.aggregate_type,
        aggregate_id: event.aggregate_id,
        sequence: event.sequence,
        event_type: event.event_type,
        event_version: event.event_version,
        recorded_at: event.recorded_at,
        payload_sha256: Sha256::digest(&event.payload).into(),
        payload: Some(event.payload),
        metadata_sha256: Sha256::digest(&event.metadata).into(),
        metadata: Some(event.metadata),
    }
}

/// Proves an event against the newest checkpoint, which may be about to be signed, and makes sure of it.
pub(crate) async fn receipt(state: &ApiState, subject: Subject, entry: Entry) -> Result<Receipt, ApiError> {
    let checkpoint = covering(state, entry.position).await?;
    let inclusion = state.notary.inclusion(entry.position, checkpoint).await?;
    let leaf = entry.leaf().map_err(|error| ApiError::Internal(Box::new(error)))?;
    if leaf != inclusion.leaf {
        let damaged = format!("the event at position {} is not what was notarised", entry.position);
        return Err(ApiError::Internal(damaged.into()));
    }
    Ok(Receipt {
        format: FORMAT.to_owned(),
        subject,
        entry,
        proof: inclusion.proof,
        checkpoint: inclusion.checkpoint.note,
    })
}
