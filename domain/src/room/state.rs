//! The state of a room: what the next decision needs, and nothing else.

use std::mem;

use serde::{Deserialize, Serialize};

use crate::room::entering::Entrant;
use crate::room::event::{DeliveryRecorded, RoomRevised, RoomScheduled, VoidReason};
use crate::room::facts::RoomFacts;
use crate::room::prices::Prices;
use crate::room::recordings::Recordings;
use crate::room::seats::{Ending, Seat, Seats};
use crate::room::stage::Stage;
use crate::room::waiting_list::{PaidWaiter, Waiter};
use crate::shares::Share;
use crate::{RoomEvent, SessionId, TicketId, Timestamp, UserId};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    #[default]
    Unscheduled,
    Scheduled {
        facts: Box<RoomFacts>,
        seats: Seats,
    },
    Live {
        facts: Box<RoomFacts>,
        seats: Seats,
        stage: Box<Stage>,
        session_id: SessionId,
    },
    /// Nobody holds a seat any more; who bought one was there, or could have been.
    Ended {
        facts: Box<RoomFacts>,
        seats: Seats,
        session_id: SessionId,
        ended_at: Timestamp,
        delivery: Option<Box<DeliveryRecorded>>,
    },
    Cancelled {
        facts: Box<RoomFacts>,
        seats: Seats,
    },
    /// Everybody gets everything back.
    Voided {
        facts: Box<RoomFacts>,
        seats: Seats,
        reason: VoidReason,
        /// If it was opened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_id: Option<SessionId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery: Option<Box<DeliveryRecorded>>,
    },
}

/// Where a room is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomPhase {
    Unscheduled,
    Scheduled,
    Live,
    Ended,
    Cancelled,
    Voided,
}

impl RoomPhase {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unscheduled => "unscheduled",
            Self::Scheduled => "scheduled",
            Self::Live => "live",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
            Self::Voided => "voided",
        }
    }
}

impl Room {
    pub const fn phase(&self) -> RoomPhase {
        match self {
            Self::Unscheduled => RoomPhase::Unscheduled,
            Self::Scheduled { .. } => RoomPhase::Scheduled,
            Self::Live { .. } => RoomPhase::Live,
            Self::Ended { .. } => RoomPhase::Ended,
            Self::Cancelled { .. } => RoomPhase::Cancelled,
            Self::Voided { .. } => RoomPhase::Voided,
        }
    }

    pub fn facts(&self) -> Option<&RoomFacts> {
        match self {
            Self::Unscheduled => None,
            Self::Scheduled { facts, .. }
            | Self::Live { facts, .. }
            | Self::Ended { facts, .. }
            | Self::Cancelled { facts, .. }
            | Self::Voided { facts, .. } => Some(facts),
        }
    }

    pub fn is_host(&self, user: UserId) -> bool {
        self.facts().is_some_and(|facts| facts.host == user)
    }

    /// The opening of this room, from then on.
    pub const fn session_id(&self) -> Option<SessionId> {
        match self {
            Self::Live { session_id, .. } | Self::Ended { session_id, .. } => Some(*session_id),
            Self::Voided { session_id, .. } => *session_id,
            Self::Unscheduled | Self::Scheduled { .. } | Self::Cancelled { .. } => None,
        }
    }

