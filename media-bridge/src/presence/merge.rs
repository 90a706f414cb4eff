//! The pure part: one stay, and what an observation adds to it.

use std::cmp::{max, min};

use chrono::TimeDelta;
use domain::Timestamp;

use crate::LiveParticipant;

/// The most that the time between two observations counts as heard. Longer gaps were not observed.
pub(crate) const MAX_AUDIBLE_STEP: TimeDelta = TimeDelta::seconds(3);

/// One connection of one person to one room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stay {
    pub(crate) joined_at: Timestamp,
    /// The last time they were seen to be there.
    pub(crate) seen_at: Timestamp,
    pub(crate) left_at: Option<Timestamp>,
    /// Whether an unmuted microphone track was published when last seen.
    pub(crate) audible: bool,
    pub(crate) audible_ms: i64,
}

/// What an observation says of somebody who is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sighting {
    pub(crate) joined_at: Option<Timestamp>,
    pub(crate) audible: bool,
}

/// A report that a connection ended. The media server's clock has whole seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Leave {
    pub(crate) joined_at: Option<Timestamp>,
    pub(crate) at: Timestamp,
}

impl Sighting {
    /// `None` while the connection is being made or is already gone: nobody is in a room without media.
    pub(crate) fn of(participant: &LiveParticipant) -> Option<Self> {
        participant.is_active.then(|| Self {
            joined_at: participant.joined_at,
            audible: participant.tracks.iter().any(|track| track.is_audio && !track.is_muted),
        })
    }
}

impl Stay {
    /// Seen for the first time.
    pub(crate) fn begin(sighting: Sighting, now: Timestamp) -> Self {
        Self {
            joined_at: min(sighting.joined_at.unwrap_or(now), now),
            seen_at: now,
            left_at: None,
            audible: sighting.audible,
            audible_ms: 0,
        }
    }

    /// Left before anybody saw them.
    pub(crate) fn missed(leave: Leave, now: Timestamp) -> Self {
        let left_at = min(leave.at, now);
        Self {
            joined_at: min(leave.joined_at.unwrap_or(left_at), left_at),
            seen_at: left_at,
            left_at: Some(left_at),
            audible: false,
            audible_ms: 0,
        }
    }

    /// Seen again. A stay that was thought over goes on: the media server's listing may miss somebody for a moment.
    pub(crate) fn see(&mut self, sighting: Sighting, now: Timestamp) {
        if now < self.seen_at {
            return;
        }
        self.count_audible_until(now);
        self.seen_at = now;
        self.left_at = None;
        self.audible = sighting.audible;
    }

    /// Not there any more, unobserved since `seen_at`.
    pub(crate) fn miss(&mut self) {
        if self.left_at.is_none() {
            self.left_at = Some(self.seen_at);
            self.audible = false;
        }
    }

    /// Reported to have left: more exact than the observation that missed them, wherever it comes in order.
    pub(crate) fn leave(&mut self, leave: Leave, now: Timestamp) {
        let left_at = max(min(leave.at, now), self.seen_at);
        self.count_audible_until(left_at);
        self.left_at = Some(max(left_at, self.left_at.unwrap_or(left_at)));
        self.audible = false;
    }

