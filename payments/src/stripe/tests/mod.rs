//! Stripe, against a fake with a memory and against Stripe's own mock. This file: short ways to say things.

mod decoding;
mod events;
mod intents;
mod mock;
mod money;
mod movements;
mod outages;
mod statement;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use domain::{Currency, Money, PaymentId, PayoutId, RefundId, TicketId, Timestamp, UserId};
use secrecy::SecretString;
use stripe_fake::{Card, FakeStripe, SECRET_KEY};
use uuid::Uuid;

use super::{Stripe, StripeConfig};
use crate::{
    CancelIntent, CreateIntent, CreateRefund, CreateTransfer, Intent, OpenAccount, PaymentProvider, ProviderError,
    ProviderEvent, ProviderEventKind,
};

/// 2026-07-01T12:00:00Z.
const NOON: i64 = 1_782_907_200;
/// Shorter than anybody's patience, longer than an answer takes.
const ATTEMPT: Duration = Duration::from_millis(300);

fn noon() -> Timestamp {
    Timestamp::from_timestamp(NOON, 0).unwrap()
}

fn config(api_base: &str) -> StripeConfig {
    StripeConfig {
        api_base: api_base.to_owned(),
        attempt_timeout: ATTEMPT,
        call_limit: Duration::from_secs(5),
        back_off_first: Duration::from_millis(5),
        ..StripeConfig::new(SecretString::from(SECRET_KEY), Arc::new(noon))
    }
}

async fn fake() -> (FakeStripe, Stripe) {
    let fake = FakeStripe::start(NOON).await.unwrap();
    let stripe = Stripe::new(config(fake.url())).unwrap();
    (fake, stripe)
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn payment_id(n: u128) -> PaymentId {
    PaymentId::from_uuid(Uuid::from_u128(n))
}

fn ticket_id(n: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(n + 1_000))
}

fn refund_id(n: u128) -> RefundId {
    RefundId::from_uuid(Uuid::from_u128(n + 2_000))
}

fn payout_id(n: u128) -> PayoutId {
    PayoutId::from_uuid(Uuid::from_u128(n + 3_000))
}

fn intent_request(n: u128) -> CreateIntent {
    CreateIntent {
        payment_id: payment_id(n),
        ticket_id: ticket_id(n),
        amount: usd(1_000),
    }
}

fn cancel_request(n: u128, provider_ref: Option<&str>) -> CancelIntent {
    CancelIntent {
        payment_id: payment_id(n),
        ticket_id: ticket_id(n),
        amount: usd(1_000),
        provider_ref: provider_ref.map(str::to_owned),
    }
}

fn refund_request(n: u128, payment: u128, intent: &Intent, minor: i64) -> CreateRefund {
    CreateRefund {
        refund_id: refund_id(n),
        payment_id: payment_id(payment),
        ticket_id: ticket_id(payment),
        payment_ref: intent.provider_ref.clone(),
        amount: usd(minor),
    }
}

fn transfer_request(n: u128, minor: i64) -> CreateTransfer {
    CreateTransfer {
        payout_id: payout_id(n),
        destination: "acct_host".to_owned(),
        amount: usd(minor),
    }
}

fn account_request(existing: Option<&str>) -> OpenAccount {
    OpenAccount {
        host: UserId::from_uuid(Uuid::from_u128(7)),
        existing: existing.map(str::to_owned),
        return_url: "https://tickets.example.org/host".to_owned(),
    }
}

fn confirm(fake: &FakeStripe, intent: &Intent, card: Card) {
    assert!(fake.confirm(&intent.provider_ref, &intent.client_secret, card));
}

/// A payment of 10.00 USD that was captured, for a fee of 0.59.
async fn captured(fake: &FakeStripe, stripe: &Stripe, n: u128) -> Intent {
    let intent = stripe.create_intent(intent_request(n)).await.unwrap();
    confirm(fake, &intent, Card::Pays);
    intent
}

async fn all_events(stripe: &Stripe) -> Vec<ProviderEvent> {
    stripe.list_events(None, 100).await.unwrap().events
}

async fn all_kinds(stripe: &Stripe) -> Vec<ProviderEventKind> {
    all_events(stripe).await.into_iter().map(|event| event.kind).collect()
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, ProviderError>, expected: &str) {
    match outcome {
        Err(ProviderError::Refused { code }) => assert_eq!(code, expected),
        other => panic!("expected the refusal {expected}, got {other:?}"),
    }
}

#[track_caller]
fn assert_unavailable<T: std::fmt::Debug>(outcome: &Result<T, ProviderError>) {
    assert!(matches!(outcome, Err(ProviderError::Unavailable(_))), "{outcome:?}");
}
