//! What was heard, in sums: in an hour there are more windows of sound than anybody keeps.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{AudioEvent, Reported};

/// What one client has heard of one speaker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    pub first: Instant,
    pub last: Instant,
    /// Of the speaker's tone, the first window left out: it began at some moment before `first`.
    pub heard_ms: u64,
    /// Between two windows in which the tone was heard.
    pub longest_silence: Duration,
}

/// Counts the tones of speakers, and nothing else of what is heard.
#[derive(Debug, Default)]
pub struct Tally {
    /// In Hz, by identity.
    tones: HashMap<String, u32>,
    heard: Mutex<HashMap<(String, String), Heard>>,
}

impl Tally {
    pub fn of(tones: impl IntoIterator<Item = (String, u32)>) -> Self {
        Self {
            tones: tones.into_iter().collect(),
            heard: Mutex::default(),
        }
    }

    /// Whether this is sound, and so need not be kept by anybody else.
    pub(super) fn takes(&self, reported: &Reported) -> bool {
        let AudioEvent::Heard { speaker, ms, .. } = &reported.event else {
            return false;
        };
        let is_tone = self
            .tones
            .get(speaker)
            .is_some_and(|hz| reported.event.is_tone(speaker, *hz));
        if is_tone {
            self.add(&reported.client, speaker, u64::from(*ms), reported.at);
        }
        true
    }

    fn add(&self, client: &str, speaker: &str, ms: u64, at: Instant) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (client.to_owned(), speaker.to_owned());
        let Some(known) = heard.get_mut(&pair) else {
            let first = Heard {
                first: at,
                last: at,
                heard_ms: 0,
                longest_silence: Duration::ZERO,
            };
            heard.insert(pair, first);
            return;
        };
        let silence = at
            .saturating_duration_since(known.last)
            .saturating_sub(Duration::from_millis(ms));
        known.longest_silence = known.longest_silence.max(silence);
        known.heard_ms += ms;
        known.last = at;
    }

    pub fn heard(&self, client: &str, speaker: &str) -> Option<Heard> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(&(client.to_owned(), speaker.to_owned())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(at: Instant, dominant_hz: u32) -> Reported {
        Reported {
            client: "ear".to_owned(),
            at,
            event: AudioEvent::Heard {
                speaker: "mouth".to_owned(),
                rms: 7_000,
                dominant_hz,
                ms: 200,
            },
        }
    }

    #[test]
    fn a_gap_is_measured_and_another_tone_is_none() {
        let tally = Tally::of([("mouth".to_owned(), 440)]);
        let start = Instant::now();
        for millis in [0, 200, 400, 1_600, 1_800] {
            assert!(tally.takes(&window(start + Duration::from_millis(millis), 440)));
        }
        assert!(tally.takes(&window(start + Duration::from_secs(2), 700)));
        let heard = tally.heard("ear", "mouth").expect("heard");
        assert_eq!((heard.heard_ms, heard.longest_silence), (800, Duration::from_secs(1)));
        assert_eq!(heard.last - heard.first, Duration::from_millis(1_800));
        assert_eq!(tally.heard("mouth", "ear"), None);
    }
}
