//! What a provider tells that no command takes: kept for people, once per event.
//!
//! A dispute, a payout that came back, a refund that failed after all: none of them may be lost, and none is decided here.

use domain::{Money, PayoutId, RefundId, TicketId, Timestamp};
use payments::store::STORE;
use payments::{Dispute, ProviderEvent};
use serde_json::{Value, json};
use sqlx::PgPool;
use tracing::warn;
use uuid::Uuid;

use super::ApplyError;
use crate::Deps;

/// A notice on its way into the table.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    event_id: String,
    told_at: Timestamp,
    kind: NoticeKind,
    ticket_id: Option<TicketId>,
    payout_id: Option<PayoutId>,
}

#[derive(Clone, Debug)]
pub(super) enum NoticeKind {
    Dispute(Dispute),
    /// So much of a payout has come back in all.
    TransferReturned {
        amount: Money,
    },
    /// Its money is here again, and owed.
    RefundFailedLate {
        refund_id: RefundId,
        reason: String,
    },
    /// A capture was recorded with a fee of zero, because the provider would not tell it.
    FeeUnknown,
    /// An app store collected it, and must be asked to give it back.
    StoreRefundOwed {
        refund_id: RefundId,
        amount: Money,
    },
}

impl Notice {
    pub(super) fn of(event: &ProviderEvent, kind: NoticeKind) -> Self {
        Self {
            event_id: event.id.clone(),
            told_at: event.created_at,
            kind,
            ticket_id: None,
            payout_id: None,
        }
    }

    pub(super) fn about_ticket(self, ticket_id: TicketId) -> Self {
        Self {
            ticket_id: Some(ticket_id),
            ..self
        }
    }

    pub(super) fn about_payout(self, payout_id: PayoutId) -> Self {
        Self {
            payout_id: Some(payout_id),
            ..self
        }
    }
}

impl NoticeKind {
    fn name(&self) -> String {
        match self {
            Self::Dispute(dispute) => format!("dispute_{}", dispute.stage.name()),
            Self::TransferReturned { .. } => "transfer_returned".to_owned(),
            Self::RefundFailedLate { .. } => "refund_failed_late".to_owned(),
            Self::FeeUnknown => "fee_unknown".to_owned(),
            Self::StoreRefundOwed { .. } => "store_refund_owed".to_owned(),
        }
    }

    fn detail(&self) -> Value {
        match self {
            Self::Dispute(dispute) => json!(dispute),
            Self::TransferReturned { amount } => json!({ "amount": amount }),
            Self::RefundFailedLate { refund_id, reason } => json!({ "refund_id": refund_id, "reason": reason }),
            Self::FeeUnknown => json!({}),
            Self::StoreRefundOwed { refund_id, amount } => json!({ "refund_id": refund_id, "amount": amount }),
        }
    }
}

/// Keeps that a store must be asked for a refund, once for each.
pub(crate) async fn keep_store_refund_owed(
    deps: &Deps,
    ticket: TicketId,
    refund_id: RefundId,
    amount: Money,
) -> Result<(), ApplyError> {
    let notice = Notice {
        event_id: refund_id.to_string(),
        told_at: deps.clock.now(),
        kind: NoticeKind::StoreRefundOwed { refund_id, amount },
        ticket_id: Some(ticket),
        payout_id: None,
    };
    keep_of(deps, STORE, notice).await
}

/// Keeps a notice. The same event is kept once.
pub(super) async fn keep(deps: &Deps, notice: Notice) -> Result<(), ApplyError> {
    keep_of(deps, deps.provider.name(), notice).await
}

async fn keep_of(deps: &Deps, provider: &'static str, notice: Notice) -> Result<(), ApplyError> {
    let kind = notice.kind.name();
    let kept = sqlx::query!(
        "INSERT INTO provider_notices (provider, event_id, kind, ticket_id, payout_id, detail, told_at, noticed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (provider, event_id) DO NOTHING",
        provider,
        notice.event_id,
        kind,
        notice.ticket_id.map(|ticket| ticket.as_uuid()),
        notice.payout_id.map(|payout| payout.as_uuid()),
        notice.kind.detail(),
        notice.told_at,
        deps.clock.now(),
    )
    .execute(&deps.pool)
    .await
    .map_err(|error| ApplyError::Outage(format!("the database: {error}")))?;
    if kept.rows_affected() == 1 {
        metrics::counter!("provider_notices_total", "kind" => kind.clone()).increment(1);
        warn!(event.id = %notice.event_id, "{provider} tells of {kind}: see `boxoffice webhooks notices`");
    }
    Ok(())
}

/// What a provider told, for people.
#[derive(Clone, PartialEq, Debug)]
pub struct NoticeRow {
    pub provider: String,
    pub event_id: String,
    pub kind: String,
    pub ticket_id: Option<Uuid>,
    pub payout_id: Option<Uuid>,
    pub detail: Value,
    pub told_at: Timestamp,
}

/// The newest first.
pub async fn list_notices(pool: &PgPool, limit: u32) -> sqlx::Result<Vec<NoticeRow>> {
    sqlx::query_as!(
        NoticeRow,
        "SELECT provider, event_id, kind, ticket_id, payout_id, detail, told_at
         FROM provider_notices
         ORDER BY told_at DESC, event_id
         LIMIT $1",
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
}
