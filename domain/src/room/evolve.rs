//! What each fact makes of a room.

use std::mem;

use crate::room::Room;
use crate::room::entering::Entrant;
use crate::room::event::{RoomRevised, RoomScheduled};
use crate::room::facts::RoomFacts;
use crate::room::recordings::Recordings;
use crate::room::seats::Seats;
use crate::room::stage::Stage;
use crate::room::waiting_list::{PaidWaiter, Waiter};
use crate::shares::Share;
use crate::{RoomEvent, SessionId, TicketId, Timestamp, UserId};

impl Room {
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
