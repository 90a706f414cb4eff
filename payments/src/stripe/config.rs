//! What the Stripe client is told at its start.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::sandbox::Now;

/// The version of Stripe's API that requests are written for and answers come in. Events come in the version of the
/// account or of the webhook endpoint, whatever we say.
pub const API_VERSION: &str = "2026-08-26.dahlia";

pub const API_BASE: &str = "https://api.stripe.com";

#[derive(Clone)]
pub struct StripeConfig {
    /// `sk_…`, or a restricted key `rk_…` that may write payment intents, refunds, transfers and accounts, and read events
    /// and balance transactions.
    pub secret_key: SecretString,
    /// `whsec_…`, one for each endpoint, and two while one is replaced. Without any, no webhook is believed.
    pub webhook_secrets: Vec<SecretString>,
    /// Where the API is; [`API_BASE`] unless a test says otherwise.
    pub api_base: String,
    /// One attempt takes no longer: what it did is then unknown.
    pub attempt_timeout: Duration,
    /// All attempts of a call together.
    pub call_limit: Duration,
    /// The wait after a first failed attempt; it doubles from there.
    pub back_off_first: Duration,
    pub now: Now,
}

#[derive(Debug, Error)]
pub enum StripeConfigError {
    #[error("the secret key must begin with sk_ or rk_")]
    SecretKey,
    #[error("a webhook secret must begin with whsec_")]
    WebhookSecret,
    #[error("the API's address must be https://…, or http:// on this machine")]
    ApiBase,
    #[error("make the HTTP client")]
    Client(#[source] reqwest::Error),
}

impl StripeConfig {
    pub fn new(secret_key: SecretString, now: Now) -> Self {
        Self {
            secret_key,
            webhook_secrets: vec![],
            api_base: API_BASE.to_owned(),
            attempt_timeout: Duration::from_secs(7),
            call_limit: Duration::from_secs(15),
            back_off_first: Duration::from_millis(250),
            now,
        }
    }

    pub fn validate(&self) -> Result<(), StripeConfigError> {
        let key = self.secret_key.expose_secret();
        if !key.starts_with("sk_") && !key.starts_with("rk_") {
            return Err(StripeConfigError::SecretKey);
        }
        let is_webhook_secret = |secret: &SecretString| secret.expose_secret().starts_with("whsec_");
        if !self.webhook_secrets.iter().all(is_webhook_secret) {
            return Err(StripeConfigError::WebhookSecret);
        }
        self.base_url().map(drop)
    }

    /// A secret key goes in clear to this machine at most.
    pub(super) fn base_url(&self) -> Result<Url, StripeConfigError> {
        let url = Url::parse(&self.api_base).map_err(|_| StripeConfigError::ApiBase)?;
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let is_private = url.scheme() == "https" || (url.scheme() == "http" && is_here);
        if is_private && matches!(url.path(), "" | "/") {
            Ok(url)
        } else {
            Err(StripeConfigError::ApiBase)
        }
    }
}

impl fmt::Debug for StripeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeConfig")
            .field("webhook_secrets", &self.webhook_secrets.len())
            .field("api_base", &self.api_base)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("call_limit", &self.call_limit)
            .finish_non_exhaustive()
    }
}
