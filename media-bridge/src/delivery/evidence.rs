//! The pure part: the verdict on an opening, from the stays of its people.

use std::cmp::{max, min};
use std::collections::HashSet;

use chrono::TimeDelta;
use domain::room::{PresenceInterval, RecordDelivery};
use domain::{SessionId, Timestamp, UserId};

use crate::Identity;
use crate::presence::Stay;

/// Whoever was seen this shortly before the end of the room stayed until its end: observations are a second apart.
const SEEN_UNTIL_THE_END: TimeDelta = TimeDelta::seconds(5);

#[derive(Clone, Debug)]
pub(super) struct Attendee {
    pub(super) identity: Identity,
    pub(super) user: UserId,
    pub(super) stay: Stay,
}

/// Cuts the stays at the end of the room and sums them up. Whoever came after the end was not there. A co-host is of the
/// host's side also with a ticket.
pub(super) fn evidence(
    session_id: SessionId,
    attendees: &[Attendee],
    co_hosts: &[UserId],
    ended_at: Timestamp,
    now: Timestamp,
) -> RecordDelivery {
    let intervals: Vec<(Identity, PresenceInterval)> = attendees
        .iter()
        .filter(|attendee| attendee.stay.joined_at <= ended_at)
        .map(|attendee| (attendee.identity, interval(attendee, ended_at)))
        .collect();
    let heard: Vec<&PresenceInterval> = intervals
        .iter()
        .filter(|(identity, interval)| {
            let is_of_host_side = matches!(identity, Identity::Host(_)) || co_hosts.contains(&interval.user);
            is_of_host_side && interval.audible_ms > 0
        })
        .map(|(_, interval)| interval)
        .collect();
    let present: HashSet<Identity> = intervals
        .iter()
        .filter(|(identity, stay)| {
            matches!(identity, Identity::Ticket(_)) && heard.iter().any(|host| overlap(host, stay))
        })
        .map(|(identity, _)| *identity)
        .collect();
    RecordDelivery {
        session_id,
        host_heard_ms: heard_ms(heard),
        listeners_present: u32::try_from(present.len()).unwrap_or(u32::MAX),
        intervals: intervals.into_iter().map(|(_, interval)| interval).collect(),
        at: now,
    }
}

fn interval(attendee: &Attendee, ended_at: Timestamp) -> PresenceInterval {
    let stay = &attendee.stay;
    let until_the_end = ended_at - stay.seen_at <= SEEN_UNTIL_THE_END;
    let open_end = if until_the_end { ended_at } else { stay.seen_at };
    let left_at = max(stay.joined_at, min(stay.left_at.unwrap_or(open_end), ended_at));
    let length_ms = (left_at - stay.joined_at).num_milliseconds();
    PresenceInterval {
        user: attendee.user,
        ticket_id: match attendee.identity {
            Identity::Ticket(ticket) => Some(ticket),
            Identity::Host(_) => None,
        },
        joined_at: stay.joined_at,
        left_at,
        audible_ms: u64::try_from(stay.audible_ms.clamp(0, length_ms)).unwrap_or(0),
    }
}

/// How long anybody of these was heard, at most: those who were there together may have spoken at the same time, so between
/// them they count for no longer than one of them was there.
fn heard_ms(mut stays: Vec<&PresenceInterval>) -> u64 {
    stays.sort_unstable_by_key(|stay| stay.joined_at);
    let (mut done, mut together) = (0_u64, 0_u64);
    let mut span: Option<(Timestamp, Timestamp)> = None;
    for stay in stays {
        span = match span {
            Some((begin, end)) if stay.joined_at < end => Some((begin, max(end, stay.left_at))),
            _ => {
                done = done.saturating_add(std::mem::take(&mut together));
                Some((stay.joined_at, stay.left_at))
            }
        };
        let length = span.map_or(0, |(begin, end)| (end - begin).num_milliseconds());
        let length = u64::try_from(length).unwrap_or(0);
        together = together.saturating_add(stay.audible_ms).min(length);
    }
    done.saturating_add(together)
}