    fn count_audible_until(&mut self, now: Timestamp) {
        if self.audible && self.left_at.is_none() {
            let step = (now - self.seen_at).clamp(TimeDelta::zero(), MAX_AUDIBLE_STEP);
            self.audible_ms = self.audible_ms.saturating_add(step.num_milliseconds());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LiveTrack;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(1_800_000_000_000 + millis).expect("a time")
    }

    fn sighting(audible: bool) -> Sighting {
        Sighting {
            joined_at: Some(at(0)),
            audible,
        }
    }

    fn leave(millis: i64) -> Leave {
        Leave {
            joined_at: Some(at(0)),
            at: at(millis),
        }
    }

    #[test]
    fn time_counts_as_heard_from_the_first_audible_observation_to_the_first_silent_one() {
        let mut stay = Stay::begin(sighting(false), at(100));
        stay.see(sighting(true), at(1_000));
        stay.see(sighting(true), at(2_000));
        stay.see(sighting(false), at(2_500));
        stay.see(sighting(false), at(3_500));
        assert_eq!(
            (stay.audible_ms, stay.joined_at, stay.seen_at),
            (1_500, at(0), at(3_500))
        );
    }

    #[test]
    fn a_gap_between_observations_counts_only_in_part() {
        let mut stay = Stay::begin(sighting(true), at(0));
        stay.see(sighting(true), at(60_000));
        assert_eq!(stay.audible_ms, MAX_AUDIBLE_STEP.num_milliseconds());
    }

    #[test]
    fn whoever_is_missed_left_when_last_seen_and_a_later_report_says_it_better() {
        let mut stay = Stay::begin(sighting(true), at(0));
        stay.miss();
        assert_eq!((stay.left_at, stay.audible_ms), (Some(at(0)), 0));
        stay.leave(leave(800), at(900));
        assert_eq!((stay.left_at, stay.audible_ms), (Some(at(800)), 0));
        stay.miss();
        assert_eq!(stay.left_at, Some(at(800)));
    }

    #[test]
    fn a_report_of_the_end_counts_the_last_step_and_never_reaches_into_the_future() {
        let mut stay = Stay::begin(sighting(true), at(0));
        stay.leave(leave(99_000), at(700));
        assert_eq!((stay.left_at, stay.audible_ms), (Some(at(700)), 700));
        stay.leave(leave(99_000), at(700));
        assert_eq!(stay.audible_ms, 700, "a repeated report adds nothing");
    }

    #[test]
    fn a_report_older_than_the_last_observation_does_not_shorten_the_stay() {
        let mut stay = Stay::begin(sighting(false), at(0));
        stay.see(sighting(false), at(1_900));
        stay.leave(leave(1_000), at(2_000));
        assert_eq!(stay.left_at, Some(at(1_900)));
    }

    #[test]
    fn somebody_the_listing_missed_for_a_moment_is_still_there_but_was_not_heard_meanwhile() {
        let mut stay = Stay::begin(sighting(true), at(0));
        stay.miss();
        stay.see(sighting(true), at(2_000));
        assert_eq!((stay.left_at, stay.audible_ms), (None, 0));
    }

    #[test]
    fn an_observation_from_the_past_changes_nothing() {
        let mut stay = Stay::begin(sighting(true), at(1_000));
        let before = stay.clone();
        stay.see(sighting(false), at(500));
        assert_eq!(stay, before);
    }

    #[test]
    fn a_stay_nobody_saw_lasts_from_join_to_leave() {
        let stay = Stay::missed(leave(400), at(500));
        assert_eq!(
            (stay.joined_at, stay.left_at, stay.audible_ms),
            (at(0), Some(at(400)), 0)
        );
    }

    #[test]
    fn only_an_unmuted_audio_track_of_an_active_connection_is_audible() {
        let track = |is_audio, is_muted| LiveTrack {
            sid: "TR_1".to_owned(),
            is_audio,
            is_muted,
        };
        let participant = |is_active, tracks| LiveParticipant {
            is_egress: false,
            identity: "host".to_owned(),
            sid: "PA_1".to_owned(),
            is_active,
            marks: crate::Marks::new(),
            joined_at: None,
            may_publish: true,
            entry: 1,
            tracks,
        };
        let audible = |tracks| Sighting::of(&participant(true, tracks)).expect("active").audible;
        assert!(audible(vec![track(false, false), track(true, false)]));
        assert!(!audible(vec![track(true, true), track(false, false)]));
        assert!(!audible(vec![]));
        assert_eq!(Sighting::of(&participant(false, vec![track(true, false)])), None);
    }
}
