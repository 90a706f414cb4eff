//! Disputes on demand: opened with a payment or later, closed by an operator.

use chrono::TimeDelta;
use domain::{Money, Timestamp};
use thiserror::Error;

use super::Sandbox;
use super::error::{Refusal, StoreError};
use super::provider::in_time;
use super::store::deliveries::Schedule;
use super::store::events;
use super::store::intents::{self, StoredIntent};
use crate::{Dispute, DisputeStage, IntentState, ProviderEvent, ProviderEventKind};

/// What a dispute costs, in the minor unit of the payment's currency.
const FEE_MINOR: i64 = 1_500;
const RESPOND_WITHIN: TimeDelta = TimeDelta::days(7);

#[derive(Debug, Error)]
pub enum OpenDisputeError {
    #[error("unknown payment")]
    Unknown,
    #[error("the payment is not captured")]
    NotCaptured,
    /// The outcome is unknown: repeat.
    #[error("the sandbox is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for OpenDisputeError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

#[derive(Debug, Error)]
pub enum CloseDisputeError {
    #[error("unknown dispute")]
    Unknown,
    /// It ended the other way.
    #[error("the dispute is closed")]
    Closed,
    /// The outcome is unknown: repeat.
    #[error("the sandbox is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for CloseDisputeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(Refusal::UnknownPayment) => Self::Unknown,
            error => Self::Unavailable(Box::new(error)),
        }
    }
}

impl Sandbox {
    /// A buyer goes to the bank long after the payment. Once more changes nothing.
    pub async fn open_dispute(&self, payment_ref: &str) -> Result<(), OpenDisputeError> {
        in_time(self.open(payment_ref)).await?;
        self.wake.notify_one();
        Ok(())
    }

    async fn open(&self, payment_ref: &str) -> Result<(), OpenDisputeError> {
        let payment_id = intents::payment_of(payment_ref).ok_or(OpenDisputeError::Unknown)?;
        let mut tx = pooling::begin(&self.pool).await.map_err(StoreError::from)?;
        let found: Result<[StoredIntent; 1], _> = intents::lock(&mut tx, &[payment_id.as_uuid()]).await?.try_into();
        let [stored] = found.map_err(|_| OpenDisputeError::Unknown)?;
        if !matches!(stored.intent.state, IntentState::Captured { .. }) {
            return Err(OpenDisputeError::NotCaptured);
        }
        let now = self.now();
        let opened = opened(&stored, now);
        if !events::exists(&mut tx, &opened.id).await? {
            events::record(&mut tx, &[(opened, Schedule::once(now))]).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// The bank decides. The same decision again changes nothing.
    pub async fn close_dispute(&self, dispute_ref: &str, is_won: bool) -> Result<(), CloseDisputeError> {
        in_time(self.close(dispute_ref, is_won)).await?;
        self.wake.notify_one();
        Ok(())
    }

    async fn close(&self, dispute_ref: &str, is_won: bool) -> Result<(), CloseDisputeError> {
        let payment_ref = dispute_ref.strip_prefix("dp_").map(|key| format!("pi_{key}"));
        let payment_ref = payment_ref.ok_or(CloseDisputeError::Unknown)?;
        let payment_id = intents::payment_of(&payment_ref).ok_or(CloseDisputeError::Unknown)?;
        let mut tx = pooling::begin(&self.pool).await.map_err(StoreError::from)?;
        // Whoever else decides on this payment waits.
        let found: Result<[StoredIntent; 1], _> = intents::lock(&mut tx, &[payment_id.as_uuid()]).await?.try_into();
        let [stored] = found.map_err(|_| CloseDisputeError::Unknown)?;
        let now = self.now();
        if !events::exists(&mut tx, &opened(&stored, now).id).await? {
            return Err(CloseDisputeError::Unknown);
        }
        let (this, other) = if is_won {
            (DisputeStage::Won, DisputeStage::Lost)
        } else {
            (DisputeStage::Lost, DisputeStage::Won)
        };
        if events::exists(&mut tx, &event(&stored, other, now).id).await? {
            return Err(CloseDisputeError::Closed);
        }
        let closed = event(&stored, this, now);
        if !events::exists(&mut tx, &closed.id).await? {
            events::record(&mut tx, &[(closed, Schedule::once(now))]).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}

/// What the provider tells when a buyer goes to the bank.
pub(super) fn opened(stored: &StoredIntent, now: Timestamp) -> ProviderEvent {
    event(stored, DisputeStage::Opened, now)
}

fn event(stored: &StoredIntent, stage: DisputeStage, now: Timestamp) -> ProviderEvent {
    let key = stored.payment_id.as_uuid().simple();
    let dispute = Dispute {
        dispute_ref: format!("dp_{key}"),
        payment_ref: stored.intent.provider_ref.clone(),
        stage,
        amount: stored.amount,
        fee: Some(Money::new(FEE_MINOR, stored.amount.currency())),
        reason: "fraudulent".to_owned(),
        respond_by: (stage == DisputeStage::Opened).then(|| now + RESPOND_WITHIN),
    };
    ProviderEvent {
        id: format!("evt_dispute_{}_{key}", stage.name()),
        created_at: now,
        kind: ProviderEventKind::Dispute(dispute),
    }
}