fn overlap(one: &PresenceInterval, other: &PresenceInterval) -> bool {
    one.joined_at < other.left_at && other.joined_at < one.left_at
}

#[cfg(test)]
mod tests {
    use domain::TicketId;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    const CO_HOST: UserId = UserId::from_uuid(Uuid::from_u128(7));

    fn host() -> Identity {
        Identity::Host(UserId::from_uuid(Uuid::from_u128(1)))
    }

    fn ticket(number: u128) -> Identity {
        Identity::Ticket(TicketId::from_uuid(Uuid::from_u128(number)))
    }

    fn stayed(identity: Identity, joined: i64, seen: i64, left: Option<i64>, audible_ms: i64) -> Attendee {
        Attendee {
            identity,
            user: UserId::from_uuid(Uuid::from_u128(1)),
            stay: Stay {
                joined_at: at(joined),
                seen_at: at(seen),
                left_at: left.map(at),
                audible: false,
                audible_ms,
            },
        }
    }

    fn verdict(attendees: &[Attendee]) -> RecordDelivery {
        let session = SessionId::from_uuid(Uuid::from_u128(9));
        evidence(session, attendees, &[CO_HOST], at(100), at(110))
    }

    #[test]
    fn listeners_count_once_and_only_while_the_host_could_be_heard() {
        let verdict = verdict(&[
            stayed(host(), 10, 50, Some(50), 30_000),
            stayed(host(), 60, 70, Some(70), 0),
            stayed(ticket(2), 0, 20, Some(20), 0),
            stayed(ticket(2), 25, 99, None, 0),
            stayed(ticket(3), 51, 99, None, 0),
            stayed(ticket(4), 20, 99, None, 9_000),
        ]);
        assert_eq!((verdict.host_heard_ms, verdict.listeners_present), (30_000, 2));
        assert_eq!(verdict.intervals.len(), 6);
    }

    #[test]
    fn an_open_stay_ends_with_the_room_or_when_it_was_last_seen() {
        let verdict = verdict(&[
            stayed(host(), 0, 97, None, 0),
            stayed(ticket(2), 0, 80, None, 0),
            stayed(ticket(3), 0, 104, Some(105), 0),
        ]);
        let left: Vec<Timestamp> = verdict.intervals.iter().map(|interval| interval.left_at).collect();
        assert_eq!(left, [at(100), at(80), at(100)]);
    }

    #[test]
    fn nobody_is_heard_for_longer_than_they_were_there_or_comes_after_the_end() {
        let verdict = verdict(&[
            stayed(host(), 90, 104, None, 14_000),
            stayed(ticket(2), 101, 104, None, 0),
        ]);
        assert_eq!((verdict.host_heard_ms, verdict.listeners_present), (10_000, 0));
        assert_eq!(verdict.intervals.len(), 1);
    }

    #[test]
    fn a_co_host_is_heard_for_the_hosts_side_also_with_a_ticket() {
        let co_host = |identity| Attendee {
            user: CO_HOST,
            ..stayed(identity, 0, 99, None, 30_000)
        };
        for identity in [Identity::Host(CO_HOST), ticket(5)] {
            let verdict = verdict(&[co_host(identity), stayed(ticket(2), 0, 99, None, 0)]);
            assert_eq!(verdict.host_heard_ms, 30_000, "{identity}");
        }
    }

    #[test]
    fn two_who_are_heard_at_the_same_time_are_not_heard_for_twice_as_long() {
        let together = [
            stayed(host(), 0, 60, Some(60), 50_000),
            stayed(Identity::Host(CO_HOST), 20, 70, Some(70), 45_000),
            stayed(Identity::Host(CO_HOST), 80, 90, Some(90), 5_000),
        ];
        assert_eq!(verdict(&together).host_heard_ms, 75_000);
    }

    #[test]
    fn without_a_host_nothing_was_heard() {
        let verdict = verdict(&[stayed(ticket(2), 0, 99, None, 60_000)]);
        assert_eq!((verdict.host_heard_ms, verdict.listeners_present), (0, 0));
    }
}
