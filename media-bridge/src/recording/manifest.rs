//! What is known of a recording beside its sound: its parts, when they began, and who spoke when.

use domain::room::{AudioFormat, RecordedFile};
use domain::{RecordingId, RoomId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::part::Part;

/// The manifest of a recording, one beside its parts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) room_id: RoomId,
    pub(super) recording_id: RecordingId,
    pub(super) session_id: SessionId,
    pub(super) parts: Vec<PartManifest>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct PartManifest {
    pub(super) part: u32,
    pub(super) format: AudioFormat,
    pub(super) began_at: Timestamp,
    pub(super) ended_at: Timestamp,
    pub(super) duration_ms: u64,
    pub(super) broke_off: bool,
    pub(super) file: Option<FileManifest>,
    /// Absent where the recorder does not tell.
    pub(super) spoke: Option<Vec<Spoke>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct FileManifest {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) file: RecordedFile,
}

/// Times are from the beginning of the part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Spoke {
    pub(super) user: UserId,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

/// Somebody was heard, by who they are on the media server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Heard {
    pub(super) identity: String,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

impl Manifest {
    pub(super) const fn of(part: &Part, parts: Vec<PartManifest>) -> Self {
        Self {
            room_id: part.room,
            recording_id: part.recording,
            session_id: part.session,
            parts,
        }
    }
}

/// A line of what the built-in recorder notes while it records.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Started { started_at_ms: i64 },
    From { who: String, from_ms: u64 },
    To { who: String, to_ms: u64 },
}

/// What the recorder noted, however it ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Notes {
    pub(super) began_at: Option<Timestamp>,
    pub(super) heard: Vec<Heard>,
}

impl Notes {
    /// Whoever was speaking when the notes break off spoke until `duration_ms`. A line that was cut off says nothing.
    pub(super) fn read(text: &str, duration_ms: u64) -> Self {
        let mut notes = Self::default();
        let mut speaking: Vec<(String, u64)> = vec![];
        for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            match line {
                Line::Started { started_at_ms } => {
                    notes.began_at = Timestamp::from_timestamp_millis(started_at_ms);
                }
                Line::From { who, from_ms } => speaking.push((who, from_ms)),
                Line::To { who, to_ms } => {
                    if let Some(place) = speaking.iter().position(|(speaker, _)| *speaker == who) {
                        let (identity, from_ms) = speaking.remove(place);
                        notes.heard.push(Heard {
                            identity,
                            from_ms,
                            to_ms,
                        });
                    }
                }
            }
        }
        notes
            .heard
            .extend(speaking.into_iter().map(|(identity, from_ms)| Heard {
                identity,
                from_ms,
                to_ms: duration_ms.max(from_ms),
            }));
        notes.heard.sort_by_key(|heard| heard.from_ms);
        notes
    }
}
