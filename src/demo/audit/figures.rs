//! What the fourth act measured.

use serde::Serialize;

#[derive(Debug, Default, Serialize)]
pub(in crate::demo) struct Figures {
    pub(super) tickets_issued: u64,
    pub(super) captured_minor: i64,
    pub(super) refunded_minor: i64,
    pub(super) exported_events: i64,
    /// Where a byte was changed, and where it was found.
    pub(super) tampered_position: i64,
    pub(super) found_position: i64,
    pub(super) receipts_verified: u64,
    pub(super) receipts_refused: u64,
    pub(super) explained_minor: i64,
    pub(super) state_before_refund: String,
    pub(super) state_at_refund: String,
    pub(super) platform_fee_minor: i64,
    /// By the other preset.
    pub(super) what_if_fee_minor: i64,
    pub(super) parquet_events: i64,
    pub(super) parquet_files: u64,
    pub(super) ledger_imbalance_minor: i64,
    pub(super) events: u64,
    pub(super) chain: String,
}
