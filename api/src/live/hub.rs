//! The one task that follows the log for all who listen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AnyEvent, StoredEvent, TicketId, UserId};
use event_log::EventLog;
use event_log::feed::Recent;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::note::{self, Audience, Note, Topic};
use super::stage_events::Stages;
use crate::doors::Line;

/// Who listens at once; each has a connection of its own.
const CLIENTS_MAX: usize = 10_000;
/// Messages that wait for one client. Who is further behind is cut.
const QUEUE_MAX: usize = 256;
/// Events that are read at a time.
const PAGE: usize = 1_000;
/// A log that cannot be read is tried again after this.
const PAUSE: Duration = Duration::from_millis(500);

/// Where live changes come from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Live(Arc<Hub>);

#[derive(Debug)]
struct Hub {
    log: Arc<dyn EventLog>,
    listeners: Mutex<Listeners>,
    places: Arc<Semaphore>,
    stages: Stages,
    line: Line,
    cancel: CancellationToken,
}

#[derive(Debug, Default)]
struct Listeners {
    topics: HashMap<Topic, broadcast::Sender<Arc<Note>>>,
    /// Of people who listen: whose ticket it is.
    holders: HashMap<TicketId, UserId>,
    /// Up to here everybody was told.
    position: u64,
}

/// What is told of a stretch of the log, and how far it reaches.
struct Page {
    told: Vec<(Note, Audience)>,
    to: u64,
}

/// Why the log could not be read.
pub(super) type Unread = Box<dyn std::error::Error + Send + Sync>;

/// A place among those who listen, and what comes in there.
pub(super) struct Listener {
    pub(super) notes: broadcast::Receiver<Arc<Note>>,
    /// Everything after this comes in.
    pub(super) since: u64,
    topic: Topic,
    hub: Arc<Hub>,
    _place: OwnedSemaphorePermit,
}

impl Live {
    /// Follows the log on `tracker` until `cancel` is cancelled, which also ends every stream.
    pub fn start(log: Arc<dyn EventLog>, tracker: &TaskTracker, cancel: CancellationToken) -> Self {
        let hub = Arc::new(Hub {
            log,
            listeners: Mutex::default(),
            places: Arc::new(Semaphore::new(CLIENTS_MAX)),
            stages: Stages::default(),
            line: Line::default(),
            cancel,
        });
        tracker.spawn(follow(Arc::clone(&hub)));
        Self(hub)
    }

    /// Cancelled when streams have to end.
    pub(crate) fn ending(&self) -> CancellationToken {
        self.0.cancel.clone()
    }

    pub(super) fn stages(&self) -> &Stages {
        &self.0.stages
    }

    /// Who waits at the doors.
    pub(crate) fn line(&self) -> &Line {
        &self.0.line
    }

    /// `None` when too many listen already.
    pub(super) fn listen(&self, topic: Topic, tickets: impl IntoIterator<Item = TicketId>) -> Option<Listener> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().ok()?;
        let durable = *self.0.log.wake().borrow();
        let mut listeners = self.0.listeners();
        if listeners.topics.is_empty() {
            // Nobody was told anything, so nothing was read.
            listeners.position = listeners.position.max(durable);
        }
        let channel = listeners.topics.entry(topic);
        let notes = channel.or_insert_with(|| broadcast::channel(QUEUE_MAX).0).subscribe();
        if let Topic::Person(user) = topic {
            let user = UserId::from_uuid(user);
            listeners
                .holders
                .extend(tickets.into_iter().map(|ticket| (ticket, user)));
        }
        Some(Listener {
            notes,
            since: listeners.position,
            topic,
            hub: Arc::clone(&self.0),
            _place: place,
        })
    }
}

impl Listener {
    pub(super) fn is_over(&self) -> WaitForCancellationFutureOwned {
        self.hub.cancel.clone().cancelled_owned()
    }

