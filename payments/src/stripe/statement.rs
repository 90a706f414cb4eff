//! The statement: Stripe's balance transactions, the newest first, kept for ever.

use std::fmt::Display;
use std::str::FromStr;

use domain::{Money, PaymentId, PayoutId, RefundId, Timestamp};

use super::client::{Client, Fields, field};
use super::error::StripeError;
use super::money::from_stripe;
use super::wire::{Expandable, List, Source, StatementEntry, named};
use crate::{StatementKind, StatementLine, StatementPage};

const PATH: &str = "/v1/balance_transactions";
/// Stripe's own limit.
const PAGE_MAX: u32 = 100;
/// How far the first list goes back from the newest line: pages of a hundred. Later lists go on from a cursor.
const PAGES_BACK_MAX: usize = 500;

/// Lines after a cursor, which is the id of the last line read, oldest first.
pub(super) async fn list(client: &Client, after: Option<&str>, limit: u32) -> Result<StatementPage, StripeError> {
    let limit = limit.clamp(1, PAGE_MAX);
    let newest_first = match after {
        // Of the lines that are newer than the cursor, the page next to it.
        Some(cursor) => page(client, limit, Some(field("ending_before", cursor))).await?.data,
        None => oldest(client, limit).await?,
    };
    let next = newest_first.first().map(|entry| entry.id.clone());
    let lines = newest_first.iter().rev().flat_map(lines_of).collect();
    Ok(StatementPage { lines, next })
}

async fn page(
    client: &Client,
    limit: u32,
    place: Option<(String, String)>,
) -> Result<List<StatementEntry>, StripeError> {
    let mut fields: Fields = vec![field("limit", limit.to_string()), field("expand[]", "data.source")];
    fields.extend(place);
    client.get("list_balance_transactions", PATH, &fields).await
}

/// The oldest page that there is, by way of all newer ones.
async fn oldest(client: &Client, limit: u32) -> Result<Vec<StatementEntry>, StripeError> {
    let (mut place, mut found) = (None, vec![]);
    for _ in 0..PAGES_BACK_MAX {
        let list = page(client, limit, place).await?;
        let Some(oldest) = list.data.last() else {
            return Ok(found);
        };
        place = Some(field("starting_after", oldest.id.clone()));
        found = list.data;
        if !list.has_more {
            return Ok(found);
        }
    }
    tracing::warn!("the account has a long statement; it is read from {PAGES_BACK_MAX} pages back on");
    Ok(found)
}

/// A dispute's fee is a line of its own: it is booked when the dispute is lost. Currencies that are none of ours are other
/// business.
fn lines_of(entry: &StatementEntry) -> Vec<StatementLine> {
    let (kind, subject) = meaning(entry);
    let created_at = Timestamp::from_timestamp(entry.created, 0).unwrap_or_default();
    let line = |id: String, kind, subject, minor| {
        let net = from_stripe(minor, &entry.currency).ok()?;
        Some(StatementLine {
            id,
            kind,
            subject,
            net,
            created_at,
        })
    };
    let is_dispute = matches!(kind, StatementKind::Dispute | StatementKind::DisputeWon);
    let (id, fee) = (entry.id.clone(), entry.fee.saturating_neg());
    let lines = if is_dispute {
        [
            line(id.clone(), kind, subject.clone(), entry.amount),
            line(format!("{id}/fee"), StatementKind::DisputeFee, subject, fee),
        ]
    } else {
        [line(id, kind, subject, entry.amount.saturating_add(fee)), None]
    };
    let moves = |line: &StatementLine| line.net != Money::zero(line.net.currency());
    lines.into_iter().flatten().filter(moves).collect()
}

/// What a line is, and our id of what it is about.
fn meaning(entry: &StatementEntry) -> (StatementKind, Option<String>) {
    let Some(source) = entry.source.as_ref().and_then(Expandable::object) else {
        return (StatementKind::Other, None);
    };
    match entry.kind.as_str() {
        "charge" | "payment" => ours(StatementKind::Charge, subject::<PaymentId>(source, "payment_id")),
        "refund" | "payment_refund" => ours(StatementKind::Refund, subject::<RefundId>(source, "refund_id")),
        "refund_failure" | "payment_failure_refund" => {
            ours(StatementKind::RefundFailed, subject::<RefundId>(source, "refund_id"))
        }
        "transfer" => ours(StatementKind::Transfer, subject::<PayoutId>(source, "payout_id")),
        "transfer_refund" | "transfer_cancel" | "transfer_failure" => (
            StatementKind::TransferReturned,
            subject::<PayoutId>(source, "payout_id"),
        ),
        "adjustment" if source.object == "dispute" => {
            let kind = if entry.amount < 0 {
                StatementKind::Dispute
            } else {
                StatementKind::DisputeWon
            };
            (kind, Some(source.id.clone()))
        }
        _ => (StatementKind::Other, None),
    }
}

/// What names nothing of ours is other business.
fn ours(kind: StatementKind, subject: Option<String>) -> (StatementKind, Option<String>) {
    if subject.is_some() {
        (kind, subject)
    } else {
        (StatementKind::Other, None)
    }
}

fn subject<T: FromStr + Display>(source: &Source, name: &str) -> Option<String> {
    let id: Option<T> = named(source.metadata.as_ref(), name);
    id.map(|id| id.to_string())
}
