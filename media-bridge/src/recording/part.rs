//! A part of a recording, as recorders and files know it.

use domain::room::AudioFormat;
use domain::{RecordingId, RoomId, SessionId};

/// One stretch without a break. Its number says which one, from 1 on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Part {
    pub recording: RecordingId,
    pub room: RoomId,
    pub session: SessionId,
    pub number: u32,
}

const IDENTITY_PREFIX: &str = "recorder-";

impl Part {
    /// Who the built-in recorder is on the media server. No ticket's or host's identity begins like this, and the gate lets
    /// in nobody else.
    pub fn identity(&self) -> String {
        format!("{IDENTITY_PREFIX}{}-{}", self.recording, self.number)
    }

    pub(super) fn stem(&self) -> String {
        format!("part-{:04}", self.number)
    }
}

pub(super) const fn extension(format: AudioFormat) -> &'static str {
    match format {
        AudioFormat::Wav => "wav",
        AudioFormat::Ogg => "ogg",
    }
}
