//! What the reconciler tells the doors (entry and gate), and what they and webhooks tell the reconciler.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::SessionId;
use tokio::sync::{Notify, mpsc, watch};
use tracing::{error, info, warn};

use crate::presence::Leave;
use crate::{Identity, MediaError};

/// Hints wait here for the next activation. More than these are dropped: they are only hints.
pub(crate) const HINT_QUEUE: usize = 1_024;

/// A webhook said that somebody left.
#[derive(Clone, Debug)]
pub(crate) struct Hint {
    pub(crate) session: SessionId,
    pub(crate) identity: Identity,
    pub(crate) participant_sid: String,
    pub(crate) leave: Leave,
}

/// The rooms that exist on the media server, each with the request (see [`Shared::doubt`]) that this knowledge is
/// younger than.
type ReadyRooms = HashMap<SessionId, u64>;

#[derive(Debug)]
pub(crate) struct Shared {
    available: watch::Sender<bool>,
    /// The present outage is in the log.
    outage_is_logged: AtomicBool,
    ready: watch::Sender<ReadyRooms>,
    requests: AtomicU64,
    wake: Notify,
    hints: mpsc::Sender<Hint>,
    /// Recorders of our own, by who they are on the media server.
    recorders: Mutex<HashSet<String>>,
}

impl Shared {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Hint>) {
        let (hints, receiver) = mpsc::channel(HINT_QUEUE);
        let shared = Self {
            available: watch::Sender::new(false),
            outage_is_logged: AtomicBool::new(false),
            ready: watch::Sender::default(),
            requests: AtomicU64::new(0),
            wake: Notify::new(),
            hints,
            recorders: Mutex::default(),
        };
        (shared, receiver)
    }

    pub(crate) fn availability(&self) -> watch::Receiver<bool> {
        self.available.subscribe()
    }

    pub(crate) fn is_available(&self) -> bool {
        *self.available.borrow()
    }

    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// This recorder comes in, and may be there until it is forgotten.
    pub(crate) fn expect_recorder(&self, identity: String) {
        self.recorders().insert(identity);
    }

    pub(crate) fn forget_recorder(&self, identity: &str) {
        self.recorders().remove(identity);
    }

    pub(crate) fn expects_recorder(&self, identity: &str) -> bool {
        self.recorders().contains(identity)
    }

    fn recorders(&self) -> MutexGuard<'_, HashSet<String>> {
        self.recorders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn hint(&self, hint: Hint) {
        if self.hints.try_send(hint).is_err() {
            metrics::counter!("boxoffice_media_hints_dropped_total").increment(1);
        }
    }

    /// Somebody found a room missing that was said to exist: only an answer from an activation that begins after this
    /// will do. Returns what to wait for.
    pub(crate) fn doubt(&self) -> u64 {
        let request = self.requests.fetch_add(1, Ordering::AcqRel) + 1;
        self.wake();
        request
    }

    /// The doubts that an activation beginning now will answer.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Acquire)
    }

    /// Waits until the room exists, as known after `request`. `false` if that takes longer than `limit`.
    pub(crate) async fn wait_until_ready(&self, session: SessionId, request: u64, limit: Duration) -> bool {
        let mut ready = self.ready.subscribe();
        let is_ready = |rooms: &ReadyRooms| rooms.get(&session).is_some_and(|known| *known >= request);
        let waited = tokio::time::timeout(limit, ready.wait_for(is_ready)).await;
        matches!(waited, Ok(Ok(_)))
    }

    pub(crate) fn room_is_ready(&self, session: SessionId, request: u64) {
        self.ready.send_modify(|rooms| {
            rooms.insert(session, request);
        });
    }

    /// The media server answers. Rooms that it does not have any more, or should not have, are not ready.
    pub(crate) fn set_available(&self, is_there: impl Fn(SessionId) -> bool) {
        self.ready.send_if_modified(|rooms| {
            let before = rooms.len();
            rooms.retain(|session, _| is_there(*session));
            rooms.len() != before
        });
        self.outage_is_logged.store(false, Ordering::Relaxed);
        if !self.available.send_replace(true) {
            metrics::gauge!("boxoffice_media_available").set(1);
            info!("the media server is available");
        }
    }

    pub(crate) fn set_unavailable(&self, failure: &MediaError) {
        self.ready.send_replace(ReadyRooms::new());
        metrics::gauge!("boxoffice_media_available").set(0);
        metrics::counter!("boxoffice_media_failures_total", "step" => "list_rooms").increment(1);
        self.available.send_replace(false);
        if self.outage_is_logged.swap(true, Ordering::Relaxed) {
            return;
        }
        if let MediaError::Refused(reason) = failure {
            error!(reason, "the media server refuses to list its rooms");
        } else {
            warn!(error = failure as &dyn std::error::Error, "the media server is away");
        }
    }
}
