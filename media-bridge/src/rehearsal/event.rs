//! What the audio clients report.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio::time::Instant;

/// An event of one client.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AudioEvent {
    Connected,
    /// Could not connect; the status is that of the HTTP answer, if there was one.
    Refused {
        status: Option<u16>,
        message: String,
    },
    Disconnected {
        reason: String,
    },
    Reconnecting,
    Reconnected,
    Published {
        sid: String,
    },
    PublishFailed {
        message: String,
    },
    Unpublished,
    Permission {
        can_publish: bool,
    },
    /// What everybody sees of a participant has changed.
    Attributes {
        of: String,
        attributes: BTreeMap<String, String>,
    },
    /// A message to the room.
    Data {
        topic: String,
        message: String,
    },
    /// The media server handed out a fresh token.
    Token {
        token: String,
    },
    /// One window of sound from the speaker with this identity. `rms` is that of 16 bit samples.
    Heard {
        speaker: String,
        rms: u32,
        dominant_hz: u32,
        ms: u32,
    },
    /// A track of this speaker ended.
    Lost {
        speaker: String,
    },
    Error {
        message: String,
    },
}

impl AudioEvent {
    /// Whether this is a window of a tone of `hz`, loud enough to be heard.
    pub fn is_tone(&self, from: &str, hz: u32) -> bool {
        const AUDIBLE_RMS: u32 = 1_000;
        const TOLERANCE_HZ: u32 = 15;
        matches!(self, Self::Heard { speaker, rms, dominant_hz, .. }
            if speaker == from && *rms >= AUDIBLE_RMS && dominant_hz.abs_diff(hz) <= TOLERANCE_HZ)
    }
}

/// An event with the client it is about and the moment it was read.
#[derive(Clone, Debug)]
pub struct Reported {
    pub client: String,
    pub at: Instant,
    pub event: AudioEvent,
}
