//! The provider as the process sees it: each call is a point. The provider itself is another company, and outlives it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{RefundId, Timestamp};
use payments::{
    CancelIntent, CreateIntent, CreateRefund, CreateTransfer, EventPage, FoundPayment, Intent, Movement, OpenAccount,
    PaymentProvider, PayoutAccount, ProviderError, ProviderEvent, StatementPage, WebhookError,
};

use super::recorder::{Fate, Recorder};
use crate::tests::provider::ScriptedProvider;

#[derive(Debug)]
pub(super) struct WatchedProvider {
    pub(super) inner: Arc<ScriptedProvider>,
    pub(super) recorder: Recorder,
}

impl WatchedProvider {
    async fn ask<T>(&self, name: &str, has_effect: bool, call: impl Future<Output = T> + Send) -> T {
        let name = format!("provider: {name}");
        match self.recorder.ask(name, has_effect) {
            Fate::CarriedOut { .. } => call.await,
            Fate::CarriedOutUnseen => {
                call.await;
                self.recorder.die();
                std::future::pending().await
            }
            Fate::Lost => std::future::pending().await,
        }
    }
}

#[async_trait]
impl PaymentProvider for WatchedProvider {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn create_intent(&self, request: CreateIntent) -> Result<Intent, ProviderError> {
        self.ask("create_intent", true, self.inner.create_intent(request)).await
    }

    async fn cancel_intent(&self, request: CancelIntent) -> Result<Intent, ProviderError> {
        self.ask("cancel_intent", true, self.inner.cancel_intent(request)).await
    }

    async fn find_payment(&self, provider_ref: &str) -> Result<FoundPayment, ProviderError> {
        self.ask("find_payment", false, self.inner.find_payment(provider_ref))
            .await
    }

    async fn refund(&self, request: CreateRefund) -> Result<Movement, ProviderError> {
        self.ask("refund", true, self.inner.refund(request)).await
    }

    async fn has_refund_failed(&self, payment_ref: &str, refund_id: RefundId) -> Result<bool, ProviderError> {
        let call = self.inner.has_refund_failed(payment_ref, refund_id);
        self.ask("has_refund_failed", false, call).await
    }

    async fn create_transfer(&self, request: CreateTransfer) -> Result<Movement, ProviderError> {
        self.ask("create_transfer", true, self.inner.create_transfer(request))
            .await
    }

    async fn open_account(&self, request: OpenAccount) -> Result<PayoutAccount, ProviderError> {
        self.ask("open_account", true, self.inner.open_account(request)).await
    }

    async fn list_events(&self, after: Option<&str>, limit: u32) -> Result<EventPage, ProviderError> {
        self.ask("list_events", false, self.inner.list_events(after, limit))
            .await
    }

    async fn list_statement(&self, after: Option<&str>, limit: u32) -> Result<StatementPage, ProviderError> {
        self.ask("list_statement", false, self.inner.list_statement(after, limit))
            .await
    }

    fn lists_in_order_after(&self) -> Duration {
        Duration::ZERO
    }

    fn verify_webhook(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError> {
        self.inner.verify_webhook(signature, body, now)
    }

    fn parse_webhook(&self, body: &[u8]) -> Result<ProviderEvent, WebhookError> {
        self.inner.parse_webhook(body)
    }

    fn signature_header(&self) -> &'static str {
        self.inner.signature_header()
    }
}
