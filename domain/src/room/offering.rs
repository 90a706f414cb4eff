//! The waiting list (`rules.md` 13, 17, 19): who joins, who leaves, and who has the seats that become free.
//!
//! Free seats go to those who wait in the very decision that frees them, so nobody can come between. First those who paid
//! too late and asked to wait, then the line; each in the order of the log. Never after the sales window or the end.

use chrono::TimeDelta;

use crate::room::command::JoinWaitingList;
use crate::room::decide::Decision;
use crate::room::event::{DenialReason, LeaveReason, ReleaseReason};
use crate::room::pricing::Price;
use crate::room::seats::{Seat, Seats};
use crate::room::selling::{denied, released};
use crate::room::turns::Turns;
use crate::room::waiting_list::{WAITING_MAX, WaitingList};
use crate::terms::Channel;
use crate::{Room, RoomCommand, RoomError, RoomEvent, TicketId, Timestamp, UserId};

/// Who paid too late and asked to wait is in front of the line for so long (`rules.md` 17).
pub const LATE_WAIT: TimeDelta = TimeDelta::minutes(10);

/// Somebody's own view of the line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitingPlace {
    /// 1 is next; absent once there is an offer.
    pub place: Option<u32>,
    pub joined_at: Option<Timestamp>,
    /// The ticket to pay for, and until when.
    pub offer: Option<(TicketId, Timestamp)>,
}

impl Room {
    /// Where somebody stands; `None` for who neither waits nor has an open offer.
    pub fn waiting_place(&self, user: UserId) -> Option<WaitingPlace> {
        let seats = self.seats()?;
        let waiting = seats.waiting()?;
        let place = waiting
            .place(user)
            .map(|place| u32::try_from(place).unwrap_or(u32::MAX));
        let offer = waiting.offer(user).and_then(|ticket_id| match seats.seat(ticket_id)? {
            Seat::Held(hold) => Some((ticket_id, hold.expires_at)),
            Seat::Sold { .. } => None,
        });
        let joined_at = waiting.waiter(user).map(|waiter| waiter.joined_at);
        let is_known = place.is_some() || offer.is_some();
        is_known.then_some(WaitingPlace {
            place,
            joined_at,
            offer,
        })
    }

    pub fn waiting_count(&self) -> u32 {
        let waiting = self.seats().and_then(Seats::waiting);
        waiting.map_or(0, |waiting| u32::try_from(waiting.len()).unwrap_or(u32::MAX))
    }

