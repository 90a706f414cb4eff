//! What the media server should look like: read from the entitlements projection through a port, so that the bridge knows
//! no tables but its own.

use async_trait::async_trait;
use domain::{RoomId, SessionId, TicketId, Timestamp, UserId};
use thiserror::Error;

use crate::Identity;

/// A room that should be live now, or whose lobby is open, with everybody who may be in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DesiredRoom {
    pub room_id: RoomId,
    pub session_id: SessionId,
    pub host: UserId,
    /// Who leads: the host, or a co-host while the host is away.
    pub lead: UserId,
    /// Its seats.
    pub capacity: u32,
    /// Since its opening; nothing in the lobby, where the host's side is among itself: what happens there is no part of what
    /// is delivered.
    pub live_since: Option<Timestamp>,
    pub recording: DesiredRecording,
    pub people: Vec<DesiredPerson>,
}

/// Whether the room may be recorded, and is to be now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DesiredRecording {
    pub allowed: bool,
    pub runs: bool,
}

impl DesiredRecording {
    /// What everybody in the room is told, as JSON. Of a room that is never recorded, nothing.
    pub(crate) fn note(self) -> String {
        let Self { allowed, runs } = self;
        if !allowed {
            return String::new();
        }
        serde_json::json!({"recording": {"allowed": allowed, "running": runs}}).to_string()
    }
}

/// Somebody who may be in the room. Whoever is not listed may not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DesiredPerson {
    pub identity: Identity,
    pub user: UserId,
    pub ticket_id: Option<TicketId>,
    pub role: StageRole,
    /// Silenced, until their own word.
    pub is_muted: bool,
    /// Asks to speak: a raised hand.
    pub asks: bool,
    /// The number of the entry that is good now.
    pub entry: u32,
    /// When it took over the one before.
    pub taken_over_at: Option<Timestamp>,
}

impl DesiredPerson {
    pub const fn may_speak(&self) -> bool {
        !matches!(self.role, StageRole::Listener) && !self.is_muted
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StageRole {
    Host,
    CoHost,
    Speaker,
    Listener,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    Admitted {
        may_speak: bool,
        /// The number of the entry that is good now.
        entry: u32,
    },
    Refused(RefusalReason),
    /// No such opening, or it is over.
    NoSuchRoom,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalReason {
    NotIssued,
    Refunded,
    Removed,
    Banned,
}

#[derive(Debug, Error)]
#[error("entitlements cannot be read")]
pub struct EntitlementsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The wish, as the log has it.
#[async_trait]
pub trait Entitlements: Send + Sync + 'static {
    /// Every room that should be live, or whose lobby is open.
    async fn live_rooms(&self) -> Result<Vec<DesiredRoom>, EntitlementsError>;

    /// Whether this identity may be in this opening now.
    async fn admission(&self, session: SessionId, identity: Identity) -> Result<Admission, EntitlementsError>;
}
