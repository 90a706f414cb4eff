//! The evidence of an opening on the record, and the verdict on it (`rules.md` 9 to 11).

use std::collections::BTreeSet;
use std::mem;

use crate::room::command::{JudgeComing, RecordDelivery};
use crate::room::decide::Decision;
use crate::room::event::{DeliveryRecorded, LeaveReason, PresenceInterval, ReleaseReason, Verdict, VoidReason};
use crate::room::facts::RoomFacts;
use crate::room::recordings::Recordings;
use crate::room::verdict::{self, Coming, HostSide};
use crate::{Room, RoomError, RoomEvent, Timestamp};

/// The evidence is recorded in parts of at most so many facts: stays, and times of speaking.
pub const FACTS_PER_EVENT_MAX: usize = 500;

impl Room {
    /// The evidence in parts, then the verdict, and what follows from it for the room. A room that was given up before it
    /// ended has evidence, too, which changes nothing any more.
    pub(super) fn record_delivery(&self, record: &RecordDelivery) -> Decision {
        let (facts, session_id, ended_at, delivery) = match self {
            Self::Ended {
                facts,
                session_id,
                ended_at,
                delivery,
                ..
            }
            | Self::Voided {
                facts,
                session_id: Some(session_id),
                ended_at: Some(ended_at),
                delivery,
                ..
            } => (facts, *session_id, *ended_at, delivery),
            Self::Unscheduled => return Err(RoomError::NotScheduled),
            Self::Scheduled { .. } | Self::Live { .. } | Self::Cancelled { .. } | Self::Voided { .. } => {
                return Err(self.wrong_state());
            }
        };
        if session_id != record.session_id {
            return Err(RoomError::WrongState {
                state: "known by another session",
            });
        }
        if delivery.is_some() {
            return Ok(vec![]);
        }
        let host_side = facts.host_side_of(&record.intervals);
        let verdict = match self.void_reason() {
            Some(reason) => Verdict::Void { reason },
            None => verdict::judge(
                &facts.promise(),
                record.opened_at,
                ended_at,
                &host_side,
                &record.interruptions,
            ),
        };
        let mut events: Vec<RoomEvent> = parts(&record.intervals)
            .into_iter()
            .map(|intervals| RoomEvent::PresenceRecorded { session_id, intervals })
            .collect();
        events.push(RoomEvent::DeliveryRecorded(delivered(record, &host_side, verdict)));
        if let (Verdict::Void { reason }, None) = (verdict, self.void_reason()) {
            events.push(voided(reason, record.at));
        }
        Ok(events)
    }

    /// Whether the host's side failed to come: of a room that was never opened by its time alone, of one that is live by
    /// what was seen of it.
    pub(super) fn judge_coming(&self, judge: &JudgeComing) -> Decision {
        let is_no_show = match self {
            Self::Scheduled { facts, .. } => judge.at >= facts.promise().no_show_at(),
            Self::Live { facts, session_id, .. } => judge
                .seen
                .as_ref()
                .filter(|seen| seen.session_id == *session_id)
                .is_some_and(|seen| {
                    let host_side = facts.host_side_of(&seen.intervals);
                    let (promise, lost) = (facts.promise(), &seen.interruptions);
                    verdict::coming(&promise, seen.opened_at, &host_side, lost, judge.at) == Coming::NoShow
                }),
            Self::Unscheduled => return Err(RoomError::NotScheduled),
            Self::Ended { .. } | Self::Cancelled { .. } | Self::Voided { .. } => false,
        };
        Ok(if is_no_show {
            self.give_up(VoidReason::NoShow, judge.at)
        } else {
            vec![]
        })
    }

    /// Until the room is judged. What was earned stays earned.
    pub(super) fn moderate(&self, at: Timestamp) -> Decision {
        match self {
            Self::Scheduled { .. } | Self::Live { .. } | Self::Ended { delivery: None, .. } => {
                Ok(self.give_up(VoidReason::Moderation, at))
            }
            Self::Voided { .. } => Ok(vec![]),
            Self::Unscheduled => Err(RoomError::NotScheduled),
            Self::Ended { .. } => Err(RoomError::RoomOver),
            Self::Cancelled { .. } => Err(self.wrong_state()),
        }
    }

