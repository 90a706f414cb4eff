//! The sandbox as a payment provider: each call with a time limit, each fact waking the webhook worker.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{PaymentId, Timestamp};
use gather::{Gather, GatherError};
use sqlx::PgPool;
use tokio::sync::{Notify, watch};

use super::config::SandboxConfig;
use super::confirm::{Confirm, ConfirmError, Confirmation, Confirmations};
use super::create::Creations;
use super::error::StoreError;
use super::store::{events, intents, refunds, transfers};
use super::{desk, signature, webhooks, worker};
use crate::{
    CreateIntent, CreateRefund, CreateTransfer, EventPage, Intent, Movement, PaymentProvider, ProviderError,
    ProviderEvent, WebhookError,
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
}

impl Sandbox {
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

    /// What the buyer's browser does with the intent's secret. The same confirmation again gets the same answer.
    pub async fn confirm(
        &self,
        provider_ref: &str,
        client_secret: &str,
        confirmation: Confirmation,
    ) -> Result<Intent, ConfirmError> {
        let call = Confirm {
            payment_id: intents::payment_of(provider_ref).ok_or(ConfirmError::Unknown)?,
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

    async fn cancel_intent(&self, payment_id: PaymentId) -> Result<Intent, ProviderError> {
        Ok(in_time(intents::cancel(&self.pool, payment_id)).await?)
    }

    async fn refund(&self, request: CreateRefund) -> Result<Movement, ProviderError> {
        let movement = in_time(refunds::refund(&self.pool, &request, self.now())).await?;
        self.wake.notify_one();
        Ok(movement)
    }

    async fn create_transfer(&self, request: CreateTransfer) -> Result<Movement, ProviderError> {
        let movement = in_time(transfers::transfer(&self.pool, &request, self.now())).await?;
        self.wake.notify_one();
        Ok(movement)
    }

    /// `next` is the number of the page's last event; an empty page has none, and the old cursor stays good.
    async fn list_events(&self, after: Option<&str>, limit: u32) -> Result<EventPage, ProviderError> {
        Ok(in_time(events::list(&self.pool, after, limit)).await?)
    }

    /// Writers of the list come one after another.
    fn lists_in_order_after(&self) -> Duration {
        Duration::ZERO
    }

    fn verify_webhook(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
        let tolerance_seconds = WEBHOOK_TOLERANCE.as_secs();
        signature::verify(&self.config.webhook_secret, signature, body, now, tolerance_seconds)
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
