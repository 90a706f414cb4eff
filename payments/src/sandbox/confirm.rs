//! What the buyer's browser does at the provider, behind our back: it confirms an intent with the intent's secret.

use std::error::Error as StdError;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::{PaymentId, Timestamp};
use gather::WriteBatch;
use sqlx::PgPool;
use thiserror::Error;
use uuid::Uuid;

use super::config::SandboxConfig;
use super::create::by_payment;
use super::desk::{self, Answers, Desk};
use super::disputes;
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
    Declined {
        reason: String,
    },
    /// Nothing comes of it: the payment stays pending, until it is confirmed otherwise or called off.
    Hangs,
    /// It pays, and the buyer goes to the bank at once.
    Disputed,
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

/// What a browser sends.
#[derive(Clone, Debug)]
pub(super) struct Confirm {
    pub(super) payment_id: PaymentId,
    pub(super) client_secret: String,
    pub(super) confirmation: Confirmation,
}

pub(super) struct Confirmations {
    pub(super) pool: PgPool,
    pub(super) config: Arc<SandboxConfig>,
}

impl WriteBatch for Confirmations {
    type Call = Confirm;
    type Answer = Result<Intent, ConfirmError>;

    const NAME: &'static str = "sandbox_confirm";

    async fn write(&self, calls: Vec<Confirm>) -> Vec<Self::Answer> {
        desk::write(self, calls).await
    }
}

impl Desk for Confirmations {
    type Call = Confirm;
    type Answer = Intent;
    type Error = ConfirmError;

    async fn try_write(&self, calls: &[Confirm]) -> Result<Answers<Self>, StoreError> {
        let payments: Vec<Uuid> = calls.iter().map(|call| call.payment_id.as_uuid()).collect();
        let mut tx = pooling::begin(&self.pool).await?;
        let mut stored = by_payment(intents::lock(&mut tx, &payments).await?);
        let now = (self.config.now)();
        let (mut settled, mut announcements) = (vec![], vec![]);
        let mut answers = Vec::with_capacity(calls.len());
        for call in calls {
            let found = stored
                .get_mut(&call.payment_id)
                .filter(|stored| stored.opens_with(&call.client_secret));
            answers.push(match found {
                None => Err(ConfirmError::Unknown),
                Some(found) => match verdict(found, &call.confirmation.card, &self.config) {
                    Verdict::New(state) => {
                        found.intent.state = state;
                        settled.push(found.clone());
                        let schedule = schedule(&call.confirmation, now);
                        announcements.extend(event_of(found, now).map(|event| (event, schedule)));
                        if call.confirmation.card == Card::Disputed {
                            announcements.push((disputes::opened(found, now), schedule));
                        }
                        Ok(found.intent.clone())
                    }
                    Verdict::Repeat => Ok(found.intent.clone()),
                    Verdict::Settled => Err(ConfirmError::Settled {
                        state: found.intent.state.clone(),
                    }),
                },
            });
        }
        if !settled.is_empty() {
            intents::settle(&mut tx, &settled).await?;
            events::record(&mut tx, &announcements).await?;
        }
        tx.commit().await?;
        Ok(answers)
    }
}

enum Verdict {
    New(IntentState),
    /// The same confirmation came before, or nothing comes of it.
    Repeat,
    /// It ended otherwise.
    Settled,
}

fn verdict(stored: &StoredIntent, card: &Card, config: &SandboxConfig) -> Verdict {
    match (&stored.intent.state, card) {
        (IntentState::Pending, Card::Ok | Card::Disputed) => Verdict::New(IntentState::Captured {
            fee: config.fee_on(stored.amount),
        }),
        (IntentState::Pending, Card::Declined { reason }) => {
            Verdict::New(IntentState::Declined { reason: reason.clone() })
        }
        (IntentState::Pending, Card::Hangs) | (IntentState::Captured { .. }, Card::Ok | Card::Disputed) => {
            Verdict::Repeat
        }
        (IntentState::Declined { reason: recorded }, Card::Declined { reason }) if recorded == reason => {
            Verdict::Repeat
        }
        (_, Card::Ok | Card::Declined { .. } | Card::Hangs | Card::Disputed) => Verdict::Settled,
    }
}

fn schedule(confirmation: &Confirmation, now: Timestamp) -> Schedule {
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

/// What the provider tells of a settled intent.
fn event_of(stored: &StoredIntent, now: Timestamp) -> Option<ProviderEvent> {
    let payment_id = stored.payment_id;
    let key = payment_id.as_uuid().simple();
    let (id, kind) = match &stored.intent.state {
        IntentState::Captured { fee } => (
            format!("evt_payment_captured_{key}"),
            ProviderEventKind::PaymentCaptured {
                payment_id,
                ticket_id: stored.ticket_id,
                provider_ref: stored.intent.provider_ref.clone(),
                amount: stored.amount,
                fee: Some(*fee),
            },
        ),
        IntentState::Declined { reason } => (
            format!("evt_payment_declined_{key}"),
            ProviderEventKind::PaymentDeclined {
                payment_id,
                ticket_id: stored.ticket_id,
                reason: reason.clone(),
            },
        ),
        IntentState::Pending | IntentState::RequiresAction | IntentState::Cancelled => return None,
    };
    Some(ProviderEvent {
        id,
        created_at: now,
        kind,
    })
}
