//! The port to the media server (an SFU). LiveKit is one; an in-memory fake serves the unit tests.

use std::fmt;

use async_trait::async_trait;
use domain::Timestamp;
use thiserror::Error;

use crate::{FIRST_ENTRY, Identity, Marks};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveRoom {
    pub name: String,
    /// Changes when the media server lost the room and it was created again.
    pub sid: String,
    /// What everybody in the room may read about it.
    pub note: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveParticipant {
    /// As the media server has it; [`Identity`] if it is one of ours.
    pub identity: String,
    /// Changes with every connection.
    pub sid: String,
    pub is_active: bool,
    /// One of the media server's own recorders: its token was made by the media server itself.
    pub is_egress: bool,
    pub joined_at: Option<Timestamp>,
    pub may_publish: bool,
    /// The number of the entry that the connection was made with.
    pub entry: u32,
    /// What everybody sees of them, as far as it is ours.
    pub marks: Marks,
    pub tracks: Vec<LiveTrack>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveTrack {
    pub sid: String,
    pub is_audio: bool,
    pub is_muted: bool,
}

/// What a token says of who comes in with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Badge<'a> {
    pub identity: Identity,
    /// The number of the entry.
    pub entry: u32,
    /// What everybody in the room reads of them. A person's data, so it is not printed.
    pub name: Option<&'a str>,
}

impl Badge<'_> {
    /// With the first entry, and without a name.
    pub const fn new(identity: Identity) -> Self {
        Self {
            identity,
            entry: FIRST_ENTRY,
            name: None,
        }
    }
}

impl fmt::Debug for Badge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Badge")
            .field("identity", &self.identity)
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

/// The whole permission set of a participant. Everybody may listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    Listen,
    Speak,
}

#[derive(Debug, Error)]
pub enum MediaError {
    /// The room or person is not there. For a removal or deletion that is success.
    #[error("not found")]
    NotFound,
    /// Away or slow; the outcome is unknown. Repeat.
    #[error("the media server is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Our key, our clock or our request is wrong: repeating will not help.
    #[error("the media server refuses: {0}")]
    Refused(String),
}

/// A media server. Every call is idempotent and has a timeout of its own.
#[async_trait]
pub trait MediaServer: Send + Sync + fmt::Debug + 'static {
    async fn create_room(&self, name: &str, max_participants: u32) -> Result<LiveRoom, MediaError>;
    async fn delete_room(&self, name: &str) -> Result<(), MediaError>;
    async fn list_rooms(&self) -> Result<Vec<LiveRoom>, MediaError>;
    async fn list_participants(&self, room: &str) -> Result<Vec<LiveParticipant>, MediaError>;
    /// Somebody who is there, or is just coming.
    async fn find_participant(&self, room: &str, identity: &str) -> Result<Option<LiveParticipant>, MediaError>;
    async fn set_permission(&self, room: &str, identity: &str, permission: Permission) -> Result<(), MediaError>;
    /// Changes these marks and leaves the others; an empty value takes one away.
    async fn set_marks(&self, room: &str, identity: &str, marks: &Marks) -> Result<(), MediaError>;
    /// What everybody in the room may read about it.
    async fn set_room_note(&self, room: &str, note: &str) -> Result<(), MediaError>;
    /// A message to everybody in the room.
    async fn send_data(&self, room: &str, topic: &str, message: Vec<u8>) -> Result<(), MediaError>;
    async fn remove_participant(&self, room: &str, identity: &str) -> Result<(), MediaError>;

    /// A token that lets somebody into `room` as a listener, once signed valid for `ttl_seconds`. Stored nowhere.
    fn entry_token(&self, room: &str, badge: Badge<'_>, ttl_seconds: u32) -> Result<String, MediaError>;

    /// A token that lets a recorder hear `room`, unseen.
    fn recorder_token(&self, room: &str, identity: &str, ttl_seconds: u32) -> Result<String, MediaError>;
}
