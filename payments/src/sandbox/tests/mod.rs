//! The sandbox on a real PostgreSQL. This file: a clock that is moved by hand, and short ways to say things.

mod concurrency;
mod delivery;
mod events;
mod intents;
mod receiver;
mod refunds;
mod script;
mod statement;
mod transfers;
mod webhooks;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::{Currency, Money, PaymentId, PayoutId, RefundId, TicketId, Timestamp};
use secrecy::SecretString;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Card, Confirmation, Delivery, Now, Sandbox, SandboxConfig};
use crate::{
    CancelIntent, CreateIntent, CreateRefund, CreateTransfer, Intent, PaymentProvider, ProviderError, ProviderEvent,
    ProviderEventKind,
};

const SECRET: &str = "whsec_test";
/// 2026-07-01T12:00:00Z.
const NOON_MS: i64 = 1_782_907_200_000;
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Time stands still until it is moved.
#[derive(Clone)]
struct HandClock(Arc<AtomicI64>);

impl HandClock {
    fn at_noon() -> Self {
        Self(Arc::new(AtomicI64::new(NOON_MS)))
    }

    fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn as_now(&self) -> Now {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

fn config(clock: &HandClock) -> SandboxConfig {
    SandboxConfig::new(SecretString::from(SECRET), clock.as_now())
}

fn sandbox(pool: &PgPool) -> Sandbox {
    Sandbox::new(pool.clone(), config(&HandClock::at_noon()))
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

fn intent_request(n: u128, minor: i64) -> CreateIntent {
    CreateIntent {
        payment_id: payment_id(n),
        ticket_id: ticket_id(n),
        amount: usd(minor),
    }
}

fn cancel_request(n: u128) -> CancelIntent {
    CancelIntent {
        payment_id: payment_id(n),
        ticket_id: ticket_id(n),
        amount: usd(1_000),
        provider_ref: None,
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

fn transfer_request(n: u128, destination: &str, minor: i64) -> CreateTransfer {
    CreateTransfer {
        payout_id: payout_id(n),
        destination: destination.to_owned(),
        amount: usd(minor),
    }
}

fn declined(reason: &str) -> Confirmation {
    Confirmation {
        card: Card::Declined {
            reason: reason.to_owned(),
        },
        ..Confirmation::ok()
    }
}

fn with_webhook(webhook: Delivery) -> Confirmation {
    Confirmation {
        webhook,
        ..Confirmation::ok()
    }
}

async fn pending(sandbox: &Sandbox, n: u128, minor: i64) -> Intent {
    sandbox.create_intent(intent_request(n, minor)).await.unwrap()
}

async fn confirmed(sandbox: &Sandbox, n: u128, minor: i64, confirmation: Confirmation) -> Intent {
    let intent = pending(sandbox, n, minor).await;
    let confirmed = sandbox.confirm(&intent.provider_ref, &intent.client_secret, confirmation);
    confirmed.await.unwrap()
}

async fn captured(sandbox: &Sandbox, n: u128, minor: i64) -> Intent {
    confirmed(sandbox, n, minor, Confirmation::ok()).await
}

async fn all_events(sandbox: &Sandbox) -> Vec<ProviderEvent> {
    sandbox.list_events(None, u32::MAX).await.unwrap().events
}

async fn all_kinds(sandbox: &Sandbox) -> Vec<ProviderEventKind> {
    let events = all_events(sandbox).await;
    events.into_iter().map(|event| event.kind).collect()
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, ProviderError>, expected: &str) {
    match outcome {
        Err(ProviderError::Refused { code }) => assert_eq!(code, expected),
        other => panic!("expected the refusal {expected}, got {other:?}"),
    }
}

/// Looks until it is so, or the limit is over.
async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let looks = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(WAIT_MAX, looks).await;
    assert!(in_time.is_ok(), "not within {WAIT_MAX:?}: {what}");
}
