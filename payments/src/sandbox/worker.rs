//! The delivery worker: sends due webhooks, at least once each, and gives up after a limit.

use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;
use futures::future::join_all;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::Sandbox;
use super::error::StoreError;
use super::provider::{SIGNATURE_HEADER, in_time};
use super::store::deliveries::{self, Claimed};
use crate::signature;

const POST_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than a POST and its bookkeeping take, so that a delivery under way is not started again.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(15);
/// As many are sent side by side.
const BATCH_MAX: i64 = 128;
/// A retry or a delayed webhook is at most this late; a fresh one wakes the worker.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The pause after the database failed: a line in the log each second is enough.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Then the webhook is given up, after a good minute. Whoever polls the event list still finds the event.
pub(super) const ATTEMPTS_MAX: i32 = 10;
const BACK_OFF_FIRST: TimeDelta = TimeDelta::milliseconds(200);
const BACK_OFF_MAX: TimeDelta = TimeDelta::seconds(30);

#[derive(Debug, Error)]
enum PostError {
    #[error("post the webhook")]
    Http(#[from] reqwest::Error),
    #[error("the receiver answered {status}")]
    Status { status: u16 },
}

/// A client for plain HTTP to where it is told, and nowhere else: no proxy, no redirects.
pub(super) fn client() -> reqwest::Client {
    // reqwest looks for a provider even when no TLS will ever be spoken. An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(POST_TIMEOUT)
        .redirect(Policy::none())
        .no_proxy()
        // Without this a machine that has no CA certificates could not build the client.
        .tls_certs_only([])
        .build()
        .expect("a client with a crypto provider and without certificates to load can be built")
}

enum Outcome {
    Delivered,
    /// When to try again; `None` gives it up.
    Failed {
        due_at: Option<Timestamp>,
    },
}

impl Sandbox {
    /// Delivers webhooks until cancelled; what is under way is finished, within the time limit of a POST.
    /// A panic cancels the token it was given: nobody should go on without webhooks and not know.
    pub async fn run(&self, cancel: CancellationToken) {
        let _fatal = cancel.clone().drop_guard();
        while !cancel.is_cancelled() {
            let pause = match self.deliver_due().await {
                Ok(0) => POLL_INTERVAL,
                Ok(_) => continue,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "could not work on the sandbox's webhooks");
                    FAILURE_PAUSE
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Returns how many were tried.
    async fn deliver_due(&self) -> Result<usize, StoreError> {
        let Some(url) = self.webhook_url.borrow().clone() else {
            return Ok(0);
        };
        let claimed = in_time(deliveries::claim(&self.pool, self.now(), LEASE, BATCH_MAX)).await?;
        let outcomes = join_all(claimed.iter().map(|delivery| self.deliver(&url, delivery))).await;
        let (mut delivered, mut failed) = (vec![], vec![]);
        for (delivery, outcome) in claimed.iter().zip(outcomes) {
            match outcome {
                Outcome::Delivered => delivered.push(delivery.id),
                Outcome::Failed { due_at } => failed.push((delivery.id, due_at)),
            }
        }
        metrics::counter!("sandbox_webhooks_delivered_total").increment(delivered.len() as u64);
        metrics::counter!("sandbox_webhooks_failed_total").increment(failed.len() as u64);
        in_time(deliveries::complete(&self.pool, &delivered)).await?;
        in_time(deliveries::postpone(&self.pool, &failed, self.now())).await?;
        Ok(claimed.len())
    }

    async fn deliver(&self, url: &str, delivery: &Claimed) -> Outcome {
        let Err(error) = self.post(url, &delivery.body).await else {
            return Outcome::Delivered;
        };
        let is_last = delivery.attempts >= ATTEMPTS_MAX;
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            event.id = %delivery.event_id,
            attempts = delivery.attempts,
            is_last,
            "could not deliver a sandbox webhook"
        );
        Outcome::Failed {
            due_at: (!is_last).then(|| self.now() + back_off(delivery.attempts)),
        }
    }

    async fn post(&self, url: &str, body: &str) -> Result<(), PostError> {
        let signature = signature::sign(&self.config.webhook_secret, body.as_bytes(), self.now());
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(SIGNATURE_HEADER, signature)
            .body(body.to_owned());
        let status = request.send().await?.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(PostError::Status {
                status: status.as_u16(),
            })
        }
    }
}

/// Doubles with each attempt, up to a limit.
fn back_off(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    let factor = 1_i32.checked_shl(doublings).unwrap_or(i32::MAX);
    BACK_OFF_FIRST
        .checked_mul(factor)
        .map_or(BACK_OFF_MAX, |delay| delay.min(BACK_OFF_MAX))
}
