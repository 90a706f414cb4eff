//! The server, and a handle on it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::answer::Answer;
use crate::calls::{self, Request};
use crate::faults::{Fault, Scripted};
use crate::state::State;

/// The key that is accepted.
pub const SECRET_KEY: &str = "sk_test_of_the_fake";

/// Stops with its last handle.
#[derive(Clone, Debug)]
pub struct FakeStripe {
    pub(crate) shared: Arc<Mutex<State>>,
    url: String,
    _guard: Arc<DropGuard>,
}

impl FakeStripe {
    /// Serves on a free port of this machine. `now` is in seconds since 1970.
    pub async fn start(now: i64) -> io::Result<Self> {
        let shared = Arc::new(Mutex::new(State::new(now)));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let cancel = CancellationToken::new();
        let stopped = cancel.clone();
        TaskTracker::new().spawn(async move {
            // Not gracefully: a call that hangs on purpose would hold it up for ever.
            let _ = stopped
                .run_until_cancelled(async { axum::serve(listener, router).await })
                .await;
        });
        Ok(Self {
            shared,
            url,
            _guard: Arc::new(cancel.drop_guard()),
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.state().now += seconds;
    }

    pub fn set_now(&self, now: i64) {
        self.state().now = now;
    }

    /// The next `times` calls of this method whose path begins so have a bad day. Several scripts are used up in order.
    pub fn script(&self, method: &'static str, path: &'static str, fault: Fault, times: usize) {
        let scripted = Scripted {
            method,
            path,
            fault,
            times,
        };
        self.state().faults.push_back(scripted);
    }

    /// No more bad days.
    pub fn clear_script(&self) {
        self.state().faults.clear();
    }

    /// Nothing is answered until it is up again.
    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// How many calls of this method had a path that begins so, bad days included.
    pub fn call_count(&self, method: &str, path: &str) -> usize {
        let state = self.state();
        let is_it = |(called, at): &&(Method, String)| called.as_str() == method && at.starts_with(path);
        state.calls.iter().filter(is_it).count()
    }

    /// Every intent, as it is now.
    pub fn intents(&self) -> Vec<Value> {
        self.state().intents.clone()
    }

    pub fn refunds(&self) -> Vec<Value> {
        self.state().refunds.clone()
    }

    pub fn transfers(&self) -> Vec<Value> {
        self.state().transfers.clone()
    }

    pub fn disputes(&self) -> Vec<Value> {
        self.state().disputes.clone()
    }

    /// The bodies of webhooks since the last time, in the order of their events.
    pub fn take_webhooks(&self) -> Vec<String> {
        let mut state = self.state();
        let bodies = state
            .events
            .iter()
            .skip(state.webhooks_taken)
            .map(Value::to_string)
            .collect();
        state.webhooks_taken = state.events.len();
        bodies
    }

    /// The header that goes with a webhook.
    pub fn sign(&self, secret: &str, body: &str) -> String {
        let signed_at = self.state().now;
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
        let mut mac = mac.expect("HMAC takes keys of any length");
        mac.update(format!("{signed_at}.{body}").as_bytes());
        let bytes = mac.finalize().into_bytes();
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
        let hex: String = bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect();
        format!("t={signed_at},v1={hex},v0=of-another-scheme")
    }
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(
    Shared(shared): Shared<Arc<Mutex<State>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match answer(&shared, method, &uri, &headers, &body) {
        Some(answer) => answer.into_response(),
        // The caller's patience ends it.
        None => std::future::pending().await,
    }
}

fn answer(shared: &Mutex<State>, method: Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<Answer> {
    let request = match Request::read(method, uri, headers, body) {
        Ok(request) => request,
        Err(refusal) => return Some(refusal),
    };
    let mut state = lock(shared);
    state.calls.push((request.method.clone(), request.path.clone()));
    if state.is_down {
        return None;
    }
    match state.next_fault(&request.method, &request.path) {
        None => Some(calls::carry_out(&mut state, &request)),
        Some(Fault::RateLimit { retry_after }) => Some(Answer::rate_limited(retry_after)),
        Some(Fault::InUse) => Some(Answer::error(
            StatusCode::CONFLICT,
            "idempotency_error",
            "idempotency_key_in_use",
        )),
        Some(Fault::Fail) => Some(Answer::failure()),
        Some(Fault::FailAndRemember { is_carried_out }) => {
            if is_carried_out {
                calls::carry_out(&mut state, &request);
            }
            let failure = Answer::failure();
            state.remember(&request, &failure);
            Some(failure)
        }
        Some(Fault::Garble) => {
            calls::carry_out(&mut state, &request);
            Some(Answer::garbled())
        }
        Some(Fault::LoseAnswer) => {
            calls::carry_out(&mut state, &request);
            None
        }
        Some(Fault::LoseRequest) => None,
    }
}
