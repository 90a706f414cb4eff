//! What was measured. Milliseconds and thousandths throughout.

use std::time::Duration;

use serde::Serialize;

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) url: String,
    pub(crate) listeners: usize,
    pub(crate) speakers: usize,
    pub(crate) seconds: u64,
    /// In the order they came, by quarters.
    pub(crate) joins: Vec<Joins>,
    pub(crate) audio: Audio,
    /// From our call until the client is told.
    pub(crate) permissions: Times,
    /// From our call until the client is out.
    pub(crate) removals: Times,
    pub(crate) processors: Processors,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Joins {
    /// After the first one began to come.
    pub(crate) until_seconds: u64,
    pub(crate) came: usize,
    pub(crate) stayed_outside: usize,
    pub(crate) took: Times,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Audio {
    /// A listener and a speaker each.
    pub(crate) pairs: usize,
    pub(crate) never_heard: usize,
    /// Of the time from the first sound on, in thousandths; of all pairs that heard anything together, and the worst one.
    pub(crate) heard_permille: u64,
    pub(crate) heard_permille_least: u64,
    pub(crate) longest_silence_ms: u64,
    pub(crate) silent_for_a_second: usize,
    /// From coming in to the first sound.
    pub(crate) first_sound: Times,
}

/// Processor time as thousandths of a core. `None` if the process could not be found here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Processors {
    pub(crate) media_server_millicores: Option<u64>,
    pub(crate) media_server_memory_mb: Option<u64>,
    pub(crate) clients_millicores: Option<u64>,
    pub(crate) cores: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub(crate) struct Times {
    pub(crate) count: usize,
    /// Those that took longer than anybody waited.
    pub(crate) missing: usize,
    pub(crate) p50_ms: u64,
    pub(crate) p99_ms: u64,
    pub(crate) longest_ms: u64,
}

impl Times {
    pub(crate) fn of(times: impl IntoIterator<Item = Option<Duration>>) -> Self {
        let (mut known, mut missing) = (Vec::new(), 0);
        for time in times {
            match time {
                Some(time) => known.push(millis(time)),
                None => missing += 1,
            }
        }
        known.sort_unstable();
        let percentile = |percent: usize| {
            let rank = (known.len() * percent).div_ceil(100).max(1);
            known.get(rank - 1).copied().unwrap_or_default()
        };
        Self {
            count: known.len(),
            missing,
            p50_ms: percentile(50),
            p99_ms: percentile(99),
            longest_ms: percentile(100),
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Figures {
    /// What a live room could not do without, as sentences. None: this media server carries such a room.
    pub(crate) fn complaints(&self) -> Vec<String> {
        const HEARD_PERMILLE_MIN: u64 = 980;
        const PERMISSION_MS_MAX: u64 = 1_000;
        const REMOVAL_MS_MAX: u64 = 2_000;
        let outside: usize = self.joins.iter().map(|joins| joins.stayed_outside).sum();
        let audio = &self.audio;
        let mut complaints = Vec::new();
        let mut complain = |is_so: bool, text: String| {
            if is_so {
                complaints.push(text);
            }
        };
        complain(outside > 0, format!("{outside} did not come in"));
        complain(
            audio.never_heard > 0,
            format!("{} times a speaker was never heard", audio.never_heard),
        );
        complain(
            audio.heard_permille < HEARD_PERMILLE_MIN,
            "less than 98 % of the audio arrived".to_owned(),
        );
        let is_late = |times: &Times, limit: u64| times.missing > 0 || times.p99_ms > limit;
        complain(
            is_late(&self.permissions, PERMISSION_MS_MAX),
            "permissions took longer than a second".to_owned(),
        );
        complain(
            is_late(&self.removals, REMOVAL_MS_MAX),
            "removals took longer than two seconds".to_owned(),
        );
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let times = (1..=200).map(|ms| Some(Duration::from_millis(ms)));
        let times = Times::of(times.chain([None]));
        assert_eq!((times.count, times.missing), (200, 1));
        assert_eq!((times.p50_ms, times.p99_ms, times.longest_ms), (100, 198, 200));
        assert_eq!(Times::of([]), Times::default());
    }
}
