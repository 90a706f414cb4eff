//! The pure part: one stay, and what an observation adds to it.

use std::cmp::{max, min};

use chrono::TimeDelta;
use domain::Timestamp;
use domain::room::Source;

use super::speech::Speech;
use crate::LiveParticipant;

/// How long the media server waits for a connection that has failed before it reports its end: 10 s without an answer, 5 s
/// more for it to come back, and 5 s to clear it away.
pub(crate) const MEDIA_PATIENCE: TimeDelta = TimeDelta::seconds(20);

/// One connection of one person to one room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stay {
    pub(crate) joined_at: Timestamp,
    pub(crate) joined_by: Source,
    /// The last time they were seen to be there.
    pub(crate) seen_at: Timestamp,
    pub(crate) left: Option<Left>,
    /// Whether an unmuted microphone track was published when last seen.
    pub(crate) audible: bool,
    pub(crate) speech: Speech,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Left {
    pub(crate) at: Timestamp,
    pub(crate) by: Source,
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
    /// The connection had failed: whoever it was had been gone for as long as the media server waits.
    pub(crate) timed_out: bool,
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
        let mut stay = Self {
            joined_at: min(sighting.joined_at.unwrap_or(now), now),
            joined_by: Source::Poll,
            seen_at: now,
            left: None,
            audible: sighting.audible,
            speech: Speech::default(),
        };
        if sighting.audible {
            stay.speech.begin(now);
        }
        stay
    }

    /// Left before anybody saw them.
    pub(crate) fn missed(leave: Leave, now: Timestamp) -> Self {
        let told = min(leave.at, now);
        let joined_at = min(leave.joined_at.unwrap_or(told), told);
        let left = leave.left(joined_at, now);
        Self {
            joined_at,
            joined_by: Source::Webhook,
            seen_at: left.at,
            left: Some(left),
            audible: false,
            speech: Speech::default(),
        }
    }

    /// Seen again. A stay that was thought over goes on: the media server's listing may miss somebody for a moment. A
    /// microphone that is open on the same connection as before was open all the time, however long nobody looked.
    pub(crate) fn see(&mut self, sighting: Sighting, now: Timestamp) {
        if now < self.seen_at {
            return;
        }
        self.listen_until(now);
        if sighting.audible && !(self.audible && self.left.is_none()) {
            self.speech.begin(now);
        }
        self.seen_at = now;
        self.left = None;
        self.audible = sighting.audible;
    }

    /// Not there any more, unobserved since `seen_at`.
    pub(crate) fn miss(&mut self) {
        if self.left.is_none() {
            self.left = Some(Left {
                at: self.seen_at,
                by: Source::Poll,
            });
            self.audible = false;
        }
    }

    /// Reported to have left: more exact than the observation that missed them, wherever it comes in order. Of a
    /// connection that failed the media server's list says for a while that it is there: what was seen of it then is taken
    /// back.
    pub(crate) fn leave(&mut self, leave: Leave, now: Timestamp) {
        let told = leave.left(self.joined_at, now);
        match self.left {
            Some(Left {
                by: Source::Timeout, ..
            }) => return,
            Some(known) if told.by != Source::Timeout && known.at >= told.at => {
                self.left = Some(Left { at: known.at, ..told });
            }
            _ if told.by == Source::Timeout => {
                self.listen_until(told.at);
                self.speech.cut(told.at);
                self.left = Some(told);
            }
            _ => {
                let at = max(told.at, self.seen_at);
                self.listen_until(at);
                self.left = Some(Left { at, ..told });
            }
        }
        self.audible = false;
    }

    fn listen_until(&mut self, now: Timestamp) {
        if self.audible && self.left.is_none() {
            self.speech.extend(now);
        }
    }
}

impl Leave {
    fn left(&self, joined_at: Timestamp, now: Timestamp) -> Left {
        let told = min(self.at, now);
        if !self.timed_out {
            return Left {
                at: told,
                by: Source::Webhook,
            };
        }
        let at = told.checked_sub_signed(MEDIA_PATIENCE).unwrap_or(told);
        Left {
            at: max(at, joined_at),
            by: Source::Timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LiveTrack;
    use crate::presence::speech::SPANS_MAX;

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
            timed_out: false,
        }
    }

    fn left(stay: &Stay) -> Option<(Timestamp, Source)> {
        stay.left.map(|left| (left.at, left.by))
    }

