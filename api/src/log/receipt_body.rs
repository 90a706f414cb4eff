//! A receipt in the OpenAPI document: what is sent is [`notary::receipt::Receipt`].

use utoipa::ToSchema;

/// What proves one event of the log to whoever keeps it: checked offline by `boxoffice receipt verify`.
#[derive(Debug, ToSchema)]
#[schema(as = Receipt)]
#[expect(dead_code, reason = "the shape of what another crate writes")]
pub(crate) struct ReceiptBody {
    /// `boxoffice/receipt/1`
    format: String,
    subject: ReceiptSubjectBody,
    entry: ReceiptEntryBody,
    /// The inclusion proof of RFC 6962: hashes from the leaf's sibling up, in hex.
    proof: Vec<String>,
    /// The signed note (C2SP `tlog-checkpoint`).
    checkpoint: String,
}

/// What the receipt is for.
#[derive(Debug, ToSchema)]
#[schema(as = ReceiptSubject)]
#[expect(dead_code, reason = "the shape of what another crate writes")]
pub(crate) struct ReceiptSubjectBody {
    /// `ticket` or `refusal`
    kind: String,
    /// Of a `ticket`.
    ticket_id: Option<String>,
    /// Of a `refusal`, with a note signed by the log that says what the room was.
    room_id: Option<String>,
    statement: Option<String>,
    /// Of a `refusal` of a promo code that was used up: the code, as it was asked with.
    promo_code: Option<String>,
}

/// An event, and what its leaf in the tree is computed from.
#[derive(Debug, ToSchema)]
#[schema(as = ReceiptEntry)]
#[expect(dead_code, reason = "the shape of what another crate writes")]
pub(crate) struct ReceiptEntryBody {
    position: u64,
    aggregate_type: String,
    aggregate_id: String,
    sequence: u64,
    event_type: String,
    event_version: String,
    /// RFC 3339, to the microsecond.
    recorded_at: String,
    /// The stored text, byte for byte; absent where only others may read it.
    payload: Option<String>,
    payload_sha256: String,
    metadata: Option<String>,
    metadata_sha256: String,
}
