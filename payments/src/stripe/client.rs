//! HTTP with Stripe: one pinned version, one way to authenticate, limits of time and number, and repeats with the same key.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, Url};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::config::{API_VERSION, StripeConfig, StripeConfigError};
use super::error::{StripeError, classify, is_replay, should_retry};

/// Calls under way at a time; the others queue, within their limit of time.
const CONCURRENCY: usize = 32;
/// A page of a hundred events with everything in them is a tenth of this.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
const ATTEMPTS_MAX: u32 = 5;
const BACK_OFF_MAX: Duration = Duration::from_secs(4);

/// Names and values, as Stripe's form encoding has them: `metadata[payment_id]`.
pub(super) type Fields = Vec<(String, String)>;

pub(super) fn field(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    attempt_timeout: Duration,
    call_limit: Duration,
    back_off_first: Duration,
    places: Semaphore,
    /// Told to be patient, everybody is.
    quiet_until: Mutex<Option<Instant>>,
}

/// An answer, and whether it is an old one.
pub(super) struct Answer<T> {
    pub(super) body: T,
    /// The saved answer of an earlier call with the same key: what it says may have changed since.
    pub(super) is_replay: bool,
}

struct Call<'a> {
    /// What it is counted as.
    operation: &'static str,
    method: Method,
    path: &'a str,
    fields: &'a Fields,
    key: Option<&'a str>,
}

struct Failed {
    error: StripeError,
    should_retry: Option<bool>,
}

impl From<StripeError> for Failed {
    fn from(error: StripeError) -> Self {
        Self {
            error,
            should_retry: None,
        }
    }
}

impl Client {
    pub(super) fn new(config: &StripeConfig) -> Result<Self, StripeConfigError> {
        config.validate()?;
        let base = config.base_url()?;
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = format!("Bearer {}", config.secret_key.expose_secret());
        let mut authorization = HeaderValue::try_from(key).map_err(|_| StripeConfigError::SecretKey)?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization);
        headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
        let builder = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("boxoffice/", env!("CARGO_PKG_VERSION")))
            .timeout(config.attempt_timeout)
            .redirect(Policy::none());
        let builder = if base.scheme() == "http" {
            // A machine without CA certificates could not build the client otherwise.
            builder.no_proxy().tls_certs_only([])
        } else {
            builder
        };
        Ok(Self {
            http: builder.build().map_err(StripeConfigError::Client)?,
            base,
            attempt_timeout: config.attempt_timeout,
            call_limit: config.call_limit,
            back_off_first: config.back_off_first,
            places: Semaphore::new(CONCURRENCY),
            quiet_until: Mutex::new(None),
        })
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        fields: &Fields,
    ) -> Result<T, StripeError> {
        let call = Call {
            operation,
            method: Method::GET,
            path,
            fields,
            key: None,
        };
        self.call(&call).await.map(|answer| answer.body)
    }

    /// `key` makes a repeat find what an earlier call made. Without one the call must be harmless to repeat.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        fields: &Fields,
        key: Option<&str>,
    ) -> Result<Answer<T>, StripeError> {
        let call = Call {
            operation,
            method: Method::POST,
            path,
            fields,
            key,
        };
        self.call(&call).await
    }

    async fn call<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<Answer<T>, StripeError> {
        let in_time = tokio::time::timeout(self.call_limit, self.repeat(call)).await;
        let result = in_time.unwrap_or_else(|_| {
            let seconds = self.call_limit.as_secs();
            Err(StripeError::TimedOut { seconds })
        });
        let outcome = result.as_ref().map_or_else(StripeError::name, |_| "ok");
        metrics::counter!("stripe_calls_total", "operation" => call.operation, "outcome" => outcome).increment(1);
        if let Err(error @ StripeError::NotAllowed { .. }) = &result {
            tracing::error!("{} waits for an operator: {error}", call.operation);
        }
        let answer = result?;
        let body = serde_json::from_slice(&answer.body).map_err(StripeError::Unreadable)?;
        Ok(Answer {
            body,
            is_replay: answer.is_replay,
        })
    }

    /// Until it succeeds, or fails for good, or has been tried often enough.
    async fn repeat(&self, call: &Call<'_>) -> Result<Answer<Vec<u8>>, StripeError> {
        let mut attempts = 0;
        loop {
            self.wait_for_quiet().await;
            let Failed { error, should_retry } = match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            attempts += 1;
            if attempts >= ATTEMPTS_MAX || !should_retry.unwrap_or_else(|| error.is_transient()) {
                return Err(error);
            }
            let pause = self.back_off(attempts);
            tracing::debug!(attempts, "{} is tried again: {error}", call.operation);
            if let StripeError::RateLimited { retry_after } = error {
                self.be_quiet(retry_after.unwrap_or(pause));
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answer<Vec<u8>>, Failed> {
        let _place = self.places.acquire().await;
        let mut url = self.base.clone();
        url.set_path(call.path);
        let mut request = self.http.request(call.method.clone(), url);
        request = if call.method == Method::GET {
            request.query(call.fields)
        } else {
            request.form(call.fields)
        };
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.map_err(unanswered)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = tokio::time::timeout(self.attempt_timeout, read_limited(response)).await;
        let body = body.unwrap_or(Err(StripeError::TimedOut {
            seconds: self.attempt_timeout.as_secs(),
        }))?;
        if status.is_success() {
            return Ok(Answer {
                body,
                is_replay: is_replay(&headers),
            });
        }
        Err(Failed {
            error: classify(status, &headers, &body),
            should_retry: should_retry(&headers),
        })
    }

    async fn wait_for_quiet(&self) {
        let until = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    fn be_quiet(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut quiet_until = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet_until = (*quiet_until).max(Some(until));
    }

    /// Doubles with each attempt up to a limit, and differs from caller to caller.
    fn back_off(&self, attempts: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let longest = self.back_off_first.saturating_mul(factor).min(BACK_OFF_MAX);
        let half = longest / 2;
        half + half * u32::from(rand::random::<u8>()) / u32::from(u8::MAX)
    }
}

/// Not every answer says its length beforehand.
async fn read_limited(mut response: reqwest::Response) -> Result<Vec<u8>, StripeError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unanswered)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(StripeError::TooLarge {
                bytes_max: ANSWER_BYTES_MAX,
            });
        }
    }
    Ok(body)
}

/// The URL may hold ids, and says nothing the operation's name does not.
fn unanswered(error: reqwest::Error) -> StripeError {
    StripeError::Unanswered(error.without_url())
}

/// An id on its way into a path.
pub(super) fn segment(id: &str) -> Result<&str, StripeError> {
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain {
        Ok(id)
    } else {
        Err(StripeError::refused("invalid_reference"))
    }
}
