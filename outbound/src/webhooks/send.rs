//! One delivery: signed, limited in time, to an address that may be called, and nowhere else.

use std::error::Error as StdError;
use std::time::Duration;

use domain::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};
use thiserror::Error;
use tracing::warn;

use super::address::GuardedResolver;
use super::{Message, Secret, TargetError, WebhookSettings};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A receiver that is done keeps its connection for the next message for so long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Messages of its chain of causes that are kept of a failure.
const CAUSES_MAX: usize = 4;

/// Why a receiver has not taken a message.
#[derive(Debug, Error)]
pub(super) enum SendError {
    #[error("the URL {0}")]
    Target(#[from] TargetError),
    /// The receiver says that nobody will ever take messages there again.
    #[error("the receiver answered 410: it is gone")]
    Gone,
    #[error("the receiver answered {status}")]
    Status {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
    #[error("{0}")]
    Unanswered(String),
}

/// Sends. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    allow_private: bool,
}

impl Sender {
    pub(super) fn new(settings: &WebhookSettings) -> Self {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("boxoffice/", env!("CARGO_PKG_VERSION")))
                .timeout(settings.timeout)
                .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout))
                .pool_idle_timeout(IDLE_TIMEOUT)
                .redirect(Policy::none())
                // A proxy would resolve names by itself, past the guard.
                .no_proxy()
                .dns_resolver(GuardedResolver {
                    allow_private: settings.allow_private,
                })
        };
        let client = builder().build().unwrap_or_else(|error| {
            warn!("this machine's CA certificates cannot be read: webhooks over https will fail. {error}");
            let without = builder().tls_certs_only([]).build();
            without.expect("a client with a crypto provider and without certificates to load can be built")
        });
        Self {
            client,
            allow_private: settings.allow_private,
        }
    }

    /// Delivers a message; any 2xx takes it. The body of the answer is not read.
    pub(super) async fn send(
        &self,
        url: &str,
        message: &Message,
        secrets: &[Secret],
        now: Timestamp,
    ) -> Result<(), SendError> {
        let url = super::address::parse(url, self.allow_private)?;
        let timestamp = now.timestamp();
        let signatures: Vec<String> = secrets
            .iter()
            .map(|secret| secret.sign(&message.id, timestamp, &message.body))
            .collect();
        let response = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signatures.join(" "))
            .body(message.body.clone())
            .send()
            .await
            .map_err(|error| unanswered(&error))?;
        judge(response.status(), response.headers())
    }
}

fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), SendError> {
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::GONE {
        return Err(SendError::Gone);
    }
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Err(SendError::Status {
        status,
        retry_after: retry_after
            .and_then(|text| text.trim().parse().ok())
            .map(Duration::from_secs),
    })
}

/// The causes say what went wrong; the URL may hold a token.
fn unanswered(error: &reqwest::Error) -> SendError {
    if error.is_timeout() {
        return SendError::Unanswered("the receiver did not answer in time".to_owned());
    }
    let mut causes = vec![];
    let mut next = error.source();
    while let Some(cause) = next.filter(|_| causes.len() < CAUSES_MAX) {
        if let Some(target) = cause.downcast_ref::<TargetError>() {
            return SendError::Target(*target);
        }
        causes.push(cause.to_string());
        next = cause.source();
    }
    SendError::Unanswered(format!("the receiver was not reached: {}", causes.join(": ")))
}

/// Whether a URL may be stored as a place for webhooks.
pub(super) fn check(url: &str, settings: &WebhookSettings) -> Result<Url, TargetError> {
    super::address::parse(url, settings.allow_private)
}
