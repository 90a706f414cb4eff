//! Refunds. Looked up before they are made: a key is forgotten after a day, and money must not go back twice.

use domain::RefundId;

use crate::{CreateRefund, Movement, MovementState};

use super::client::{Client, field};
use super::error::StripeError;
use super::money::{from_stripe, to_stripe};
use super::wire::{List, Refund, named};

const PATH: &str = "/v1/refunds";
const PAGE: &str = "100";
/// A payment with more refunds than this is nothing we made.
const PAGES_MAX: usize = 10;

/// Gives money back, or finds the refund that an earlier call made. One that failed is tried anew, each try under a key of
/// its own.
pub(super) async fn refund(client: &Client, request: &CreateRefund) -> Result<Movement, StripeError> {
    let amount = to_stripe(request.amount)?;
    let tries = find_tries(client, &request.payment_ref, request.refund_id).await?;
    if let Some(standing) = tries.iter().find(|refund| !is_over(refund)) {
        return if from_stripe(standing.amount, &standing.currency)? == request.amount {
            Ok(movement(standing))
        } else {
            Err(StripeError::refused("idempotency_mismatch"))
        };
    }
    let key = format!("refund-{}-{}", request.refund_id, tries.len());
    let fields = vec![
        field("payment_intent", request.payment_ref.clone()),
        field("amount", amount.minor),
        field("metadata[refund_id]", request.refund_id.to_string()),
        field("metadata[payment_id]", request.payment_id.to_string()),
        field("metadata[ticket_id]", request.ticket_id.to_string()),
    ];
    let answer = client.post::<Refund>("refund", PATH, &fields, Some(&key)).await?;
    Ok(movement(&answer.body))
}

/// Whether there were tries, and none stands.
pub(super) async fn has_failed(client: &Client, payment_ref: &str, refund_id: RefundId) -> Result<bool, StripeError> {
    let tries = find_tries(client, payment_ref, refund_id).await?;
    Ok(!tries.is_empty() && tries.iter().all(is_over))
}

async fn find_tries(client: &Client, payment_ref: &str, refund_id: RefundId) -> Result<Vec<Refund>, StripeError> {
    let (mut tries, mut after) = (vec![], None);
    for _ in 0..PAGES_MAX {
        let mut fields = vec![field("payment_intent", payment_ref), field("limit", PAGE)];
        fields.extend(after.map(|after: String| field("starting_after", after)));
        let page: List<Refund> = client.get("list_refunds", PATH, &fields).await?;
        after = page.data.last().map(|refund| refund.id.clone());
        let is_ours = |refund: &Refund| named(refund.metadata.as_ref(), "refund_id") == Some(refund_id);
        tries.extend(page.data.into_iter().filter(is_ours));
        if !page.has_more {
            return Ok(tries);
        }
    }
    Err(StripeError::refused("too_many_refunds"))
}

/// It failed, or was called off.
fn is_over(refund: &Refund) -> bool {
    matches!(refund.status.as_deref(), Some("failed" | "canceled"))
}

fn movement(refund: &Refund) -> Movement {
    Movement {
        provider_ref: refund.id.clone(),
        state: state_of(refund),
    }
}

/// A status that we do not know is one on its way: its event tells.
pub(super) fn state_of(refund: &Refund) -> MovementState {
    match refund.status.as_deref() {
        Some("succeeded") => MovementState::Completed,
        Some(status @ ("failed" | "canceled")) => {
            let reason = refund.failure_reason.clone().unwrap_or_else(|| status.to_owned());
            MovementState::Failed { reason }
        }
        _ => MovementState::Pending,
    }
}
