//! A recorder that writes silence at once, and breaks off when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::RecordingId;
use domain::room::AudioFormat;
use event_log::Clock;

use crate::MediaError;
use crate::recording::{Part, PartStatus, Recorder, Storage};

/// A WAV file of a second, but for the lengths in its head.
const BYTES: usize = 44 + 96_000;

#[derive(Debug)]
pub struct FakeRecorder {
    storage: Storage,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    parts: BTreeMap<(RecordingId, u32), PartStatus>,
    is_away: bool,
}

impl FakeRecorder {
    pub fn new(storage: Storage, clock: Arc<dyn Clock>) -> Self {
        Self {
            storage,
            clock,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self) -> Result<MutexGuard<'_, State>, MediaError> {
        let state = self.state();
        if state.is_away {
            return Err(MediaError::Unavailable("the fake is away".into()));
        }
        Ok(state)
    }

    /// Every call fails, until it is back.
    pub fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// What is being recorded ends.
    pub fn break_off(&self) {
        for status in self.state().parts.values_mut() {
            *status = ENDED;
        }
    }

    /// It knows nothing any more, as after a restart of the process.
    pub fn restart(&self) {
        self.state().parts.clear();
    }

    pub fn is_recording(&self) -> bool {
        let state = self.state();
        state
            .parts
            .values()
            .any(|status| matches!(status, PartStatus::Running { .. }))
    }
}

const ENDED: PartStatus = PartStatus::Ended {
    began_at: None,
    duration_ms: None,
};

#[async_trait]
impl Recorder for FakeRecorder {
    fn format(&self) -> AudioFormat {
        AudioFormat::Wav
    }

    async fn status(&self, part: &Part) -> Result<PartStatus, MediaError> {
        let state = self.call()?;
        let known = state.parts.get(&(part.recording, part.number)).copied();
        Ok(known.unwrap_or(PartStatus::Absent))
    }

    async fn start(&self, part: &Part) -> Result<(), MediaError> {
        let mut state = self.call()?;
        let written = self.storage.make_folder(part).and_then(|()| {
            let (audio, _) = self.storage.drafts(part, self.format());
            std::fs::write(audio, vec![0; BYTES])
        });
        written.map_err(|error| MediaError::Unavailable(Box::new(error)))?;
        let since = self.clock.now();
        let status = PartStatus::Running { since };
        state.parts.insert((part.recording, part.number), status);
        Ok(())
    }

    async fn stop(&self, part: &Part) -> Result<(), MediaError> {
        let mut state = self.call()?;
        if let Some(status) = state.parts.get_mut(&(part.recording, part.number)) {
            *status = ENDED;
        }
        Ok(())
    }

    async fn forget(&self, part: &Part) {
        self.state().parts.remove(&(part.recording, part.number));
    }

    async fn abandon(&self) {}
}
