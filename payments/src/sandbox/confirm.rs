//! What the buyer's browser does at the provider, behind our back: it confirms an intent with the intent's secret.

use std::error::Error as StdError;

use chrono::TimeDelta;
use sqlx::PgPool;
use thiserror::Error;

use super::config::SandboxConfig;
use super::error::StoreError;
use super::store::deliveries::Schedule;
use super::store::intents::StoredIntent;
use super::store::{events, intents};
use crate::{Intent, IntentState, ProviderEvent, ProviderEventKind};

/// A webhook is delayed by a day at most.
const DELAY_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// How the buyer's card behaves, and what becomes of the webhook about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confirmation {
    pub card: Card,
    pub webhook: Delivery,
    /// How much later the webhook is sent. The payment itself is settled at once. At most a day.
    pub delay_ms: u64,
}

impl Confirmation {
    /// The card pays, the webhook comes once and at once.
    pub const fn ok() -> Self {
        Self {
            card: Card::Ok,
            webhook: Delivery::Once,
            delay_ms: 0,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Card {
    Ok,
    Declined { reason: String },
}

/// How often the webhook is sent, apart from retries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    Once,
    Twice,
    Never,
}

#[derive(Debug, Error)]
pub enum ConfirmError {
    /// No such intent, or not with this secret: which of the two is not told.
    #[error("unknown intent")]
    Unknown,
    /// The intent has already ended otherwise, and stays so. The next attempt is a new intent.
    #[error("the intent is settled")]
    Settled { state: IntentState },
    /// The outcome is unknown: repeat.
    #[error("the sandbox is unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}

impl From<StoreError> for ConfirmError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<sqlx::Error> for ConfirmError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

pub(super) async fn confirm(
    pool: &PgPool,
    config: &SandboxConfig,
    provider_ref: &str,
    client_secret: &str,
    confirmation: &Confirmation,
) -> Result<Intent, ConfirmError> {
    let mut tx = pool.begin().await?;
    let stored = intents::lock_by_ref(&mut tx, provider_ref)
        .await?
        .filter(|stored| stored.opens_with(client_secret))
        .ok_or(ConfirmError::Unknown)?;
    let state = match (&stored.intent.state, &confirmation.card) {
        (IntentState::Pending, Card::Ok) => IntentState::Captured {
            fee: config.fee_on(stored.amount),
        },
        (IntentState::Pending, Card::Declined { reason }) => IntentState::Declined { reason: reason.clone() },
        (IntentState::Captured { .. }, Card::Ok) => return Ok(stored.intent),
        (IntentState::Declined { reason: recorded }, Card::Declined { reason }) if recorded == reason => {
            return Ok(stored.intent);
        }
        (state, _) => return Err(ConfirmError::Settled { state: state.clone() }),
    };
    let now = (config.now)();
    intents::settle(&mut tx, stored.payment_id, &state).await?;
    if let Some((id, kind)) = event_of(&stored, &state) {
        let event = ProviderEvent {
            id,
            created_at: now,
            kind,
        };
        events::record(&mut tx, &event, schedule(confirmation, now)).await?;
    }
    tx.commit().await?;
    Ok(Intent { state, ..stored.intent })
}

fn schedule(confirmation: &Confirmation, now: domain::Timestamp) -> Schedule {
    let delay_ms = i64::try_from(confirmation.delay_ms.min(DELAY_MAX_MS)).unwrap_or_default();
    Schedule {
        times: match confirmation.webhook {
            Delivery::Never => 0,
            Delivery::Once => 1,
            Delivery::Twice => 2,
        },
        due_at: now + TimeDelta::milliseconds(delay_ms),
    }
}

fn event_of(stored: &StoredIntent, state: &IntentState) -> Option<(String, ProviderEventKind)> {
    let payment_id = stored.payment_id;
    let key = payment_id.as_uuid().simple();
    match state {
        IntentState::Captured { fee } => Some((
            format!("evt_payment_captured_{key}"),
            ProviderEventKind::PaymentCaptured {
                payment_id,
                ticket_id: stored.ticket_id,
                provider_ref: stored.intent.provider_ref.clone(),
                amount: stored.amount,
                fee: *fee,
            },
        )),
        IntentState::Declined { reason } => Some((
            format!("evt_payment_declined_{key}"),
            ProviderEventKind::PaymentDeclined {
                payment_id,
                ticket_id: stored.ticket_id,
                reason: reason.clone(),
            },
        )),
        IntentState::Pending | IntentState::Cancelled => None,
    }
}
