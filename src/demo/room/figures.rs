//! What the first act measured.

use serde::Serialize;

#[derive(Debug, Default, Serialize)]
pub(in crate::demo) struct Figures {
    pub seats: u64,
    /// Of the rush, as `sold_out_refusals`: the two make up the eight buyers.
    pub holds_granted: u64,
    pub sold_out_refusals: u64,
    pub declined_payments: u64,
    pub lapsed_holds: u64,
    pub tickets_issued: u64,
    pub refunds: u64,
    pub captured_minor: i64,
    pub refunded_minor: i64,
    pub provider_fees_minor: i64,
    pub platform_fees_minor: i64,
    pub payout_minor: i64,
    pub payout_status: String,
    pub host_heard_ms: u64,
    pub listeners_heard: u64,
    pub speaker_heard_by: u64,
    pub removed_out_ms: u64,
    pub ledger_imbalance_minor: i64,
    pub events: u64,
    pub chain: String,
}
