//! From Stripe's events to ours.
//!
//! An event has the shape of the API version of whoever made it, so only what no version has changed is read. What is not
//! about something we made is passed over: an account may have other business.

use domain::{RefundId, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::StripeError;
use super::money::{fee_of, from_stripe};
use super::refunds;
use super::wire::{self, Event, PaymentIntent, Refund, Transfer, named, payment_names};
use crate::{Dispute, DisputeStage, MovementState, PaymentNames, ProviderEvent, ProviderEventKind, WebhookError};

/// A stored webhook's body.
pub(super) fn decode(body: &[u8]) -> Result<ProviderEvent, WebhookError> {
    let event: Event = serde_json::from_slice(body).map_err(|error| WebhookError::Unreadable(error.to_string()))?;
    let event = read(event);
    match event.kind {
        ProviderEventKind::Unreadable { reason, .. } => Err(WebhookError::Unreadable(reason)),
        _ => Ok(event),
    }
}

pub(super) fn read(event: Event) -> ProviderEvent {
    // A host rules over a connected account, and could have it tell anything. So `payout.failed` of one is passed over too: what
    // was transferred is the host's, and stays in the account until Stripe gets it to their bank. It comes back to us by
    // `transfer.reversed` alone, which is our own account's.
    let kind = if event.account.is_some() {
        Ok(None)
    } else {
        kind_of(&event.name, event.data.object)
    };
    let name = event.name;
    let kind = match kind {
        Ok(Some(kind)) => kind,
        Ok(None) => ProviderEventKind::Other { name },
        Err(error) => ProviderEventKind::Unreadable {
            reason: format!("{name}: {}", chain(&error)),
            name,
        },
    };
    ProviderEvent {
        id: event.id,
        created_at: Timestamp::from_timestamp(event.created, 0).unwrap_or_default(),
        kind,
    }
}

type Kind = Result<Option<ProviderEventKind>, StripeError>;

fn kind_of(name: &str, object: Value) -> Kind {
    match name {
        "payment_intent.succeeded" => about_payment(object, succeeded),
        "payment_intent.payment_failed" => about_payment(object, |names, intent| {
            let error = intent.last_payment_error.as_ref();
            Ok(ProviderEventKind::PaymentDeclined {
                payment_id: names.payment_id,
                ticket_id: names.ticket_id,
                reason: error.map_or_else(|| "declined".to_owned(), wire::PaymentError::reason),
            })
        }),
        "payment_intent.requires_action" => about_payment(object, |names, _| {
            Ok(ProviderEventKind::PaymentRequiresAction {
                payment_id: names.payment_id,
                ticket_id: names.ticket_id,
            })
        }),
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => about_refund(object),
        "transfer.created" | "transfer.reversed" => about_transfer(object),
        "charge.dispute.created" | "charge.dispute.funds_withdrawn" | "charge.dispute.closed" => about_dispute(object),
        _ => Ok(None),
    }
}

fn succeeded(names: PaymentNames, intent: &PaymentIntent) -> Result<ProviderEventKind, StripeError> {
    let paid = intent.amount_received.unwrap_or(intent.amount);
    Ok(ProviderEventKind::PaymentCaptured {
        payment_id: names.payment_id,
        ticket_id: names.ticket_id,
        provider_ref: intent.id.clone(),
        amount: from_stripe(paid, &intent.currency)?,
        fee: None,
    })
}

fn about_payment(
    object: Value,
    kind: impl Fn(PaymentNames, &PaymentIntent) -> Result<ProviderEventKind, StripeError>,
) -> Kind {
    let intent: PaymentIntent = parse(object)?;
    let names = payment_names(intent.metadata.as_ref());
    names.map(|names| kind(names, &intent)).transpose()
}

fn about_refund(object: Value) -> Kind {
    let refund: Refund = parse(object)?;
    let refund_id: Option<RefundId> = named(refund.metadata.as_ref(), "refund_id");
    let (Some(refund_id), Some(names)) = (refund_id, payment_names(refund.metadata.as_ref())) else {
        return Ok(None);
    };
    let PaymentNames { payment_id, ticket_id } = names;
    Ok(match refunds::state_of(&refund) {
        MovementState::Pending => None,
        MovementState::Completed => Some(ProviderEventKind::RefundCompleted {
            refund_id,
            payment_id,
            ticket_id,
        }),
        MovementState::Failed { reason } => Some(ProviderEventKind::RefundFailed {
            refund_id,
            payment_id,
            ticket_id,
            reason,
        }),
    })
}

fn about_transfer(object: Value) -> Kind {
    let transfer: Transfer = parse(object)?;
    let Some(payout_id) = named(transfer.metadata.as_ref(), "payout_id") else {
        return Ok(None);
    };
    Ok(Some(if transfer.amount_reversed > 0 {
        ProviderEventKind::TransferReturned {
            payout_id,
            amount: from_stripe(transfer.amount_reversed, &transfer.currency)?,
            // Whoever reversed it knows why; the event does not tell.
            reason: "transfer_reversed".to_owned(),
        }
    } else {
        ProviderEventKind::TransferPaid { payout_id }
    }))
}

fn about_dispute(object: Value) -> Kind {
    let dispute: wire::Dispute = parse(object)?;
    // All our payments are intents.
    let Some(payment) = dispute.payment_intent else {
        return Ok(None);
    };
    let amount = from_stripe(dispute.amount, &dispute.currency)?;
    let taken = dispute.balance_transactions.iter().find(|taken| taken.amount < 0);
    let due_by = dispute.evidence_details.and_then(|details| details.due_by);
    Ok(Some(ProviderEventKind::Dispute(Dispute {
        dispute_ref: dispute.id,
        payment_ref: payment.id(),
        stage: match dispute.status.as_str() {
            "won" => DisputeStage::Won,
            "lost" => DisputeStage::Lost,
            "warning_closed" => DisputeStage::InquiryClosed,
            warning if warning.starts_with("warning_") => DisputeStage::Inquiry,
            _ => DisputeStage::Opened,
        },
        amount,
        fee: taken.and_then(|taken| {
            let taken = wire::BalanceTransaction {
                amount: taken.amount.saturating_neg(),
                ..taken.clone()
            };
            fee_of(amount, &taken)
        }),
        reason: dispute.reason.unwrap_or_default(),
        respond_by: due_by.and_then(|seconds| Timestamp::from_timestamp(seconds, 0)),
    })))
}

fn parse<T: DeserializeOwned>(object: Value) -> Result<T, StripeError> {
    serde_json::from_value(object).map_err(StripeError::Unreadable)
}

fn chain(error: &StripeError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
