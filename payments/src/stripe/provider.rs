//! Stripe as the port has it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use domain::{RefundId, Timestamp};

use super::client::Client;
use super::config::{StripeConfig, StripeConfigError};
use super::{accounts, events, intents, notice, refunds, statement, transfers};
use crate::{
    CancelIntent, CreateIntent, CreateRefund, CreateTransfer, EventPage, FoundPayment, Intent, Movement, OpenAccount,
    PaymentProvider, PayoutAccount, ProviderError, ProviderEvent, StatementPage, WebhookError, signature,
};

/// How far the time of a signature may be from ours: Stripe's own default.
pub const WEBHOOK_TOLERANCE: Duration = Duration::from_mins(5);

/// Stripe. See the [module](super) for what it promises.
pub struct Stripe {
    client: Client,
    config: StripeConfig,
}

impl Stripe {
    pub fn new(config: StripeConfig) -> Result<Self, StripeConfigError> {
        Ok(Self {
            client: Client::new(&config)?,
            config,
        })
    }
}

#[async_trait]
impl PaymentProvider for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    async fn create_intent(&self, request: CreateIntent) -> Result<Intent, ProviderError> {
        Ok(intents::create(&self.client, &request).await?)
    }

    async fn cancel_intent(&self, request: CancelIntent) -> Result<Intent, ProviderError> {
        Ok(intents::cancel(&self.client, &request).await?)
    }

    async fn find_payment(&self, provider_ref: &str) -> Result<FoundPayment, ProviderError> {
        Ok(intents::find(&self.client, provider_ref).await?)
    }

    async fn refund(&self, request: CreateRefund) -> Result<Movement, ProviderError> {
        Ok(refunds::refund(&self.client, &request).await?)
    }

    async fn has_refund_failed(&self, payment_ref: &str, refund_id: RefundId) -> Result<bool, ProviderError> {
        Ok(refunds::has_failed(&self.client, payment_ref, refund_id).await?)
    }

    async fn create_transfer(&self, request: CreateTransfer) -> Result<Movement, ProviderError> {
        Ok(transfers::transfer(&self.client, &request).await?)
    }

    async fn open_account(&self, request: OpenAccount) -> Result<PayoutAccount, ProviderError> {
        Ok(accounts::open(&self.client, &request).await?)
    }

    async fn list_events(&self, after: Option<&str>, limit: u32) -> Result<EventPage, ProviderError> {
        Ok(events::list(&self.client, after, limit, (self.config.now)()).await?)
    }

    async fn list_statement(&self, after: Option<&str>, limit: u32) -> Result<StatementPage, ProviderError> {
        Ok(statement::list(&self.client, after, limit).await?)
    }

    /// Stripe promises no order, and dates events by the second.
    fn lists_in_order_after(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn verify_webhook(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
        let tolerance_seconds = WEBHOOK_TOLERANCE.as_secs();
        signature::verify(&self.config.webhook_secrets, signature, body, now, tolerance_seconds)
    }

    fn parse_webhook(&self, body: &[u8]) -> Result<ProviderEvent, WebhookError> {
        notice::decode(body)
    }

    fn signature_header(&self) -> &'static str {
        "Stripe-Signature"
    }
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
