//! The pure part: stays as they are recorded.

use std::cmp::max;

use chrono::TimeDelta;
use domain::Timestamp;
use domain::room::{PresenceInterval, Source};

use crate::Identity;
use crate::presence::{Attendee, Left};

/// Whoever was seen this shortly before the end of the room stayed until its end: observations are a second apart.
const SEEN_UNTIL_THE_END: TimeDelta = TimeDelta::seconds(5);

/// The media server's reports are no finer.
const REPORT_STEP: TimeDelta = TimeDelta::seconds(1);

/// Cuts the stays at the opening, before which there was a lobby, and at `end`, that of the room or the present. Whoever left
/// before or came later was not there.
pub(super) fn intervals(attendees: &[Attendee], opened_at: Timestamp, end: Timestamp) -> Vec<PresenceInterval> {
    attendees
        .iter()
        .filter(|attendee| attendee.stay.joined_at <= end)
        .map(|attendee| interval(attendee, opened_at, end))
        .filter(|interval| interval.left_at > opened_at || interval.joined_at > opened_at)
        .collect()
}

fn interval(attendee: &Attendee, opened_at: Timestamp, end: Timestamp) -> PresenceInterval {
    let stay = &attendee.stay;
    let left = stay.left.unwrap_or_else(|| {
        let until_the_end = end - stay.seen_at <= SEEN_UNTIL_THE_END;
        Left {
            at: if until_the_end { end } else { stay.seen_at },
            by: Source::Poll,
        }
    });
    // A report has whole seconds: of who was put out with the room it may say the second before its end.
    let told_to_the_second = left.by == Source::Webhook && left.at + REPORT_STEP > end;
    let left = if left.at >= end || told_to_the_second {
        Left {
            at: end,
            by: Source::RoomEnd,
        }
    } else {
        left
    };
    let (left_at, left_by) = (max(stay.joined_at, left.at), left.by);
    let mut speech = stay.speech.clone();
    if stay.audible && stay.left.is_none() {
        speech.extend(left_at);
    }
    speech.cut(left_at);
    speech.cut_before(opened_at);
    let speaking = speech.recorded(left_at, left_by);
    PresenceInterval {
        user: attendee.user,
        ticket_id: match attendee.identity {
            Identity::Ticket(ticket) => Some(ticket),
            Identity::Host(_) => None,
        },
        joined_at: if left_at > opened_at {
            max(stay.joined_at, opened_at)
        } else {
            stay.joined_at
        },
        left_at,
        audible_ms: u64::try_from(speech.total_ms()).unwrap_or(0),
        joined_by: Some(stay.joined_by),
        left_by: Some(left_by),
        speaking,
    }
}

#[cfg(test)]
mod tests {
    use domain::{TicketId, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::presence::{Leave, Sighting, Stay};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn host() -> Identity {
        Identity::Host(UserId::from_uuid(Uuid::from_u128(1)))
    }

    fn ticket(number: u128) -> Identity {
        Identity::Ticket(TicketId::from_uuid(Uuid::from_u128(number)))
    }

    /// Joined, then seen with an open microphone or not.
    fn stayed(identity: Identity, joined: i64, seen: &[(i64, bool)]) -> Attendee {
        let sighting = |audible| Sighting {
            joined_at: Some(at(joined)),
            audible,
        };
        let ((first, audible), rest) = seen.split_first().expect("seen");
        let mut stay = Stay::begin(sighting(*audible), at(*first));
        for (second, audible) in rest {
            stay.see(sighting(*audible), at(*second));
        }
        Attendee {
            identity,
            participant_sid: "PA_1".to_owned(),
            user: UserId::from_uuid(Uuid::from_u128(1)),
            stay,
        }
    }

    fn left(mut attendee: Attendee, second: i64) -> Attendee {
        let leave = Leave {
            joined_at: None,
            at: at(second),
            timed_out: false,
        };
        attendee.stay.leave(leave, at(second));
        attendee
    }

    #[test]
    fn an_open_stay_ends_with_the_room_or_when_it_was_last_seen() {
        let intervals = intervals(
            &[
                stayed(host(), 0, &[(1, false), (97, false)]),
                stayed(ticket(2), 0, &[(1, false), (80, false)]),
                left(stayed(ticket(3), 0, &[(1, false), (104, false)]), 105),
                left(stayed(ticket(4), 0, &[(1, false), (20, false)]), 21),
                left(stayed(ticket(5), 0, &[(1, false), (99, false)]), 99),
                left(stayed(ticket(6), 0, &[(1, false), (98, false)]), 100),
            ],
            at(-1),
            at(100),
        );
        let ends: Vec<_> = intervals.iter().map(|stay| (stay.left_at, stay.left_by)).collect();
        assert_eq!(
            ends,
            [
                (at(100), Some(Source::RoomEnd)),
                (at(80), Some(Source::Poll)),
                (at(100), Some(Source::RoomEnd)),
                (at(21), Some(Source::Webhook)),
                (at(99), Some(Source::Webhook)),
                (at(100), Some(Source::RoomEnd)),
            ]
        );
    }

    #[test]
    fn nobody_is_heard_for_longer_than_they_were_there_or_comes_after_the_end() {
        let intervals = intervals(
            &[
                stayed(host(), 90, &[(90, true), (99, true), (104, true)]),
                stayed(ticket(2), 101, &[(101, false), (104, false)]),
            ],
            at(-1),
            at(100),
        );
        let [host] = &intervals[..] else {
            panic!("one was there: {intervals:?}");
        };
        let spans: Vec<_> = host.speaking.iter().map(|span| (span.from, span.until)).collect();
        assert_eq!((host.audible_ms, spans), (10_000, vec![(at(90), at(100))]));
    }

    #[test]
    fn who_speaks_until_the_room_ends_is_heard_until_then() {
        let intervals = intervals(
            &[stayed(host(), 0, &[(1, false), (60, true), (98, true)])],
            at(-1),
            at(100),
        );
        let span = intervals[0].speaking[0];
        assert_eq!((span.from, span.until, span.source), (at(60), at(100), Source::RoomEnd));
    }

    #[test]
    fn what_was_said_in_the_lobby_was_said_to_nobody() {
        let host = stayed(host(), 0, &[(1, true), (50, true), (60, false)]);
        let left = left(stayed(ticket(2), 0, &[(1, false)]), 20);
        let intervals = intervals(&[host, left], at(40), at(100));
        let [host] = &intervals[..] else {
            panic!("one was there: {intervals:?}");
        };
        assert_eq!((host.joined_at, host.audible_ms), (at(40), 20_000));
    }
}
