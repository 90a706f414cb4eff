//! The running bridge, as others see it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::{SessionId, Timestamp};
use event_log::{Aggregates, Clock, EventLog, Leader};
use sqlx::PgPool;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use crate::identity::room_name;
use crate::presence::PresenceRecorder;
use crate::reactions::{self, Reaction, Reactions};
use crate::reconciler::{self, Reconciler};
use crate::shared::Shared;
use crate::{Admission, Badge, Entitlements, EntitlementsError, Identity, MediaServer, RefusalReason};

/// An entry token is for joining now. Whoever is in stays in, whatever their token says.
const TOKEN_TTL_SECONDS: u32 = 120;
/// How long an entry waits for the room to be there.
const ENTRY_WAIT: Duration = Duration::from_secs(2);
/// How often a node that follows asks the media server again for a room that it has lost.
const FOLLOWER_PAUSE: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub struct BridgeDeps {
    pub media: Arc<dyn MediaServer>,
    pub entitlements: Arc<dyn Entitlements>,
    pub log: Arc<dyn EventLog>,
    pub aggregates: Aggregates,
    pub pool: PgPool,
    pub clock: Arc<dyn Clock>,
    /// The listeners that one media server is sure to carry in a room.
    pub listeners_max: u32,
}

/// What somebody finds who may come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Knock {
    /// The number of the entry that is good now, as far as the entitlements know.
    pub entry: u32,
    /// A connection of the same ticket, or of the same one of the host's side, is there: coming in takes it over.
    pub is_occupied: bool,
}

/// A way into a room. The token is stored nowhere.
#[derive(Clone, Debug)]
pub struct EntryToken {
    pub token: String,
    pub expires_at: Timestamp,
}

#[derive(Debug, Error)]
pub enum EntryError {
    /// The media server is away, or does not have the room yet. Try again in a second.
    #[error("the media server is not ready for this room")]
    MediaUnavailable,
    /// The room is not live.
    #[error("no such room is live")]
    NoSuchRoom,
    #[error("not admitted: {0:?}")]
    Refused(RefusalReason),
    #[error(transparent)]
    Entitlements(#[from] EntitlementsError),
}

/// Keeps the media server in line, records who was there, and lets people in. Cheap to clone.
#[derive(Clone)]
pub struct Bridge {
    media: Arc<dyn MediaServer>,
    entitlements: Arc<dyn Entitlements>,
    clock: Arc<dyn Clock>,
    leader: watch::Receiver<Leader>,
    pub(crate) shared: Arc<Shared>,
    reactions: Arc<Reactions>,
    pub(crate) tracker: TaskTracker,
    pub(crate) cancel: CancellationToken,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge")
            .field("media", &self.media)
            .finish_non_exhaustive()
    }
}

impl Bridge {
    /// Starts the reconciler and presence. If they end by themselves, `cancel` is cancelled: a process that looks after no
    /// rooms must not look healthy.
    pub fn start(deps: BridgeDeps, tracker: &TaskTracker, cancel: &CancellationToken) -> Self {
        let (shared, hints) = Shared::new();
        let shared = Arc::new(shared);
        let reconciler = Reconciler::new(
            reconciler::Deps {
                media: Arc::clone(&deps.media),
                entitlements: Arc::clone(&deps.entitlements),
                clock: Arc::clone(&deps.clock),
                shared: Arc::clone(&shared),
                listeners_max: deps.listeners_max,
            },
            PresenceRecorder::new(deps.pool.clone()),
        );
        tracker.spawn(reconciler::run(
            reconciler,
            Arc::clone(&deps.log),
            deps.aggregates,
            hints,
            cancel.clone(),
        ));

        let reactions = Arc::new(Reactions::default());
        tracker.spawn(reactions::run(
            Arc::clone(&deps.media),
            Arc::clone(&reactions),
            cancel.clone(),
        ));

        Self {
            reactions,
            media: deps.media,
            entitlements: deps.entitlements,
            clock: deps.clock,
            leader: deps.log.leader(),
            shared,
            tracker: tracker.clone(),
            cancel: cancel.clone(),
        }
    }

    /// Whether somebody may be in this opening, once the media server has the room.
    pub async fn knock(&self, session: SessionId, identity: Identity) -> Result<Knock, EntryError> {
        let entry = match self.entitlements.admission(session, identity).await? {
            Admission::Admitted { entry, .. } => entry,
            Admission::Refused(reason) => return Err(EntryError::Refused(reason)),
            Admission::NoSuchRoom => return Err(EntryError::NoSuchRoom),
        };
        if !self.wait_until_ready(session, 0, ENTRY_WAIT).await {
            return Err(EntryError::MediaUnavailable);
        }
        let (room, name) = (room_name(session), identity.to_string());
        match self.media.find_participant(&room, &name).await {
            Ok(there) => Ok(Knock {
                entry,
                is_occupied: there.is_some(),
            }),
            Err(failure) => {
                warn!(error = &failure as &dyn std::error::Error, "nobody can be looked for");
                Err(EntryError::MediaUnavailable)
            }
        }
    }

    /// A token for who may come in, which takes over nothing: with two of them the media server lets in who comes last.
    pub async fn entry(&self, session: SessionId, identity: Identity) -> Result<EntryToken, EntryError> {
        let knock = self.knock(session, identity).await?;
        let badge = Badge {
            entry: knock.entry,
            ..Badge::new(identity)
        };
        self.token(session, badge)
    }

    /// A token for somebody who knocked, with the number of the entry that is good now.
    pub fn token(&self, session: SessionId, badge: Badge<'_>) -> Result<EntryToken, EntryError> {
        let token = self
            .media
            .entry_token(&room_name(session), badge, TOKEN_TTL_SECONDS)
            .map_err(|failure| {
                error!(
                    error = &failure as &dyn std::error::Error,
                    "an entry token cannot be made"
                );
                EntryError::MediaUnavailable
            })?;
        Ok(EntryToken {
            token,
            expires_at: self.clock.now() + TimeDelta::seconds(TOKEN_TTL_SECONDS.into()),
        })
    }

    /// Waits until the media server has the room, by an answer newer than the doubt; `false` if that takes longer than
    /// `limit`. The node that leads puts the rooms in order: elsewhere the media server itself has to say.
    pub(crate) async fn wait_until_ready(&self, session: SessionId, doubt: u64, limit: Duration) -> bool {
        if *self.leader.borrow() == Leader::Here {
            return self.shared.wait_until_ready(session, doubt, limit).await;
        }
        if doubt > 0 {
            tokio::time::sleep(FOLLOWER_PAUSE.min(limit)).await;
        }
        !limit.is_zero()
    }

    /// Tells everybody in the room, within a moment and together with what others say.
    pub fn react(&self, session: SessionId, reaction: Reaction) {
        self.reactions.add(session, reaction);
    }

    pub(crate) const fn media(&self) -> &Arc<dyn MediaServer> {
        &self.media
    }

    /// Looks at once whether the media server is as it should be.
    pub fn wake(&self) {
        self.shared.wake();
    }

    pub fn is_available(&self) -> bool {
        self.shared.is_available()
    }

    /// Whether the media server answers, and its changes.
    pub fn availability(&self) -> watch::Receiver<bool> {
        self.shared.availability()
    }
}