    /// What was told of the events after a position to those who listen as this one does, and how far they reach.
    pub(super) async fn before(&self, after: u64) -> Result<(Vec<Note>, u64), Unread> {
        let page = self.hub.stored(after).await?;
        let listeners = self.hub.listeners();
        let is_ours = |(note, audience): &(Note, Audience)| listeners.topics_of(note, audience).contains(&self.topic);
        let ours = page.told.into_iter().filter(is_ours).map(|(note, _)| note).collect();
        Ok((ours, page.to))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut listeners = self.hub.listeners();
        // This one is still counted.
        let is_last = listeners
            .topics
            .get(&self.topic)
            .is_some_and(|channel| channel.receiver_count() <= 1);
        if is_last {
            listeners.topics.remove(&self.topic);
            if let Topic::Person(gone) = self.topic {
                listeners.holders.retain(|_, user| user.as_uuid() != gone);
            }
        }
    }
}

impl Hub {
    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody what was recorded up to `durable`.
    async fn tell_all(&self, durable: u64) -> Result<(), Unread> {
        loop {
            let position = {
                let mut listeners = self.listeners();
                if listeners.topics.is_empty() {
                    // Nobody listens: nothing is read.
                    listeners.position = listeners.position.max(durable);
                }
                listeners.position
            };
            if position >= durable {
                return Ok(());
            }
            let page = self.recent(position).await?;
            if page.to <= position {
                return Ok(());
            }
            self.listeners().tell(page);
        }
    }

    async fn recent(&self, after: u64) -> Result<Page, Unread> {
        match self.log.feed().map(|feed| feed.after(after, PAGE)) {
            Some(Recent::Page(page)) => Ok(Page {
                told: page
                    .events
                    .iter()
                    .filter_map(|recorded| note::of(recorded.position, &recorded.event))
                    .collect(),
                to: page.to.position,
            }),
            Some(Recent::Nothing | Recent::Elsewhere) | None => self.stored(after).await,
        }
    }

    async fn stored(&self, after: u64) -> Result<Page, Unread> {
        let events = self.log.read_all(after, PAGE).await?;
        let mut page = Page {
            told: Vec::with_capacity(events.len()),
            to: events.last().map_or(after, |event| event.position),
        };
        for event in events {
            let read = AnyEvent::read(StoredEvent {
                aggregate_type: &event.aggregate_type,
                aggregate_id: &event.aggregate_id,
                event_type: &event.event_type,
                event_version: &event.event_version,
                payload: event.payload.as_bytes(),
            })?;
            page.told.extend(note::of(event.position, &read));
        }
        Ok(page)
    }
}

impl Listeners {
    fn tell(&mut self, page: Page) {
        for (note, audience) in page.told {
            self.learn(&note, &audience);
            let note = Arc::new(note);
            for topic in self.topics_of(&note, &audience) {
                if let Some(channel) = self.topics.get(&topic) {
                    // Whoever is gone needs no news.
                    let _ = channel.send(Arc::clone(&note));
                }
            }
        }
        self.position = page.to;
    }

    /// Later events of a ticket do not say whose it is.
    fn learn(&mut self, note: &Note, audience: &Audience) {
        if let (Some(ticket), Some(holder)) = (note.ticket, audience.people.last()) {
            if self.topics.contains_key(&Topic::Person(holder.as_uuid())) {
                self.holders.insert(ticket, *holder);
            } else {
                self.holders.remove(&ticket);
            }
        }
    }

    fn topics_of(&self, note: &Note, audience: &Audience) -> Vec<Topic> {
        let holder = note.ticket.and_then(|ticket| self.holders.get(&ticket)).copied();
        let people = audience.people.iter().copied().chain(holder);
        let mut topics: Vec<Topic> = people.map(|user| Topic::Person(user.as_uuid())).collect();
        topics.dedup();
        topics.extend(audience.room.map(|room| Topic::Room(room.as_uuid())));
        topics
    }
}

async fn follow(hub: Arc<Hub>) {
    let mut wake = hub.log.wake();
    loop {
        let durable = *wake.borrow_and_update();
        let is_told = hub.tell_all(durable).await;
        if let Err(reason) = &is_told {
            warn!(
                error = &**reason as &dyn std::error::Error,
                "live changes cannot be read"
            );
        }
        let again = async {
            if is_told.is_err() {
                tokio::time::sleep(PAUSE).await;
                return true;
            }
            wake.changed().await.is_ok()
        };
        tokio::select! {
            () = hub.cancel.cancelled() => return,
            goes_on = again => if !goes_on { return },
        }
    }
}
