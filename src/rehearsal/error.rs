//! Why there was no rehearsal.

use std::path::PathBuf;
use std::time::Duration;

use media_bridge::MediaError;
use media_bridge::rehearsal::{RehearsalError as ClientsError, WaitError};
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum RehearsalError {
    #[error("the media server at {url} cannot be reached")]
    Unreachable {
        url: String,
        #[source]
        source: MediaError,
    },
    #[error("the media server at {url} refuses our key or secret: {reason}")]
    WrongKeys { url: String, reason: String },
    #[error("the media server failed in the midst of the rehearsal ({step})")]
    Media {
        step: &'static str,
        #[source]
        source: MediaError,
    },
    #[error(
        "{python} cannot run the audio clients: it needs the packages `livekit` and `numpy` (`scripts/setup demo` makes one)"
    )]
    NoClients { python: PathBuf },
    #[error("the audio clients failed")]
    Clients(#[from] ClientsError),
    #[error("a speaker was not ready within {limit:?}")]
    SpeakerMissing {
        limit: Duration,
        #[source]
        source: WaitError,
    },
}

impl RehearsalError {
    /// Of the first call.
    pub(super) fn of_first_call(url: &str, failure: MediaError) -> Self {
        let url = url.to_owned();
        match failure {
            MediaError::Refused(reason) => Self::WrongKeys { url, reason },
            source @ (MediaError::NotFound | MediaError::Unavailable(_)) => Self::Unreachable { url, source },
        }
    }
}
