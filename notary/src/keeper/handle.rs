//! The notary of this process, for those who ask it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use domain::Timestamp;
use event_log::{Clock, EventLog};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::reader::Trouble;
use super::recall::{self, Comparison, Remembered};
use super::{Alarm, Memory, NotaryLimits, SignedCheckpoint, StoreError, store};
use crate::note::{Checkpoint, SignedNote, SigningKey, VerifierKey};
use crate::publish::{Destination, Found, Places};
use crate::receipt::Refusal;
use crate::witness::{Witness, Witnesses};

/// How far back checkpoints are thinned out while the notary works. What is older was thinned out before.
const THINNED: TimeDelta = TimeDelta::hours(2);

/// What a notary works with.
#[derive(Clone)]
pub struct NotaryDeps {
    pub log: Arc<dyn EventLog>,
    pub pool: PgPool,
    pub clock: Arc<dyn Clock>,
}

/// Whose notary it is.
#[derive(Debug)]
pub struct NotarySettings {
    pub key: SigningKey,
    pub memory: Memory,
    /// Where checkpoints go.
    pub destinations: Vec<Destination>,
    pub witnesses: Vec<Witness>,
    pub limits: NotaryLimits,
}

/// Forgets the tree and every checkpoint of it, for a log that begins anew under another key.
pub async fn forget(pool: &PgPool) -> Result<(), StoreError> {
    store::clear(pool).await
}

/// The newest checkpoint in a database, for whoever has no notary at hand.
pub async fn latest_checkpoint(pool: &PgPool) -> Result<Option<SignedCheckpoint>, StoreError> {
    store::find_latest(pool).await
}

/// Checkpoints of more than `after` events in a database, the smallest first.
pub async fn list_checkpoints(pool: &PgPool, after: u64, limit: u32) -> Result<Vec<SignedCheckpoint>, StoreError> {
    store::list(pool, after, limit).await
}

/// How it stands with the notary.
#[derive(Clone, Default, Debug)]
pub struct Standing {
    /// What it signed last, if it works in this process.
    pub signed: Option<Arc<SignedCheckpoint>>,
    /// Why it signs nothing any more.
    pub alarm: Option<Alarm>,
}

/// A handle. Cheap to clone.
#[derive(Clone)]
pub struct Notary {
    pub(super) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) deps: NotaryDeps,
    pub(crate) settings: NotarySettings,
    standing: watch::Sender<Standing>,
    places: Places,
    /// What the log did not bear out when it was found.
    held: Mutex<Vec<Remembered>>,
}

impl fmt::Debug for Notary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notary")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

impl Notary {
    /// Signs nothing, and makes proofs of what is stored.
    pub fn idle(deps: NotaryDeps, settings: NotarySettings) -> Self {
        let places = Places::new(&settings.destinations, &settings.limits);
        Self {
            shared: Arc::new(Shared {
                deps,
                settings,
                standing: watch::Sender::default(),
                places,
                held: Mutex::default(),
            }),
        }
    }

    /// Signs on `tracker` while this process leads the log, until `cancel` is cancelled.
    pub fn start(
        deps: NotaryDeps,
        settings: NotarySettings,
        tracker: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Self {
        let Self { shared } = Self::idle(deps, settings);
        let (this, fatal, stop) = (Arc::clone(&shared), cancel.clone().drop_guard(), cancel.clone());
        tracker.spawn(async move {
            let _fatal = fatal;
            // What is cut off in the middle is found at the next start.
            let _cut = stop.run_until_cancelled(this.look_after()).await;
        });
        Witnesses::start(&shared, tracker, cancel);
        Self { shared }
    }

    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
        }
    }

    /// What others verify its signatures with.
    pub fn verifier(&self) -> VerifierKey {
        self.shared.verifier()
    }

    pub fn standing(&self) -> Standing {
        self.shared.standing.borrow().clone()
    }

    /// The newest checkpoint, whichever node has signed it.
    pub async fn latest(&self) -> Result<Option<SignedCheckpoint>, StoreError> {
        store::find_latest(&self.shared.deps.pool).await
    }

    /// Checkpoints of more than `after` events, the smallest first.
    pub async fn list(&self, after: u64, limit: u32) -> Result<Vec<SignedCheckpoint>, StoreError> {
        store::list(&self.shared.deps.pool, after, limit).await
    }

    /// The log's word about a refusal.
    pub fn sign_refusal(&self, refusal: &Refusal) -> SignedNote {
        refusal.sign(&self.shared.settings.key)
    }
}

