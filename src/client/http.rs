//! Calls of the HTTP API as one user.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::server::ServerLimits;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// No call of the API takes longer than this, whatever happens behind it.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// A connection that nothing was asked on for so big a part of what the server lets it is not used again: the server might close it
/// at that moment.
const IDLE_PART: u32 = 4;

/// A user (or nobody, without a token) at the HTTP API.
#[derive(Clone, Debug)]
pub struct Caller {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    user_id: String,
}

/// What came back: status, JSON body (`Null` if there is none) and the log position of a write.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub log_position: Option<u64>,
    pub retry_after: Option<String>,
}

impl Answer {
    /// The stable code of a problem, or an empty text.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The body, if the status is `status`.
    pub fn expect(self, status: u16, what: &str) -> Result<Value> {
        if self.status != status {
            bail!("expected {status} when {what}, and got {}: {}", self.status, self.body);
        }
        Ok(self.body)
    }

    /// The body of a problem, if status and code are these.
    pub fn expect_problem(self, status: u16, code: &str, what: &str) -> Result<Value> {
        if self.status != status || self.code() != code {
            bail!(
                "expected {status} {code} when {what}, and got {}: {}",
                self.status,
                self.body
            );
        }
        Ok(self.body)
    }
}

impl Caller {
    pub fn new(base: &str, user_id: &str, token: Option<String>) -> Result<Self> {
        crate::install_crypto_providers();
        let http = reqwest::Client::builder()
            .timeout(CALL_LIMIT)
            .pool_idle_timeout(ServerLimits::default().head_wait / IDLE_PART)
            .build()
            .context("building an HTTP client")?;
        Ok(Self {
            http,
            base: base.to_owned(),
            token,
            user_id: user_id.to_owned(),
        })
    }

    /// The same caller at a server that was started again.
    #[must_use]
    pub fn at(mut self, server: &super::Server) -> Self {
        server.base_url().clone_into(&mut self.base);
        self
    }

    /// The `sub` of this caller's token.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// A POST without an idempotency key.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// A POST that creates or moves money: repeating it with the same key changes nothing.
    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Result<Answer> {
        self.send(
            self.request(Method::POST, path)
                .header("Idempotency-Key", key)
                .json(body),
        )
        .await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// A request for calls that are wrong on purpose.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Result<Answer> {
        let response = request.send().await.context("calling the API")?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let log_position = header("log-position").and_then(|position| position.parse().ok());
        let retry_after = header("retry-after");
        let text = response.text().await.context("reading the API's answer")?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Answer {
            status,
            body,
            log_position,
            retry_after,
        })
    }
}
