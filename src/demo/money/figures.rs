//! What the second act measured.

use serde::Serialize;

#[derive(Debug, Default, Serialize)]
pub(in crate::demo) struct Figures {
    pub(super) seats: u64,
    pub(super) tickets_issued: u64,
    /// Seats that went to the next in line.
    pub(super) offers_taken: u64,
    pub(super) reschedules_declined: u64,
    pub(super) partial_refunds: u64,
    pub(super) captured_minor: i64,
    pub(super) refunded_minor: i64,
    pub(super) sales_below_line: u64,
    pub(super) sales_split_at_line: u64,
    pub(super) sales_above_line: u64,
    pub(super) gross_minor: i64,
    pub(super) provider_fees_minor: i64,
    pub(super) platform_fees_minor: i64,
    pub(super) host_share_minor: i64,
    pub(super) co_host_share_minor: i64,
    pub(super) disputes_lost: u64,
    pub(super) dispute_loss_minor: i64,
    pub(super) payouts_failed: u64,
    pub(super) payouts_paid: u64,
    pub(super) payout_minor: i64,
    pub(super) statement_month: String,
    pub(super) statement_lines: u64,
    pub(super) reconciled_pairs: u64,
    pub(super) unreconciled_lines: u64,
    pub(super) sealed_day: String,
    pub(super) sealed_events: u64,
    pub(super) ledger_imbalance_minor: i64,
    pub(super) events: u64,
    pub(super) chain: String,
}