impl Shared {
    pub(crate) fn follow(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    pub(crate) const fn places(&self) -> &Places {
        &self.places
    }

    pub(super) fn show(&self, signed: Arc<SignedCheckpoint>) {
        self.standing.send_modify(|standing| standing.signed = Some(signed));
    }

    pub(crate) fn verifier(&self) -> VerifierKey {
        self.settings.key.verifier()
    }

    /// Whether the log bears out what was found at a place; if not, nothing more is signed.
    pub(crate) async fn bears_out(&self, place: String, note: &str) -> Found {
        let Some(found) = self.own(place, note) else {
            return Found::BorneOut;
        };
        match recall::compare(self, &found).await {
            Ok(Comparison::Same) => Found::BorneOut,
            Ok(Comparison::NotYet) => Found::NotComparable,
            Ok(Comparison::Contradicts(alarm)) => {
                let alarm = self.hold_against(&found, alarm);
                self.set_alarm(Some(alarm));
                Found::Contradicting
            }
            Err(error) => {
                warn!("what was published {} cannot be compared now: {error}", found.place);
                Found::NotComparable
            }
        }
    }

    /// Remembers what contradicts the log until the log bears it out, also if the place that had it is away: one of each place.
    pub(super) fn hold_against(&self, known: &Remembered, alarm: Alarm) -> Alarm {
        let mut held = self.held();
        if held.iter().all(|one| one.place != known.place) {
            held.push(known.clone());
        }
        alarm
    }

    /// The log bears out everything.
    pub(super) fn let_go(&self) {
        self.held().clear();
    }

    fn held(&self) -> MutexGuard<'_, Vec<Remembered>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn alarm(&self) -> Option<Alarm> {
        self.standing.borrow().alarm.clone()
    }

    /// `true` if that is news.
    pub(super) fn set_alarm(&self, alarm: Option<Alarm>) -> bool {
        metrics::gauge!("notary_alarm").set(if alarm.is_some() { 1.0 } else { 0.0 });
        self.standing.send_if_modified(|standing| {
            let is_news = standing.alarm != alarm;
            standing.alarm = alarm;
            is_news
        })
    }

    /// Everything of ours that can be reached now, what is kept outside the database first, and what was held against the log.
    pub(super) async fn remembered(&self) -> Result<Vec<Remembered>, Trouble> {
        let mut found = vec![];
        let memory = self.settings.memory.clone();
        let own = tokio::task::spawn_blocking(move || memory.read()).await;
        if let Some(note) = own.map_err(std::io::Error::other)?? {
            found.push(("in the notary's file".to_owned(), note));
        }
        found.extend(self.places.read_all().await);
        let stored = store::find_latest(&self.deps.pool).await?;
        found.extend(stored.map(|stored| ("in the database".to_owned(), stored.note)));
        let remembered = found.into_iter().filter_map(|(place, note)| self.own(place, &note));
        let mut remembered: Vec<Remembered> = remembered.collect();
        remembered.extend(self.held().iter().cloned());
        Ok(remembered)
    }

    /// A checkpoint of ours in what was found at a place.
    pub(crate) fn own(&self, place: String, note: &str) -> Option<Remembered> {
        match Checkpoint::open(note, &self.verifier()) {
            Ok(opened) => Some(Remembered {
                place,
                checkpoint: opened.checkpoint,
            }),
            Err(error) => {
                warn!("the checkpoint {place} is none of this notary's: {error}");
                None
            }
        }
    }

    /// Before anybody else sees it.
    pub(super) async fn remember(&self, note: String) -> Result<(), Trouble> {
        let memory = self.settings.memory.clone();
        let written = tokio::task::spawn_blocking(move || memory.write(&note)).await;
        Ok(written.map_err(std::io::Error::other)??)
    }

    pub(super) async fn thin_out(&self) {
        self.thin_out_since(self.thinned_to() - THINNED).await;
    }

    /// Also what was left when the notary stopped.
    pub(super) async fn thin_out_all(&self) {
        self.thin_out_since(Timestamp::UNIX_EPOCH).await;
    }

    /// Too many checkpoints are no reason to sign none.
    async fn thin_out_since(&self, from: Timestamp) {
        if let Err(error) = store::thin_out(&self.deps.pool, from, self.thinned_to()).await {
            warn!("old checkpoints are not thinned out now: {error}");
        }
    }

    fn thinned_to(&self) -> Timestamp {
        let keep_all = TimeDelta::from_std(self.settings.limits.keep_all).unwrap_or(THINNED);
        self.deps.clock.now() - keep_all
    }
}
