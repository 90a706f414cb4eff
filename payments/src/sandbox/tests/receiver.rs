//! A real HTTP server on a free port that takes webhooks, and refuses as many as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, post};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::sandbox::Sandbox;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Received {
    pub(super) signature: String,
    pub(super) body: Vec<u8>,
}

#[derive(Default)]
struct Inbox {
    received: Mutex<Vec<Received>>,
    refusals_left: AtomicUsize,
}

/// Stops with the test.
pub(super) struct Receiver {
    inbox: Arc<Inbox>,
    address: String,
    tracker: TaskTracker,
    cancel: CancellationToken,
    _guard: DropGuard,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let inbox = Arc::new(Inbox::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/webhooks", post(receive))
            .route("/moved", any(async || Redirect::temporary("/webhooks")))
            .with_state(inbox.clone());
        let cancel = CancellationToken::new();
        let tracker = TaskTracker::new();
        let server = axum::serve(listener, router).with_graceful_shutdown(cancel.clone().cancelled_owned());
        tracker.spawn(async move { server.await.unwrap() });
        Self {
            inbox,
            address,
            tracker,
            _guard: cancel.clone().drop_guard(),
            cancel,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("{}/webhooks", self.address)
    }

    pub(super) fn moved_url(&self) -> String {
        format!("{}/moved", self.address)
    }

    /// Answers 500 that many times before it takes one.
    pub(super) fn refuse(&self, times: usize) {
        self.inbox.refusals_left.store(times, Ordering::SeqCst);
    }

    pub(super) fn refusals_left(&self) -> usize {
        self.inbox.refusals_left.load(Ordering::SeqCst)
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.inbox.received.lock().unwrap().clone()
    }

    /// Runs the sandbox's worker until the receiver stops.
    pub(super) fn run(&self, sandbox: &Arc<Sandbox>) {
        let sandbox = sandbox.clone();
        let cancel = self.cancel.clone();
        self.tracker.spawn(async move { sandbox.run(cancel).await });
    }

    /// Everything has stopped when this returns.
    pub(super) async fn stop(&self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> Response {
    let take_one = |left: usize| left.checked_sub(1);
    let refused = inbox
        .refusals_left
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one);
    if refused.is_ok() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let signature = headers["sandbox-signature"].to_str().unwrap().to_owned();
    let body = body.to_vec();
    inbox.received.lock().unwrap().push(Received { signature, body });
    StatusCode::OK.into_response()
}
