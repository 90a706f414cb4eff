//! One of the shop's own systems: takes webhooks, or does not.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

const PATIENCE: Duration = Duration::from_secs(20);

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    timestamp: String,
    pub(crate) signatures: Vec<String>,
    raw: Vec<u8>,
    pub(crate) body: Value,
    pub(crate) was_taken: bool,
}

impl Delivery {
    pub(crate) fn position(&self) -> u64 {
        self.body["position"].as_u64().expect("a position")
    }

    /// Whether one of the signatures is that of this secret, checked as the scheme says.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD
            .decode(secret.strip_prefix("whsec_").expect("a secret"))
            .expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        mac.update(format!("{}.{}.", self.id, self.timestamp).as_bytes());
        mac.update(&self.raw);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signatures.contains(&expected)
    }
}

/// What it does with a message.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    Takes,
    Answers(u16),
    /// To another place.
    Redirects(String),
    /// For longer than anybody waits.
    Hangs,
}

#[derive(Debug)]
struct Shared {
    mood: Mutex<Mood>,
    seen: Mutex<Vec<Delivery>>,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared {
            mood: Mutex::new(Mood::Takes),
            seen: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/hook", post(take)).with_state(Arc::clone(&shared));
        let task = TaskTracker::new().spawn(async move {
            axum::serve(listener, router).await.expect("a server");
        });
        Self {
            url: format!("http://{address}/hook"),
            shared,
            _task: AbortOnDropHandle::new(task),
        }
    }

    pub(crate) fn becomes(&self, mood: Mood) {
        *self.shared.mood.lock().expect("nobody panicked") = mood;
    }

    /// Everything that came, in its order.
    pub(crate) fn seen(&self) -> Vec<Delivery> {
        self.shared.seen.lock().expect("nobody panicked").clone()
    }

    /// What was answered 2xx.
    pub(crate) fn taken(&self) -> Vec<Delivery> {
        self.seen().into_iter().filter(|delivery| delivery.was_taken).collect()
    }

    pub(crate) fn positions(&self) -> Vec<u64> {
        self.taken().iter().map(Delivery::position).collect()
    }

    /// Waits until what came is as expected.
    pub(crate) async fn until(&self, what: &str, is_it: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_it(self) {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.positions());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let mood = shared.mood.lock().expect("nobody panicked").clone();
    let text = |name: &str| headers[name].to_str().expect("a text").to_owned();
    let delivery = Delivery {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signatures: text("webhook-signature").split(' ').map(str::to_owned).collect(),
        body: serde_json::from_slice(&body).expect("JSON"),
        raw: body.to_vec(),
        was_taken: matches!(mood, Mood::Takes),
    };
    shared.seen.lock().expect("nobody panicked").push(delivery);
    match mood {
        Mood::Takes => StatusCode::NO_CONTENT.into_response(),
        Mood::Answers(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Mood::Redirects(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Mood::Hangs => std::future::pending().await,
    }
}
