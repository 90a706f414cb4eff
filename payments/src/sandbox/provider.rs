//! The sandbox as a payment provider: each call with a time limit, each fact waking the webhook worker.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{RefundId, Timestamp};
use gather::{Gather, GatherError};
use sqlx::PgPool;
use thiserror::Error;
use tokio::sync::{Notify, watch};

use super::config::SandboxConfig;
use super::confirm::{Card, Confirm, ConfirmError, Confirmation, Confirmations};
use super::create::Creations;
use super::error::StoreError;
use super::store::{events, intents, refunds, statement, transfers};
use super::{desk, webhooks, worker};
use crate::store::SandboxStore;
use crate::{
    CancelIntent, CreateIntent, CreateRefund, CreateTransfer, EventPage, FoundPayment, Intent, Movement, OpenAccount,
    PaymentNames, PaymentProvider, PayoutAccount, ProviderError, ProviderEvent, StatementPage, WebhookError, signature,
};

/// How far the time of a signature may be from ours.
pub const WEBHOOK_TOLERANCE: Duration = Duration::from_mins(5);

pub(super) const SIGNATURE_HEADER: &str = "Sandbox-Signature";

/// No call takes longer. What it did is then unknown: repeat it.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The built-in provider. See the [module](super) for what it promises.
pub struct Sandbox {
    pub(super) pool: PgPool,
    pub(super) config: Arc<SandboxConfig>,
    creations: Gather<Creations>,
    confirmations: Gather<Confirmations>,
    pub(super) webhook_url: watch::Sender<Option<String>>,
    pub(super) http: reqwest::Client,
    pub(super) wake: Notify,
    /// What an operator said of the next confirmations.
    script: Mutex<VecDeque<Card>>,
}

/// No more confirmations are scripted ahead.
pub const SCRIPT_MAX: usize = 100;

/// As many confirmations as may be are scripted already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{SCRIPT_MAX} confirmations are scripted already")]
pub struct ScriptFull;

impl Sandbox {
    /// The store beside it.
    pub fn store(&self) -> SandboxStore {
        SandboxStore::new(&self.config.webhook_secret)
    }

    pub fn new(pool: PgPool, config: SandboxConfig) -> Self {
        let config = Arc::new(config);
        let creations = Creations {
            pool: pool.clone(),
            config: Arc::clone(&config),
        };
        let confirmations = Confirmations {
            pool: pool.clone(),
            config: Arc::clone(&config),
        };
        Self {
            pool,
            webhook_url: watch::Sender::new(config.webhook_url.clone()),
            http: worker::client(),
            wake: Notify::new(),
            script: Mutex::default(),
            creations: Gather::new(creations, desk::LIMITS),
            confirmations: Gather::new(confirmations, desk::LIMITS),
            config,
        }
    }

    /// Sends webhooks there from now on, those that wait already included.
    pub fn set_webhook_url(&self, url: impl Into<String>) {
        self.webhook_url.send_replace(Some(url.into()));
        self.wake.notify_one();
    }

    /// The next confirmation that is not scripted yet goes like this, whatever the buyer's card would do. Kept in memory: a
    /// demonstration's stage direction, and no fact.
    pub fn script_next(&self, card: Card) -> Result<(), ScriptFull> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        if script.len() >= SCRIPT_MAX {
            return Err(ScriptFull);
        }
        script.push_back(card);
        Ok(())
    }

    fn scripted(&self) -> Option<Card> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What the buyer's browser does with the intent's secret. The same confirmation again gets the same answer.
    pub async fn confirm(
        &self,
        provider_ref: &str,
        client_secret: &str,
        confirmation: Confirmation,
    ) -> Result<Intent, ConfirmError> {
        let payment_id = intents::payment_of(provider_ref).ok_or(ConfirmError::Unknown)?;
        let confirmation = match self.scripted() {
            Some(card) => Confirmation { card, ..confirmation },
            None => confirmation,
        };
        let call = Confirm {
            payment_id,
            client_secret: client_secret.to_owned(),
            confirmation,
        };
        let intent = in_time(answered(self.confirmations.call(call))).await?;
        self.wake.notify_one();
        Ok(intent)
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.config.now)()
    }
}