    pub const fn was_opened(&self) -> bool {
        self.session_id().is_some()
    }

    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Ended { ended_at, .. } => Some(*ended_at),
            Self::Voided { ended_at, .. } => *ended_at,
            Self::Unscheduled | Self::Scheduled { .. } | Self::Live { .. } | Self::Cancelled { .. } => None,
        }
    }

    pub fn delivery(&self) -> Option<&DeliveryRecorded> {
        match self {
            Self::Ended { delivery, .. } | Self::Voided { delivery, .. } => delivery.as_deref(),
            Self::Unscheduled | Self::Scheduled { .. } | Self::Live { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// Why everybody gets everything back, if they do.
    pub const fn void_reason(&self) -> Option<VoidReason> {
        match self {
            Self::Voided { reason, .. } => Some(*reason),
            Self::Unscheduled
            | Self::Scheduled { .. }
            | Self::Live { .. }
            | Self::Ended { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// Whether this ticket was told, after its money came, that there is no seat.
    pub fn has_denied(&self, ticket_id: TicketId) -> bool {
        let seats = self.seats();
        seats.is_some_and(|seats| matches!(seats.ending(ticket_id), Some(Ending::Denied)))
    }

    /// The seat this ticket has now.
    pub fn seat(&self, ticket_id: TicketId) -> Option<Seat<'_>> {
        self.seats()?.seat(ticket_id)
    }

    /// Every ticket that has a sold seat, with its buyer.
    pub fn sold(&self) -> impl Iterator<Item = (TicketId, UserId)> {
        self.seats().into_iter().flat_map(Seats::sold)
    }

    /// Its tiers and promo codes, if it has any.
    pub fn prices(&self) -> Option<&Prices> {
        self.seats()?.prices()
    }

    pub fn held_count(&self) -> u32 {
        self.seats().map_or(0, Seats::held_count)
    }

    pub fn sold_count(&self) -> u32 {
        self.seats().map_or(0, Seats::sold_count)
    }

    /// When the next hold lapses, if nobody pays it.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.seats()?.next_expiry()
    }

    /// Whether this person was sent out of the live room. Forgotten when it is over: then nobody is let in.
    pub fn is_removed(&self, user: UserId) -> bool {
        self.stage().is_some_and(|stage| stage.is_removed(user))
    }

    pub(crate) const fn seats(&self) -> Option<&Seats> {
        match self {
            Self::Unscheduled => None,
            Self::Scheduled { seats, .. }
            | Self::Live { seats, .. }
            | Self::Ended { seats, .. }
            | Self::Cancelled { seats, .. }
            | Self::Voided { seats, .. } => Some(seats),
        }
    }

    /// Not sent out of the live room, and not banned.
    pub fn is_welcome(&self, user: UserId) -> bool {
        self.require_welcome(user).is_ok()
    }

    /// Whether this person may be in the room when it is live: the host's side, and who has a paid seat.
    pub fn may_be_inside(&self, user: UserId) -> bool {
        let has_seat = || self.seats().is_some_and(|seats| seats.bought_by(user) > 0);
        self.is_of_host_side(user) || (self.is_welcome(user) && has_seat())
    }

    pub(crate) const fn stage(&self) -> Option<&Stage> {
        match self {
            Self::Live { stage, .. } => Some(stage),
            Self::Unscheduled
            | Self::Scheduled { .. }
            | Self::Ended { .. }
            | Self::Cancelled { .. }
            | Self::Voided { .. } => None,
        }
    }

    /// Takes in a fact. Total: history is already true.
    pub fn evolve(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::RoomScheduled(scheduled) => *self = Self::scheduled(scheduled),
            RoomEvent::SeatHeld(held) => self.with_seats(|seats| seats.hold(held)),
            RoomEvent::SeatSold(sold) => self.with_seats(|seats| seats.sell(&sold)),
            RoomEvent::SeatReleased(released) => self.with_seats(|seats| seats.release(&released)),
            RoomEvent::SeatDenied { ticket_id, buyer, .. } => self.with_seats(|seats| seats.deny(ticket_id, buyer)),
            RoomEvent::LobbyOpened { session_id, .. } => self.with_facts(|facts| facts.lobby = Some(session_id)),
            RoomEvent::RoomOpened { session_id, .. } => self.become_live(session_id),
            RoomEvent::RoomEnded { ended_at } => self.become_ended(ended_at),
            RoomEvent::RoomCancelled { .. } => self.become_cancelled(),
            RoomEvent::SpeakRequested { user, .. } => self.with_stage(|stage| stage.request(user)),
            RoomEvent::SpeakRequestWithdrawn { user, .. } | RoomEvent::SpeakRequestDeclined { user, .. } => {
                self.with_stage(|stage| stage.drop_request(user));
            }
            RoomEvent::SpeakerApproved { user, .. } => self.with_stage(|stage| stage.approve(user)),
            RoomEvent::SpeakerDismissed { user, .. } => self.with_stage(|stage| stage.dismiss(user)),
            RoomEvent::PersonRemoved { user, .. } => self.take_removal(user),
            RoomEvent::CoHostAppointed { user, .. } => self.take_co_host(user),
            RoomEvent::CoHostDismissed { user, .. } => self.let_co_host_go(user),
            RoomEvent::SpeakerInvited { user, .. } => self.with_stage(|stage| stage.invite(user)),
            RoomEvent::InvitationAccepted { user, .. } => self.with_stage(|stage| stage.approve(user)),
            RoomEvent::InvitationDeclined { user, .. } => self.with_stage(|stage| stage.drop_invitation(user)),
            RoomEvent::SpeakerMuted { user, .. } => self.with_stage(|stage| stage.mute(user)),
            RoomEvent::SpeakerUnmuted { user, .. } => self.with_stage(|stage| stage.unmute(user)),
            RoomEvent::PersonBanned { user, everywhere, .. } => self.take_ban(user, everywhere),
            RoomEvent::PersonUnbanned { user, everywhere, .. } => self.take_unban(user, everywhere),
            RoomEvent::HostHandedOver { to, .. } => self.take_handover(to),
            RoomEvent::EntryTakenOver {
                user, ticket_id, entry, ..
            } => self.with_stage(|stage| stage.take_entry(Entrant { user, ticket_id }, entry)),
            // Evidence for readers; the verdict that follows is what counts here.
            RoomEvent::PresenceRecorded { .. } => {}
            RoomEvent::DeliveryRecorded(recorded) => self.take_delivery(recorded),
            RoomEvent::RoomVoided { reason, voided_at } => self.become_void(reason, voided_at),
            RoomEvent::RoomRevised(revised) => self.take_revision(revised),
            joined @ RoomEvent::WaitingListJoined { .. } => self.let_line_grow(joined),
            RoomEvent::WaitingListLeft { user, .. } => self.with_seats(|seats| seats.waiting_mut().leave(user)),
            RoomEvent::SeatAwaited {
                ticket_id,
                buyer,
                until,
                ..
            } => self.let_wait(ticket_id, buyer, until),
            RoomEvent::SeatTransferred {
                ticket_id, from, to, ..
            } => self.with_seats(|seats| seats.transfer(ticket_id, from, to)),
            RoomEvent::RoomRescheduled(new) => self.with_facts(|facts| facts.reschedule(&new)),
            RoomEvent::SharesProposed { shares, .. } => self.take_shares(shares),
            RoomEvent::ShareAgreed { user, .. } => self.with_facts(|facts| facts.sharing.agree(user)),
            RoomEvent::SalesPaused { .. } => self.with_facts(|facts| facts.sales_paused = true),
            RoomEvent::SalesResumed { .. } => self.with_facts(|facts| facts.sales_paused = false),
            RoomEvent::SalesSuspended { .. } => self.with_facts(|facts| facts.sales_suspended = true),
            RoomEvent::SalesReinstated { .. } => self.with_facts(|facts| facts.sales_suspended = false),
            RoomEvent::RecordingConsented { user, .. } => self.with_recordings(|recordings| recordings.consent(user)),
            RoomEvent::RecordingStarted(started) => self.with_recordings(|recordings| recordings.start(&started)),
            RoomEvent::RecordingStopped(stopped) => self.with_recordings(|recordings| recordings.stop(&stopped)),
            RoomEvent::RecordingPartBegan(began) => self.with_recordings(|recordings| recordings.begin_part(&began)),
            RoomEvent::RecordingPartEnded(ended) => self.with_recordings(|recordings| recordings.end_part(&ended)),
            RoomEvent::RecordingDeleted(deleted) => self.with_recordings(|recordings| recordings.delete(&deleted)),
        }
    }

    fn take_revision(&mut self, revised: RoomRevised) {
        let RoomRevised { revision, .. } = revised;
        self.with_seats(|seats| seats.revise_prices(&revision.tiers, &revision.promo_codes));
        self.with_facts(|facts| facts.revise(revision));
    }

    fn take_shares(&mut self, shares: Vec<Share>) {
        self.with_facts(|facts| facts.sharing.propose(facts.host, shares));
    }

    /// By somebody who joined it.
    fn let_line_grow(&mut self, joined: RoomEvent) {
        if let RoomEvent::WaitingListJoined {
            user,
            ticket_id,
            request,
            customer,
            joined_at,
        } = joined
        {
            let waiter = Waiter {
                user,
                ticket_id,
                request,
                customer,
                joined_at,
            };
            self.with_seats(|seats| seats.waiting_mut().join(waiter));
        }
    }

    fn let_wait(&mut self, ticket_id: TicketId, buyer: UserId, until: Timestamp) {
        let paid = PaidWaiter {
            ticket_id,
            buyer,
            until,
        };
        self.with_seats(|seats| seats.waiting_mut().await_seat(paid));
    }

    fn scheduled(scheduled: RoomScheduled) -> Self {
        let mut seats = Seats::default();
        seats.revise_prices(&scheduled.sale.tiers, &scheduled.sale.promo_codes);
        Self::Scheduled {
            facts: Box::new(scheduled.into()),
            seats,
        }
    }

    fn with_seats(&mut self, change: impl FnOnce(&mut Seats)) {
        match self {
            Self::Unscheduled => {}
            Self::Scheduled { seats, .. }
            | Self::Live { seats, .. }
            | Self::Ended { seats, .. }
            | Self::Cancelled { seats, .. }
            | Self::Voided { seats, .. } => change(seats),
        }
    }

    pub(super) fn with_facts(&mut self, change: impl FnOnce(&mut RoomFacts)) {
        match self {
            Self::Unscheduled => {}
            Self::Scheduled { facts, .. }
            | Self::Live { facts, .. }
            | Self::Ended { facts, .. }
            | Self::Cancelled { facts, .. }
            | Self::Voided { facts, .. } => change(facts),
        }
    }

    pub(super) fn with_recordings(&mut self, change: impl FnOnce(&mut Recordings)) {
        self.with_facts(|facts| change(&mut facts.recordings));
    }

    pub(super) fn with_stage(&mut self, change: impl FnOnce(&mut Stage)) {
        match self {
            Self::Live { stage, .. } => change(stage),
            Self::Unscheduled
            | Self::Scheduled { .. }
            | Self::Ended { .. }
            | Self::Cancelled { .. }
            | Self::Voided { .. } => {}
        }
    }

    fn become_live(&mut self, session_id: SessionId) {
        *self = match mem::take(self) {
            Self::Scheduled { facts, seats } => Self::Live {
                facts,
                seats,
                stage: Box::default(),
                session_id,
            },
            other @ (Self::Unscheduled
            | Self::Live { .. }
            | Self::Ended { .. }
            | Self::Cancelled { .. }
            | Self::Voided { .. }) => other,
        };
    }

    fn become_ended(&mut self, ended_at: Timestamp) {
        self.with_recordings(Recordings::forget_consents);
        *self = match mem::take(self) {
            Self::Live {
                facts,
                seats,
                session_id,
                ..
            } => Self::Ended {
                facts,
                seats,
                session_id,
                ended_at,
                delivery: None,
            },
            other @ (Self::Unscheduled
            | Self::Scheduled { .. }
            | Self::Ended { .. }
            | Self::Cancelled { .. }
            | Self::Voided { .. }) => other,
        };
    }

    fn become_cancelled(&mut self) {
        *self = match mem::take(self) {
            Self::Scheduled { facts, seats } => Self::Cancelled { facts, seats },
            other @ (Self::Unscheduled
            | Self::Live { .. }
            | Self::Ended { .. }
            | Self::Cancelled { .. }
            | Self::Voided { .. }) => other,
        };
    }
}