    fn give_up(&self, reason: VoidReason, at: Timestamp) -> Vec<RoomEvent> {
        self.and_release_holds(
            voided(reason, at),
            ReleaseReason::RoomCancelled,
            LeaveReason::RoomCancelled,
            at,
        )
    }
}

/// What became of a room, taken in.
impl Room {
    pub(super) fn become_void(&mut self, reason: VoidReason, voided_at: Timestamp) {
        self.with_recordings(Recordings::forget_consents);
        *self = match mem::take(self) {
            Self::Scheduled { facts, seats } => Self::Voided {
                facts,
                seats,
                reason,
                session_id: None,
                ended_at: None,
                delivery: None,
            },
            Self::Live {
                facts,
                seats,
                session_id,
                ..
            } => Self::Voided {
                facts,
                seats,
                reason,
                session_id: Some(session_id),
                ended_at: Some(voided_at),
                delivery: None,
            },
            Self::Ended {
                facts,
                seats,
                session_id,
                ended_at,
                delivery,
            } => Self::Voided {
                facts,
                seats,
                reason,
                session_id: Some(session_id),
                ended_at: Some(ended_at),
                delivery,
            },
            other @ (Self::Unscheduled | Self::Cancelled { .. } | Self::Voided { .. }) => other,
        };
    }

    pub(super) fn take_delivery(&mut self, recorded: DeliveryRecorded) {
        match self {
            Self::Ended { delivery, .. } | Self::Voided { delivery, .. } => *delivery = Some(Box::new(recorded)),
            Self::Unscheduled | Self::Scheduled { .. } | Self::Live { .. } | Self::Cancelled { .. } => {}
        }
    }
}

impl RoomFacts {
    /// Whoever came without a ticket is of the host's side; a co-host is also with one.
    fn is_of_host_side(&self, stay: &PresenceInterval) -> bool {
        stay.ticket_id.is_none() || stay.user == self.host || self.co_hosts.contains(&stay.user)
    }

    /// What these stays say of the host's side.
    pub fn host_side_of(&self, stays: &[PresenceInterval]) -> HostSide {
        HostSide::of(stays.iter().filter(|stay| self.is_of_host_side(stay)))
    }
}

fn delivered(record: &RecordDelivery, host_side: &HostSide, verdict: Verdict) -> DeliveryRecorded {
    let there = record.intervals.iter().filter(|stay| host_side.is_heard_in(stay));
    let tickets: BTreeSet<_> = there.filter_map(|stay| stay.ticket_id).collect();
    DeliveryRecorded {
        session_id: record.session_id,
        host_heard_ms: host_side.heard_ms(),
        listeners_present: u32::try_from(tickets.len()).unwrap_or(u32::MAX),
        delivered: !matches!(verdict, Verdict::Void { .. }),
        recorded_at: record.at,
        verdict: Some(verdict),
        interruptions: record.interruptions.clone(),
    }
}

const fn voided(reason: VoidReason, voided_at: Timestamp) -> RoomEvent {
    RoomEvent::RoomVoided { reason, voided_at }
}

/// A stay that alone has more facts than a part may have is a part of its own.
fn parts(stays: &[PresenceInterval]) -> Vec<Vec<PresenceInterval>> {
    let mut parts: Vec<Vec<PresenceInterval>> = Vec::new();
    let mut facts = FACTS_PER_EVENT_MAX;
    for stay in stays {
        let more = stay.speaking.len().saturating_add(1);
        let with_it = facts.saturating_add(more);
        match parts.last_mut() {
            Some(part) if with_it <= FACTS_PER_EVENT_MAX => {
                part.push(stay.clone());
                facts = with_it;
            }
            _ => {
                parts.push(vec![stay.clone()]);
                facts = more;
            }
        }
    }
    parts
}
