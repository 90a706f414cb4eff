//! Reactions: applause and the like, counted and passed on to everybody in the room. They are no facts: nothing of them is
//! kept. Listeners need no right for it; what they say goes through the API, and the bridge tells the room.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::SessionId;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::identity::room_name;
use crate::{MediaError, MediaServer};

/// The topic of the data messages; each is `{"applause": 12, …}`, what came since the last one.
pub const TOPIC: &str = "boxoffice.reactions";
/// However many people react, a room is told this often.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// What cannot be told by then is not told: it is of the moment.
const TELL_MAX: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reaction {
    Applause,
    Heart,
    Laughter,
    Surprise,
    Agreement,
}

impl Reaction {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applause => "applause",
            Self::Heart => "heart",
            Self::Laughter => "laughter",
            Self::Surprise => "surprise",
            Self::Agreement => "agreement",
        }
    }
}

type Counts = BTreeMap<&'static str, u32>;

/// What came and was not told yet.
#[derive(Debug, Default)]
pub(crate) struct Reactions(Mutex<HashMap<SessionId, Counts>>);

impl Reactions {
    pub(crate) fn add(&self, session: SessionId, reaction: Reaction) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = rooms.entry(session).or_default().entry(reaction.name()).or_default();
        *count = count.saturating_add(1);
    }

    fn take(&self) -> HashMap<SessionId, Counts> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells the rooms until cancelled.
pub(crate) async fn run(media: Arc<dyn MediaServer>, reactions: Arc<Reactions>, cancel: CancellationToken) {
    let tell = async {
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            let told = reactions
                .take()
                .into_iter()
                .map(|(session, counts)| tell(&*media, session, counts));
            futures::future::join_all(told).await;
        }
    };
    cancel.run_until_cancelled(tell).await;
}

async fn tell(media: &dyn MediaServer, session: SessionId, counts: Counts) {
    let message = serde_json::json!(counts).to_string().into_bytes();
    let room = room_name(session);
    let told = tokio::time::timeout(TELL_MAX, media.send_data(&room, TOPIC, message)).await;
    if let Ok(Err(failure @ (MediaError::Unavailable(_) | MediaError::Refused(_)))) = told {
        debug!(
            media.room = room,
            error = &failure as &dyn std::error::Error,
            "reactions are not told"
        );
    }
}
