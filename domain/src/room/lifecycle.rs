//! Opening, ending and cancelling a room.

use crate::room::command::Authority;
use crate::room::decide::Decision;
use crate::room::event::{LeaveReason, ReleaseReason};
use crate::room::powers::Power;
use crate::room::seats::Seats;
use crate::room::selling::released;
use crate::{Room, RoomError, RoomEvent, SessionId, Timestamp, UserId};

impl Room {
    /// The host opens when they like: planned times are a promise to buyers, not a lock.
    pub(super) fn open(&self, by: UserId, session_id: SessionId, at: Timestamp) -> Decision {
        self.require_host(by)?;
        match self {
            Self::Scheduled { facts, .. } => Ok(vec![RoomEvent::RoomOpened {
                session_id: facts.lobby.unwrap_or(session_id),
                opened_at: at,
            }]),
            Self::Live { .. } => Ok(vec![]),
            Self::Unscheduled | Self::Ended { .. } | Self::Cancelled { .. } | Self::Voided { .. } => {
                Err(self.wrong_state())
            }
        }
    }

    /// What is held and not paid is over with the room.
    pub(super) fn end(&self, by: Authority, at: Timestamp) -> Decision {
        match by {
            // Who led when the room ended says it again.
            Authority::User(user) if self.is_over() && self.is_co_host(user) => {}
            Authority::User(user) => self.require_power(Power::End, user)?,
            Authority::Admin => self.require_authority(by)?,
        }
        match self {
            Self::Live { .. } => {
                let ended = RoomEvent::RoomEnded { ended_at: at };
                Ok(self.and_release_holds(ended, ReleaseReason::Lapsed, LeaveReason::RoomOver, at))
            }
            // What was live is over, whoever says so last.
            Self::Ended { .. }
            | Self::Voided {
                session_id: Some(_), ..
            } => Ok(vec![]),
            Self::Unscheduled | Self::Scheduled { .. } | Self::Cancelled { .. } | Self::Voided { .. } => {
                Err(self.wrong_state())
            }
        }
    }

    pub(super) fn cancel(&self, by: Authority, at: Timestamp) -> Decision {
        self.require_authority(by)?;
        match self {
            Self::Scheduled { .. } => {
                let cancelled = RoomEvent::RoomCancelled { cancelled_at: at };
                Ok(self.and_release_holds(cancelled, ReleaseReason::RoomCancelled, LeaveReason::RoomCancelled, at))
            }
            Self::Cancelled { .. } => Ok(vec![]),
            Self::Unscheduled | Self::Live { .. } | Self::Ended { .. } | Self::Voided { .. } => Err(self.wrong_state()),
        }
    }

    pub(super) fn require_authority(&self, by: Authority) -> Result<(), RoomError> {
        match by {
            Authority::User(user) => self.require_host(user),
            Authority::Admin => self.facts().map(|_| ()).ok_or(RoomError::NotScheduled),
        }
    }

    pub(super) fn and_release_holds(
        &self,
        first: RoomEvent,
        reason: ReleaseReason,
        leave: LeaveReason,
        at: Timestamp,
    ) -> Vec<RoomEvent> {
        let holds = self.seats().into_iter().flat_map(Seats::holds);
        let released = holds.map(|(ticket_id, buyer)| released(ticket_id, buyer, reason, at));
        let mut events = vec![first];
        events.extend(self.recording_stopped(None, at));
        events.extend(released.map(RoomEvent::SeatReleased));
        events.extend(self.dismiss_line(leave, at));
        events
    }
}
