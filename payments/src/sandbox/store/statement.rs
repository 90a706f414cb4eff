//! The sandbox's statement, made of its events: each that moved money is a line.

use std::collections::HashMap;

use domain::{Money, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

use super::events;
use crate::sandbox::error::StoreError;
use crate::{Dispute, DisputeStage, ProviderEvent, ProviderEventKind, StatementKind, StatementLine, StatementPage};

/// The cursor is the number of the last event read.
pub(in crate::sandbox) async fn list(
    pool: &PgPool,
    after: Option<&str>,
    limit: u32,
) -> Result<StatementPage, StoreError> {
    let page = events::list(pool, after, limit).await?;
    let moved: Vec<Uuid> = page.events.iter().filter_map(movement_of).collect();
    let amounts = amounts(pool, &moved).await?;
    let lines = page.events.iter().filter_map(|event| line_of(event, &amounts));
    Ok(StatementPage {
        lines: lines.filter(|line| !line.net.is_zero()).collect(),
        next: page.next,
    })
}

/// The refund or transfer whose amount the event does not tell.
fn movement_of(event: &ProviderEvent) -> Option<Uuid> {
    match &event.kind {
        ProviderEventKind::RefundCompleted { refund_id, .. } => Some(refund_id.as_uuid()),
        ProviderEventKind::TransferPaid { payout_id } => Some(payout_id.as_uuid()),
        _ => None,
    }
}

async fn amounts(pool: &PgPool, movements: &[Uuid]) -> Result<HashMap<Uuid, Money>, StoreError> {
    if movements.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        "SELECT
            id,
            amount_minor,
            currency
        FROM sandbox.movements
        WHERE id = ANY($1)",
        movements
    )
    .fetch_all(pool)
    .await?;
    let amount = |(id, minor, code): (Uuid, i64, String)| {
        let currency = code.parse().map_err(|_| StoreError::InconsistentRow {
            table: "sandbox.movements",
            column: "currency",
            id: id.to_string(),
        })?;
        Ok((id, Money::new(minor, currency)))
    };
    rows.into_iter()
        .map(|row| amount((row.id, row.amount_minor, row.currency)))
        .collect()
}

fn line_of(event: &ProviderEvent, amounts: &HashMap<Uuid, Money>) -> Option<StatementLine> {
    let (kind, subject, net) = match &event.kind {
        ProviderEventKind::PaymentCaptured {
            payment_id,
            amount,
            fee,
            ..
        } => {
            let fee = fee.unwrap_or(Money::zero(amount.currency()));
            let net = amount.checked_sub(fee).ok()?;
            (StatementKind::Charge, payment_id.to_string(), net)
        }
        ProviderEventKind::RefundCompleted { refund_id, .. } => {
            let amount = amounts.get(&refund_id.as_uuid())?;
            (StatementKind::Refund, refund_id.to_string(), negative(*amount))
        }
        ProviderEventKind::TransferPaid { payout_id } => {
            let amount = amounts.get(&payout_id.as_uuid())?;
            (StatementKind::Transfer, payout_id.to_string(), negative(*amount))
        }
        ProviderEventKind::TransferReturned { payout_id, amount, .. } => {
            (StatementKind::TransferReturned, payout_id.to_string(), *amount)
        }
        ProviderEventKind::Dispute(dispute) => of_dispute(dispute)?,
        _ => return None,
    };
    Some(line(event, event.created_at, kind, subject, net))
}

/// A lost dispute costs its fee; the amount has left before.
fn of_dispute(dispute: &Dispute) -> Option<(StatementKind, String, Money)> {
    let name = dispute.dispute_ref.clone();
    match dispute.stage {
        DisputeStage::Opened => Some((StatementKind::Dispute, name, negative(dispute.amount))),
        DisputeStage::Won => Some((StatementKind::DisputeWon, name, dispute.amount)),
        DisputeStage::Lost => Some((StatementKind::DisputeFee, name, negative(dispute.fee?))),
        DisputeStage::Inquiry | DisputeStage::InquiryClosed => None,
    }
}

fn line(
    event: &ProviderEvent,
    created_at: Timestamp,
    kind: StatementKind,
    subject: String,
    net: Money,
) -> StatementLine {
    StatementLine {
        id: event.id.replacen("evt_", "txn_", 1),
        kind,
        subject: Some(subject),
        net,
        created_at,
    }
}

fn negative(amount: Money) -> Money {
    Money::new(amount.amount_minor().saturating_neg(), amount.currency())
}
