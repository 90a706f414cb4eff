//! Transfers to the connected accounts of hosts. Stripe pays them out to the hosts' banks by itself.

use crate::{CreateTransfer, Movement, MovementState};

use super::client::{Client, field};
use super::error::StripeError;
use super::money::{from_stripe, to_stripe};
use super::wire::{List, Transfer, named};

const PATH: &str = "/v1/transfers";
/// A payout's group holds its one transfer.
const PAGE: &str = "10";

/// Pays a host, or finds the transfer that an earlier call made: by its group, since a key is forgotten after a day.
pub(super) async fn transfer(client: &Client, request: &CreateTransfer) -> Result<Movement, StripeError> {
    let amount = to_stripe(request.amount)?;
    let group = format!("payout-{}", request.payout_id);
    let of_group = vec![field("transfer_group", group.clone()), field("limit", PAGE)];
    let earlier: List<Transfer> = client.get("list_transfers", PATH, &of_group).await?;
    let is_it = |made: &&Transfer| named(made.metadata.as_ref(), "payout_id") == Some(request.payout_id);
    if let Some(made) = earlier.data.iter().find(is_it) {
        return if from_stripe(made.amount, &made.currency)? == request.amount {
            Ok(completed(made))
        } else {
            Err(StripeError::refused("idempotency_mismatch"))
        };
    }
    let fields = vec![
        field("amount", amount.minor),
        field("currency", amount.currency),
        field("destination", request.destination.clone()),
        field("transfer_group", group),
        field("metadata[payout_id]", request.payout_id.to_string()),
    ];
    let key = format!("transfer-{}", request.payout_id);
    let answer = client.post::<Transfer>("transfer", PATH, &fields, Some(&key)).await?;
    Ok(completed(&answer.body))
}

/// A transfer that exists has moved the money.
fn completed(transfer: &Transfer) -> Movement {
    Movement {
        provider_ref: transfer.id.clone(),
        state: MovementState::Completed,
    }
}