    #[test]
    fn time_counts_as_heard_from_the_first_audible_observation_to_the_first_silent_one() {
        let mut stay = Stay::begin(sighting(false), at(100));
        stay.see(sighting(true), at(1_000));
        stay.see(sighting(true), at(2_000));
        stay.see(sighting(false), at(2_500));
        stay.see(sighting(false), at(3_500));
        stay.see(sighting(true), at(4_500));
        stay.see(sighting(true), at(5_500));
        let spans: Vec<_> = stay.speech.recorded(at(5_500), Source::RoomEnd);
        let spans: Vec<_> = spans.iter().map(|span| (span.from, span.until, span.source)).collect();
        assert_eq!(
            spans,
            [
                (at(1_000), at(2_500), Source::Poll),
                (at(4_500), at(5_500), Source::RoomEnd)
            ]
        );
        assert_eq!((stay.joined_at, stay.seen_at), (at(0), at(5_500)));
    }

    #[test]
    fn a_microphone_that_is_open_before_and_after_a_gap_was_open_in_it() {
        let mut stay = Stay::begin(sighting(true), at(0));
        stay.see(sighting(true), at(60_000));
        assert_eq!(stay.speech.total_ms(), 60_000);
    }

    #[test]
    fn whoever_is_missed_left_when_last_seen_and_a_later_report_says_it_better() {
        let mut stay = Stay::begin(sighting(true), at(0));
        stay.miss();
        assert_eq!((left(&stay), stay.speech.total_ms()), (Some((at(0), Source::Poll)), 0));
        stay.leave(leave(800), at(900));
        assert_eq!(
            (left(&stay), stay.speech.total_ms()),
            (Some((at(800), Source::Webhook)), 0)
        );
        stay.miss();
        assert_eq!(left(&stay), Some((at(800), Source::Webhook)));
    }

    #[test]
    fn a_report_of_the_end_counts_the_last_step_and_never_reaches_into_the_future() {
        let mut stay = Stay::begin(sighting(true), at(0));
        stay.leave(leave(99_000), at(700));
        assert_eq!(
            (left(&stay), stay.speech.total_ms()),
            (Some((at(700), Source::Webhook)), 700)
        );
        let before = stay.clone();
        stay.leave(leave(99_000), at(700));
        assert_eq!(stay, before, "a repeated report adds nothing");
    }

    #[test]
    fn a_report_older_than_the_last_observation_does_not_shorten_the_stay() {
        let mut stay = Stay::begin(sighting(false), at(0));
        stay.see(sighting(false), at(1_900));
        stay.leave(leave(1_000), at(2_000));
        assert_eq!(left(&stay), Some((at(1_900), Source::Webhook)));
    }

    /// Killed at second 30; the media server lists them for 21 seconds more, microphone and all.
    #[test]
    fn of_a_connection_that_failed_what_was_seen_of_it_is_taken_back() {
        let timeout = Leave {
            timed_out: true,
            ..leave(51_000)
        };
        let listed = || {
            let mut stay = Stay::begin(sighting(true), at(0));
            for second in 1..51 {
                stay.see(sighting(true), at(second * 1_000));
            }
            stay
        };
        for missed_first in [true, false] {
            let mut stay = listed();
            if missed_first {
                stay.miss();
            }
            stay.leave(timeout, at(51_500));
            assert_eq!(
                (left(&stay), stay.speech.total_ms()),
                (Some((at(31_000), Source::Timeout)), 31_000)
            );
            let before = stay.clone();
            stay.leave(leave(51_000), at(51_500));
            assert_eq!(stay, before);
        }
    }

    #[test]
    fn somebody_the_listing_missed_for_a_moment_is_still_there_but_was_not_heard_meanwhile() {
        let mut stay = Stay::begin(sighting(true), at(0));
        stay.miss();
        stay.see(sighting(true), at(2_000));
        assert_eq!((stay.left, stay.speech.total_ms()), (None, 0));
        stay.see(sighting(true), at(3_000));
        assert_eq!(stay.speech.total_ms(), 1_000);
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
        assert_eq!((stay.joined_at, stay.joined_by), (at(0), Source::Webhook));
        assert_eq!(
            (left(&stay), stay.speech.total_ms()),
            (Some((at(400), Source::Webhook)), 0)
        );
    }

    #[test]
    fn who_speaks_too_often_is_kept_in_bounds() {
        let mut stay = Stay::begin(sighting(false), at(0));
        for second in 0..10_000 {
            stay.see(sighting(second % 2 == 0), at(second * 1_000));
        }
        let spans = stay.speech.recorded(at(10_000_000), Source::Poll);
        assert_eq!(spans.len(), SPANS_MAX);
        assert!(spans.is_sorted_by(|one, next| one.until <= next.from));
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