pub(super) async fn in_time<T, E: From<StoreError>>(call: impl Future<Output = Result<T, E>> + Send) -> Result<T, E> {
    tokio::time::timeout(CALL_TIMEOUT, call).await.unwrap_or_else(|_| {
        let seconds = CALL_TIMEOUT.as_secs();
        Err(StoreError::TimedOut { seconds }.into())
    })
}

/// The answer of a call that was written with others.
async fn answered<T, E: From<StoreError>>(
    call: impl Future<Output = Result<Result<T, E>, GatherError>> + Send,
) -> Result<T, E> {
    call.await.unwrap_or_else(|error| Err(StoreError::from(error).into()))
}

#[async_trait]
impl PaymentProvider for Sandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    async fn create_intent(&self, request: CreateIntent) -> Result<Intent, ProviderError> {
        Ok(in_time(answered(self.creations.call(request))).await?)
    }

    async fn cancel_intent(&self, request: CancelIntent) -> Result<Intent, ProviderError> {
        Ok(in_time(intents::cancel(&self.pool, request.payment_id)).await?)
    }

    async fn find_payment(&self, provider_ref: &str) -> Result<FoundPayment, ProviderError> {
        let stored = in_time(intents::find_by_ref(&self.pool, provider_ref)).await?;
        let names = PaymentNames {
            payment_id: stored.payment_id,
            ticket_id: stored.ticket_id,
        };
        Ok(FoundPayment {
            names: Some(names),
            intent: stored.intent,
        })
    }

    async fn refund(&self, request: CreateRefund) -> Result<Movement, ProviderError> {
        let movement = in_time(refunds::refund(&self.pool, &request, self.now())).await?;
        self.wake.notify_one();
        Ok(movement)
    }

    /// A refund has one try here, and its event is the last word.
    async fn has_refund_failed(&self, _payment_ref: &str, _refund_id: RefundId) -> Result<bool, ProviderError> {
        Ok(true)
    }

    async fn create_transfer(&self, request: CreateTransfer) -> Result<Movement, ProviderError> {
        let movement = in_time(transfers::transfer(&self.pool, &request, self.now())).await?;
        self.wake.notify_one();
        Ok(movement)
    }

    /// The sandbox wants to know nothing.
    async fn open_account(&self, request: OpenAccount) -> Result<PayoutAccount, ProviderError> {
        let new = || format!("acct_{}", request.host.as_uuid().simple());
        Ok(PayoutAccount {
            destination: request.existing.unwrap_or_else(new),
            onboarding_url: None,
            is_ready: true,
        })
    }

    /// `next` is the number of the page's last event; an empty page has none, and the old cursor stays good.
    async fn list_events(&self, after: Option<&str>, limit: u32) -> Result<EventPage, ProviderError> {
        Ok(in_time(events::list(&self.pool, after, limit)).await?)
    }

    /// The cursor is that of the event list.
    async fn list_statement(&self, after: Option<&str>, limit: u32) -> Result<StatementPage, ProviderError> {
        Ok(in_time(statement::list(&self.pool, after, limit)).await?)
    }

    /// Writers of the list come one after another.
    fn lists_in_order_after(&self) -> Duration {
        Duration::ZERO
    }

    fn verify_webhook(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
        let tolerance_seconds = WEBHOOK_TOLERANCE.as_secs();
        let secrets = std::slice::from_ref(&self.config.webhook_secret);
        signature::verify(secrets, signature, body, now, tolerance_seconds)
    }

    fn parse_webhook(&self, body: &[u8]) -> Result<ProviderEvent, WebhookError> {
        webhooks::decode(body)
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE_HEADER
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