    /// When something is due in this room by itself: a hold lapses, a late payer has waited long enough, or seats are free
    /// for those who wait.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let expiry = self.next_expiry();
        let Some(waiting) = self.seats().and_then(Seats::waiting) else {
            return expiry;
        };
        let offers = self.sales().and_then(|sales| {
            let facts = sales.facts;
            let is_open = !facts.is_paused() && facts.is_divided() && now < facts.sales_close_at;
            let is_served = || waiting.has_line() || waiting.paid().any(|paid| sales.can_retake(paid.ticket_id));
            let can_offer = is_open && sales.free(&[]) > 0 && is_served();
            can_offer.then_some(facts.sales_open_at)
        });
        [expiry, waiting.next_deadline(), offers].into_iter().flatten().min()
    }

    pub(super) fn join_waiting_list(&self, join: &JoinWaitingList) -> Decision {
        let seats = self.seats().ok_or(RoomError::NotScheduled)?;
        let (user, waiting) = (join.user, seats.waiting());
        let origin = seats.origin(join.ticket_id);
        let origin = origin.or_else(|| {
            let (user, request) = waiting?.origin(join.ticket_id)?;
            Some((user, Some(request)))
        });
        if let Some(origin) = origin {
            let is_repeat = origin == (user, Some(join.request));
            return if is_repeat {
                Ok(vec![])
            } else {
                Err(RoomError::KeyReused)
            };
        }
        let sales = self.sales().ok_or(RoomError::RoomOver)?;
        self.require_welcome(user)?;
        // Somebody who is in line stays where they are.
        if waiting.is_some_and(|waiting| waiting.waiter(user).is_some()) {
            return Ok(vec![]);
        }
        match sales.require_open(join.at) {
            Ok(()) | Err(RoomError::SalesPaused | RoomError::SharesNotAgreed) => {}
            Err(refusal) => return Err(refusal),
        }
        sales.require_allowance(user, &[])?;
        if waiting.is_some_and(WaitingList::is_full) {
            return Err(RoomError::WaitingListFull { limit: WAITING_MAX });
        }
        let price = Price::plain(sales.facts.price);
        sales
            .facts
            .require_channel(price.total, Channel::Web, join.rollout.as_deref())?;
        sales.facts.terms(price, Channel::Web, &join.customer)?;
        Ok(vec![RoomEvent::WaitingListJoined {
            user,
            ticket_id: join.ticket_id,
            request: join.request,
            customer: join.customer.clone(),
            joined_at: join.at,
        }])
    }

    /// Out of the line; or an open offer is declined, and passes on.
    pub(super) fn leave_waiting_list(&self, user: UserId, at: Timestamp) -> Decision {
        let seats = self.seats().ok_or(RoomError::NotScheduled)?;
        let Some(waiting) = seats.waiting() else {
            return Ok(vec![]);
        };
        let steps_out = waiting.waiter(user).map(|_| left(user, LeaveReason::Left, at));
        let declines = waiting.offer(user).map(|ticket_id| {
            let declined = released(ticket_id, user, ReleaseReason::GivenBack, at);
            RoomEvent::SeatReleased(declined)
        });
        Ok(steps_out.into_iter().chain(declines).collect())
    }

    /// Everybody who waits learns that it is over; who paid has the money back.
    pub(super) fn dismiss_line(&self, reason: LeaveReason, at: Timestamp) -> Vec<RoomEvent> {
        let Some(waiting) = self.seats().and_then(Seats::waiting) else {
            return vec![];
        };
        let paid = waiting.paid();
        let paid = paid.map(|paid| denied(paid.ticket_id, paid.buyer, DenialReason::RoomOver, at));
        let line = waiting.line().map(|waiter| left(waiter.user, reason, at));
        paid.chain(line).collect()
    }

    /// The turn of those who wait, if there are any and `command` may leave them a seat.
    pub(super) fn turn_after(&self, command: &RoomCommand) -> Option<Turn> {
        let has_line = self.seats().is_some_and(|seats| seats.waiting().is_some());
        if !has_line && !matches!(command, RoomCommand::JoinWaitingList(_)) {
            return None;
        }
        let (at, is_due) = match command {
            RoomCommand::HoldSeat(hold) => (hold.at, false),
            RoomCommand::Revise(revise) => (revise.at, false),
            RoomCommand::JoinWaitingList(join) => (join.at, false),
            RoomCommand::SellSeat { at, .. }
            | RoomCommand::ReleaseSeat { at, .. }
            | RoomCommand::ResumeSales { at, .. }
            | RoomCommand::ProposeShares { at, .. }
            | RoomCommand::AgreeToShare { at, .. }
            | RoomCommand::ReinstateSales { at }
            | RoomCommand::LeaveWaitingList { at, .. } => (*at, false),
            RoomCommand::ReleaseLapsed { at } => (*at, true),
            RoomCommand::Schedule(_)
            | RoomCommand::OpenLobby { .. }
            | RoomCommand::TakeOver { .. }
            | RoomCommand::Open { .. }
            | RoomCommand::End { .. }
            | RoomCommand::Cancel { .. }
            | RoomCommand::RequestToSpeak { .. }
            | RoomCommand::WithdrawRequest { .. }
            | RoomCommand::ApproveSpeaker { .. }
            | RoomCommand::DeclineRequest { .. }
            | RoomCommand::DismissSpeaker { .. }
            | RoomCommand::RemovePerson { .. }
            | RoomCommand::AppointCoHost { .. }
            | RoomCommand::ConsentToRecording { .. }
            | RoomCommand::StartRecording { .. }
            | RoomCommand::StopRecording { .. }
            | RoomCommand::BeginRecordingPart(_)
            | RoomCommand::EndRecordingPart(_)
            | RoomCommand::DeleteRecording { .. }
            | RoomCommand::DismissCoHost { .. }
            | RoomCommand::InviteSpeaker { .. }
            | RoomCommand::AcceptInvitation { .. }
            | RoomCommand::DeclineInvitation { .. }
            | RoomCommand::MuteSpeaker { .. }
            | RoomCommand::MuteAll { .. }
            | RoomCommand::Unmute { .. }
            | RoomCommand::StepDown { .. }
            | RoomCommand::BanPerson { .. }
            | RoomCommand::UnbanPerson { .. }
            | RoomCommand::FollowBans { .. }
            | RoomCommand::HandOver { .. }
            | RoomCommand::RecordDelivery(_)
            | RoomCommand::JudgeComing(_)
            | RoomCommand::Moderate { .. }
            | RoomCommand::TransferSeat { .. }
            | RoomCommand::Reschedule(_)
            | RoomCommand::SuspendSales { .. }
            | RoomCommand::PauseSales { .. } => return None,
        };
        Some(Turn { at, is_due })
    }

    /// What `events` leave free goes to those who wait, as further events of the same decision.
    pub(super) fn with_offers(&self, mut events: Vec<RoomEvent>, at: Timestamp) -> Vec<RoomEvent> {
        if let (Some(sales), Some(seats)) = (self.sales(), self.seats()) {
            let further = Turns::new(self, &sales, seats, &events, at).take();
            events.extend(further);
        }
        events
    }
}

/// When those who wait have their turn.
pub(super) struct Turn {
    pub(super) at: Timestamp,
    /// Also if nothing else happens.
    pub(super) is_due: bool,
}

pub(super) const fn left(user: UserId, reason: LeaveReason, left_at: Timestamp) -> RoomEvent {
    RoomEvent::WaitingListLeft { user, reason, left_at }
}
