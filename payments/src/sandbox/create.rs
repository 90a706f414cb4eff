//! Creating intents, many at once.

use std::collections::HashMap;
use std::sync::Arc;

use domain::PaymentId;
use gather::WriteBatch;
use sqlx::PgPool;

use super::config::SandboxConfig;
use super::desk::{self, Answers, Desk};
use super::error::{Refusal, StoreError};
use super::store::intents::{self, StoredIntent};
use crate::{CreateIntent, Intent};

pub(super) struct Creations {
    pub(super) pool: PgPool,
    pub(super) config: Arc<SandboxConfig>,
}

impl WriteBatch for Creations {
    type Call = CreateIntent;
    type Answer = Result<Intent, StoreError>;

    const NAME: &'static str = "sandbox_create";

    async fn write(&self, calls: Vec<CreateIntent>) -> Vec<Self::Answer> {
        desk::write(self, calls).await
    }
}

impl Desk for Creations {
    type Call = CreateIntent;
    type Answer = Intent;
    type Error = StoreError;

    /// Creates the intents, or finds those that earlier calls with the same ids created.
    async fn try_write(&self, calls: &[CreateIntent]) -> Result<Answers<Self>, StoreError> {
        let positive: Vec<CreateIntent> = calls.iter().filter(|call| call.amount.is_positive()).cloned().collect();
        let created = intents::create(&self.pool, &positive, (self.config.now)()).await?;
        let mut stored: HashMap<PaymentId, StoredIntent> = by_payment(created);
        let earlier: Vec<_> = positive
            .iter()
            .map(|call| call.payment_id)
            .filter(|payment_id| !stored.contains_key(payment_id))
            .map(|payment_id| payment_id.as_uuid())
            .collect();
        if !earlier.is_empty() {
            stored.extend(by_payment(intents::find(&self.pool, &earlier).await?));
        }
        Ok(calls.iter().map(|call| answer(call, &stored)).collect())
    }
}

fn answer(call: &CreateIntent, stored: &HashMap<PaymentId, StoredIntent>) -> Result<Intent, StoreError> {
    if !call.amount.is_positive() {
        return Err(Refusal::InvalidAmount.into());
    }
    let stored = stored.get(&call.payment_id).ok_or(Refusal::UnknownPayment)?;
    if stored.ticket_id != call.ticket_id || stored.amount != call.amount {
        return Err(Refusal::IdempotencyMismatch.into());
    }
    Ok(stored.intent.clone())
}

pub(super) fn by_payment(stored: Vec<StoredIntent>) -> HashMap<PaymentId, StoredIntent> {
    stored.into_iter().map(|stored| (stored.payment_id, stored)).collect()
}
