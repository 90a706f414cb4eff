//! Transfers that come back on demand: the host's bank did not take the money after all.

use domain::{Money, PayoutId, Timestamp};
use thiserror::Error;

use super::Sandbox;
use super::error::StoreError;
use super::provider::in_time;
use super::store::deliveries::Schedule;
use super::store::{events, transfers};
use crate::{MovementState, ProviderEvent, ProviderEventKind};

#[derive(Debug, Error)]
pub enum ReturnTransferError {
    #[error("unknown transfer")]
    Unknown,
    #[error("the transfer was not paid")]
    NotPaid,
    /// The outcome is unknown: repeat.
    #[error("the sandbox is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for ReturnTransferError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl Sandbox {
    /// All of a transfer that was paid comes back. Once more changes nothing.
    pub async fn return_transfer(&self, payout_id: PayoutId, reason: &str) -> Result<(), ReturnTransferError> {
        in_time(self.take_back(payout_id, reason)).await?;
        self.wake.notify_one();
        Ok(())
    }

    async fn take_back(&self, payout_id: PayoutId, reason: &str) -> Result<(), ReturnTransferError> {
        let mut tx = pooling::begin(&self.pool).await.map_err(StoreError::from)?;
        let found = transfers::lock(&mut tx, payout_id).await?;
        let (amount, state) = found.ok_or(ReturnTransferError::Unknown)?;
        if state != MovementState::Completed {
            return Err(ReturnTransferError::NotPaid);
        }
        let now = self.now();
        let returned = returned(payout_id, amount, reason, now);
        if !events::exists(&mut tx, &returned.id).await? {
            events::record(&mut tx, &[(returned, Schedule::once(now))]).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}

fn returned(payout_id: PayoutId, amount: Money, reason: &str, now: Timestamp) -> ProviderEvent {
    ProviderEvent {
        id: format!("evt_transfer_returned_{}", payout_id.as_uuid().simple()),
        created_at: now,
        kind: ProviderEventKind::TransferReturned {
            payout_id,
            amount,
            reason: reason.to_owned(),
        },
    }
}
