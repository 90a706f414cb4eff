//! The media server's webhooks on their way: lost, kept back, doubled and out of order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Manner {
    Delivers,
    Loses,
    KeepsBack,
}

#[derive(Clone)]
struct Letter {
    authorization: String,
    body: Bytes,
}

struct Desk {
    manner: Manner,
    to: String,
    kept: Vec<Letter>,
    lost: usize,
}

/// Answers the media server at once, whatever becomes of the letter.
pub(super) struct PostOffice {
    desk: Arc<Mutex<Desk>>,
    url: String,
    _stop: DropGuard,
}

impl PostOffice {
    /// For the shop at this address.
    pub(super) async fn open(shop: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let desk = Arc::new(Mutex::new(Desk {
            manner: Manner::Delivers,
            to: format!("http://{shop}/v1/webhooks/livekit"),
            kept: Vec::new(),
            lost: 0,
        }));
        let (cancel, tracker) = (CancellationToken::new(), TaskTracker::new());
        let router = Router::new().route("/", post(take)).with_state(Arc::clone(&desk));
        let stopped = cancel.clone().cancelled_owned();
        tracker.spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
        Ok(Self {
            desk,
            url,
            _stop: cancel.drop_guard(),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn set(&self, manner: Manner) {
        lock(&self.desk).manner = manner;
    }

    pub(super) fn lost(&self) -> usize {
        lock(&self.desk).lost
    }

    /// Delivers what was kept back, each letter twice, the last one first. Says how many there were.
    pub(super) async fn deliver_reversed_and_doubled(&self) -> Result<usize> {
        let (letters, to) = {
            let mut desk = lock(&self.desk);
            (std::mem::take(&mut desk.kept), desk.to.clone())
        };
        for letter in letters.iter().rev().flat_map(|letter| [letter, letter]) {
            let status = deliver(&to, letter).await?;
            ensure!(
                status == 200,
                "expected the shop to take a webhook, and it said {status}"
            );
        }
        Ok(letters.len())
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take(State(desk): State<Arc<Mutex<Desk>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    let letter = Letter {
        authorization: authorization.unwrap_or_default().to_owned(),
        body,
    };
    let to = {
        let mut desk = lock(&desk);
        match desk.manner {
            Manner::Delivers => desk.to.clone(),
            Manner::Loses => {
                desk.lost += 1;
                return StatusCode::OK;
            }
            Manner::KeepsBack => {
                desk.kept.push(letter);
                return StatusCode::OK;
            }
        }
    };
    // A shop that is away loses it: the media server would try again for some seconds only.
    let _ = deliver(&to, &letter).await;
    StatusCode::OK
}

async fn deliver(to: &str, letter: &Letter) -> Result<u16> {
    let sent = reqwest::Client::new()
        .post(to)
        .header("authorization", &letter.authorization)
        .header("content-type", "application/webhook+json")
        .body(letter.body.clone())
        .send()
        .await;
    Ok(sent.context("delivering a webhook")?.status().as_u16())
}
