//! Payment intents: made, called off, looked at. The buyer's client confirms them with Stripe, behind our back.

use crate::{CancelIntent, CreateIntent, FoundPayment, Intent, IntentState};

use super::client::{Client, Fields, field, segment};
use super::error::StripeError;
use super::money::{fee_of, from_stripe, to_stripe};
use super::wire::{Charge, Expandable, List, PaymentIntent, payment_names};

const PATH: &str = "/v1/payment_intents";
/// What a search by our own ids may find: one, unless a key was forgotten between two calls.
const FOUND_MAX: usize = 10;

/// Makes an intent, or finds the one that an earlier call with the same ids made.
pub(super) async fn create(client: &Client, request: &CreateIntent) -> Result<Intent, StripeError> {
    let fields = creation(request)?;
    let key = format!("intent-{}-{}", request.ticket_id, request.payment_id);
    let answer = client
        .post::<PaymentIntent>("create_intent", PATH, &fields, Some(&key))
        .await;
    match answer {
        // The key gives the first answer again. The buyer may have paid since.
        Ok(answer) if answer.is_replay => Ok(find(client, &answer.body.id).await?.intent),
        // Nobody has confirmed it: whatever the answer says of earlier errors is not about this payment.
        Ok(answer) => Ok(intent(&answer.body, IntentState::Pending)),
        // Every repeat would get this answer, for a day. Was it made?
        Err(error @ StripeError::Server { is_saved: true, .. }) => match search(client, request).await? {
            Some(found) => Ok(found),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn creation(request: &CreateIntent) -> Result<Fields, StripeError> {
    let amount = to_stripe(request.amount)?;
    Ok(vec![
        field("amount", amount.minor),
        field("currency", amount.currency),
        field("automatic_payment_methods[enabled]", "true"),
        // So that the fee is known when the payment is.
        field("capture_method", "automatic"),
        field("metadata[payment_id]", request.payment_id.to_string()),
        field("metadata[ticket_id]", request.ticket_id.to_string()),
        // What refunds and disputes are found by on Stripe's pages.
        field("transfer_group", format!("ticket-{}", request.ticket_id)),
    ])
}

pub(super) async fn search(client: &Client, request: &CreateIntent) -> Result<Option<Intent>, StripeError> {
    let fields = vec![
        field("query", format!("metadata['payment_id']:'{}'", request.payment_id)),
        field("limit", FOUND_MAX.to_string()),
    ];
    let path = "/v1/payment_intents/search";
    let found: List<PaymentIntent> = client.get("search_intents", path, &fields).await?;
    let is_it = |found: &&PaymentIntent| {
        let names = payment_names(found.metadata.as_ref());
        names.is_some_and(|names| names.payment_id == request.payment_id)
    };
    match found.data.iter().find(is_it) {
        // Searches lag behind, and do not expand.
        Some(found) => Ok(Some(find(client, &found.id).await?.intent)),
        None => Ok(None),
    }
}

/// Calls an intent off, or tells how it ended.
pub(super) async fn cancel(client: &Client, request: &CancelIntent) -> Result<Intent, StripeError> {
    let id = if let Some(provider_ref) = &request.provider_ref {
        provider_ref.clone()
    } else {
        // Its answer was never recorded, so nobody has its secret. The same key finds it, or makes one to call off.
        let creation = CreateIntent {
            payment_id: request.payment_id,
            ticket_id: request.ticket_id,
            amount: request.amount,
        };
        create(client, &creation).await?.provider_ref
    };
    let path = format!("{PATH}/{}/cancel", segment(&id)?);
    let fields = vec![field("cancellation_reason", "abandoned")];
    // Without a key: a saved refusal would outlive its reason, and calling off twice is calling off.
    match client
        .post::<PaymentIntent>("cancel_intent", &path, &fields, None)
        .await
    {
        // It is over, or on its way: what became of it?
        Err(StripeError::Refused { code }) if code == "payment_intent_unexpected_state" => {
            Ok(find(client, &id).await?.intent)
        }
        Ok(answer) => Ok(intent(&answer.body, state_of(&answer.body)?)),
        Err(error) => Err(error),
    }
}

pub(super) async fn find(client: &Client, id: &str) -> Result<FoundPayment, StripeError> {
    let path = format!("{PATH}/{}", segment(id)?);
    let fields = vec![field("expand[]", "latest_charge.balance_transaction")];
    let found: PaymentIntent = client.get("find_intent", &path, &fields).await?;
    Ok(FoundPayment {
        names: payment_names(found.metadata.as_ref()),
        intent: intent(&found, state_of(&found)?),
    })
}

fn intent(found: &PaymentIntent, state: IntentState) -> Intent {
    Intent {
        provider_ref: found.id.clone(),
        client_secret: found.client_secret.clone().unwrap_or_default(),
        state,
    }
}

/// A status that we do not know is none that ends a payment: the money's own event tells of that.
fn state_of(found: &PaymentIntent) -> Result<IntentState, StripeError> {
    Ok(match (found.status.as_str(), &found.last_payment_error) {
        ("succeeded", _) => captured(found)?,
        ("canceled", _) => IntentState::Cancelled,
        ("requires_action", _) => IntentState::RequiresAction,
        ("requires_payment_method", Some(error)) => IntentState::Declined { reason: error.reason() },
        _ => IntentState::Pending,
    })
}

/// Pending, while Stripe has not booked it: without its fee a capture is not recorded.
fn captured(found: &PaymentIntent) -> Result<IntentState, StripeError> {
    let paid = from_stripe(found.amount_received.unwrap_or(found.amount), &found.currency)?;
    let charge = found.latest_charge.as_ref().and_then(Expandable::object);
    let booked = charge.and_then(|charge: &Charge| charge.balance_transaction.as_ref()?.object());
    let fee = booked.and_then(|booked| fee_of(paid, booked));
    Ok(fee.map_or(IntentState::Pending, |fee| IntentState::Captured { fee }))
}
