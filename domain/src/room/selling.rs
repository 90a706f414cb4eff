//! Holding, selling and releasing seats. `held + sold ≤ capacity` after every single event.

use chrono::TimeDelta;

use crate::room::command::{HoldSeat, SeatReturn};
use crate::room::decide::Decision;
use crate::room::event::{DenialReason, ReleaseReason, SeatHeld, SeatReleased, SeatSold};
use crate::room::facts::RoomFacts;
use crate::room::offering::LATE_WAIT;
use crate::room::prices::{Claim, NoClaim};
use crate::room::seats::{Ending, Hold, Seat, Seats};
use crate::{Room, RoomError, RoomEvent, TicketId, Timestamp, UserId};

/// Lapsed holds that one sale releases, beside those of its buyer. After a night out of service a whole hall may have
/// lapsed: no buyer should pay for all of it, and no record be that long.
const LAPSED_PER_SALE_MAX: usize = 32;
/// The same for the timer, which comes again for the rest.
const LAPSED_PER_TIMER_MAX: usize = 500;
/// A tier's and a code's.
const QUOTAS_OF_A_CLAIM: usize = 2;

/// What a room that still sells decides with.
pub(super) struct Sales<'a> {
    pub(super) facts: &'a RoomFacts,
    pub(super) seats: &'a Seats,
}

impl Room {
    pub(super) fn hold_seat(&self, wish: &HoldSeat) -> Decision {
        let seats = self.seats().ok_or(RoomError::NotScheduled)?;
        if let Some((buyer, request)) = seats.origin(wish.ticket_id) {
            let is_repeat = buyer == wish.buyer && request == Some(wish.request);
            return if is_repeat {
                Ok(vec![])
            } else {
                Err(RoomError::KeyReused)
            };
        }
        if seats.is_place_in_line(wish.ticket_id) {
            return Err(RoomError::KeyReused);
        }
        let sales = self.sales().ok_or(RoomError::RoomOver)?;
        // A ticket of somebody who was sent out would admit nobody: do not take money for it.
        self.require_welcome(wish.buyer)?;
        sales.require_open(wish.at)?;
        let price = sales.find_price(wish.wish.as_deref(), wish.at)?;
        let claim = price.pricing.as_deref().map(|pricing| Claim::new(pricing, wish.buyer));
        let lapsed = sales.lapsed(wish.buyer, claim.as_ref(), wish.at);
        sales.require_seat(wish.buyer, &lapsed)?;
        if let Some(claim) = &claim {
            sales.has_claim(claim, &lapsed)?;
        }
        let expires_at = sales.expiry(wish.at)?;
        sales
            .facts
            .require_channel(price.total, wish.channel, wish.rollout.as_deref())?;
        let terms = sales.facts.terms(price, wish.channel, &wish.customer)?;
        let held = SeatHeld {
            ticket_id: wish.ticket_id,
            buyer: wish.buyer,
            terms,
            request: wish.request,
            held_at: wish.at,
            expires_at,
            options: wish.options.clone(),
        };
        let released = lapsed.into_iter().map(RoomEvent::SeatReleased);
        Ok(released.chain([RoomEvent::SeatHeld(held)]).collect())
    }

    /// Each ticket gets one outcome: its seat, or the news that there is none.
    pub(super) fn sell_seat(&self, ticket_id: TicketId, buyer: UserId, at: Timestamp) -> Decision {
        let seats = self.seats().ok_or(RoomError::NotScheduled)?;
        if seats.origin(ticket_id).is_some_and(|(owner, _)| owner != buyer) {
            return Err(RoomError::HoldExpired);
        }
        match (seats.seat(ticket_id), seats.ending(ticket_id)) {
            (Some(Seat::Sold { .. }), _) | (None, Some(Ending::Denied | Ending::Refunded)) => Ok(vec![]),
            // The hold was made before its buyer was sent out: the money goes back, and the seat is free again.
            (Some(Seat::Held(hold)), _) if !self.is_welcome(hold.buyer) => {
                let freed = released(ticket_id, hold.buyer, ReleaseReason::Removed, at);
                let denied = denied(ticket_id, hold.buyer, DenialReason::Removed, at);
                Ok(vec![RoomEvent::SeatReleased(freed), denied])
            }
            (Some(Seat::Held(hold)), _) => Ok(vec![sold_to_holder(ticket_id, hold, at)]),
            (None, Some(Ending::Lapsed | Ending::GivenBack) | None) if seats.is_awaiting_seat(ticket_id) => Ok(vec![]),
            (None, None) if seats.is_place_in_line(ticket_id) => Err(RoomError::HoldExpired),
            (None, Some(Ending::Lapsed | Ending::GivenBack) | None) => Ok(self.sell_late(ticket_id, buyer, at)),
        }
    }

    /// The late-payment ladder (`rules.md` 17): a seat if one can be had, else a wait in front of the line if the buyer asked
    /// for it, else the money goes back.
    fn sell_late(&self, ticket_id: TicketId, buyer: UserId, at: Timestamp) -> Vec<RoomEvent> {
        let claim = self.seats().and_then(|seats| seats.prices()?.claim(ticket_id));
        match self.find_late_seat(buyer, claim, at) {
            Ok(lapsed) => {
                let released = lapsed.into_iter().map(RoomEvent::SeatReleased);
                released.chain([sold_anew(ticket_id, buyer, claim, at)]).collect()
            }
            Err(DenialReason::SoldOut) if self.asked_to_wait(ticket_id) => vec![self.await_seat(ticket_id, buyer, at)],
            Err(reason) => vec![denied(ticket_id, buyer, reason, at)],
        }
    }

    fn find_late_seat(
        &self,
        buyer: UserId,
        claim: Option<&Claim>,
        at: Timestamp,
    ) -> Result<Vec<SeatReleased>, DenialReason> {
        let sales = self.sales().ok_or(DenialReason::RoomOver)?;
        if !self.is_welcome(buyer) {
            return Err(DenialReason::Removed);
        }
        if sales.require_open(at).is_err() {
            return Err(DenialReason::SalesClosed);
        }
        let lapsed = sales.lapsed(buyer, claim, at);
        if sales.free_for_all(&lapsed) == 0 {
            return Err(DenialReason::SoldOut);
        }
        if sales.taken_by(buyer, &lapsed) >= sales.facts.tickets_per_buyer {
            return Err(DenialReason::TicketLimit);
        }
        match claim.map_or(Ok(()), |claim| sales.has_claim(claim, &lapsed)) {
            Ok(()) => Ok(lapsed),
            Err(NoClaim::Exhausted { .. }) => Err(DenialReason::SoldOut),
            Err(NoClaim::BuyerLimit { .. }) => Err(DenialReason::TicketLimit),
        }
    }

    fn asked_to_wait(&self, ticket_id: TicketId) -> bool {
        self.seats().is_some_and(|seats| seats.asked_to_wait(ticket_id))
    }

    fn await_seat(&self, ticket_id: TicketId, buyer: UserId, at: Timestamp) -> RoomEvent {
        let closed_at = self.facts().map_or(at, |facts| facts.sales_close_at);
        let until = at.checked_add_signed(LATE_WAIT).unwrap_or(closed_at);
        RoomEvent::SeatAwaited {
            ticket_id,
            buyer,
            until: until.min(closed_at),
            awaited_at: at,
        }
    }

    pub(super) fn release_seat(&self, ticket_id: TicketId, reason: SeatReturn, at: Timestamp) -> Decision {
        let seats = self.seats().ok_or(RoomError::NotScheduled)?;
        match reason {
            SeatReturn::GivenBack { by } => give_back(seats, ticket_id, by, at),
            // The money went back before there was a seat for it.
            SeatReturn::Refunded if seats.is_awaiting_seat(ticket_id) => {
                let (buyer, _) = seats.origin(ticket_id).ok_or(RoomError::HoldExpired)?;
                Ok(vec![denied(ticket_id, buyer, DenialReason::Refunded, at)])
            }
            SeatReturn::Refunded => Ok(self.free_refunded(seats, ticket_id, at)),
        }
    }

    /// The seat is offered again. After the end there is nobody to offer it to.
    fn free_refunded(&self, seats: &Seats, ticket_id: TicketId, at: Timestamp) -> Vec<RoomEvent> {
        let (buyer, still_held) = match seats.seat(ticket_id) {
            // Refunded before the sale was noted here: without this, the seat would be sold to nobody.
            Some(Seat::Held(hold)) => (hold.buyer, true),
            Some(Seat::Sold { buyer }) => (buyer, false),
            None => return vec![],
        };
        if self.sales().is_none() {
            return vec![];
        }
        let is_last = !still_held && seats.bought_by(buyer) == 1;
        let leaves_stage = if is_last { self.leave_stage(buyer, at) } else { None };
        let released = SeatReleased {
            still_held,
            ..released(ticket_id, buyer, ReleaseReason::Refunded, at)
        };
        leaves_stage
            .into_iter()
            .chain([RoomEvent::SeatReleased(released)])
            .collect()
    }

    pub(super) fn release_lapsed(&self, at: Timestamp) -> Decision {
        let seats = self.seats().ok_or(RoomError::NotScheduled)?;
        let lapsed = seats
            .lapsed(at)
            .take(LAPSED_PER_TIMER_MAX)
            .map(|(ticket_id, buyer)| RoomEvent::SeatReleased(released(ticket_id, buyer, ReleaseReason::Lapsed, at)));
        Ok(lapsed.collect())
    }

    /// `None` once nothing is sold any more.
    pub(super) fn sales(&self) -> Option<Sales<'_>> {
        match self {
            Self::Scheduled { facts, seats } | Self::Live { facts, seats, .. } => Some(Sales { facts, seats }),
            Self::Unscheduled | Self::Ended { .. } | Self::Cancelled { .. } | Self::Voided { .. } => None,
        }
    }
}

impl Sales<'_> {
    pub(super) fn require_open(&self, at: Timestamp) -> Result<(), RoomError> {
        if at < self.facts.sales_open_at {
            let opens_at = self.facts.sales_open_at;
            return Err(RoomError::SalesNotOpen { opens_at });
        }
        if at >= self.facts.sales_close_at {
            let closed_at = self.facts.sales_close_at;
            return Err(RoomError::SalesClosed { closed_at });
        }
        if self.facts.is_paused() {
            return Err(RoomError::SalesPaused);
        }
        if !self.facts.is_divided() {
            return Err(RoomError::SharesNotAgreed);
        }
        Ok(())
    }

    pub(super) fn require_allowance(&self, buyer: UserId, lapsed: &[SeatReleased]) -> Result<(), RoomError> {
        if self.taken_by(buyer, lapsed) >= self.facts.tickets_per_buyer {
            let limit = self.facts.tickets_per_buyer;
            return Err(RoomError::TicketLimitReached { limit });
        }
        Ok(())
    }

    fn require_seat(&self, buyer: UserId, lapsed: &[SeatReleased]) -> Result<(), RoomError> {
        self.require_allowance(buyer, lapsed)?;
        if self.free_for_all(lapsed) == 0 {
            let capacity = self.facts.capacity;
            return Err(RoomError::SoldOut { capacity });
        }
        Ok(())
    }

    fn expiry(&self, at: Timestamp) -> Result<Timestamp, RoomError> {
        let hold = TimeDelta::seconds(i64::from(self.facts.hold_seconds));
        let closed_at = self.facts.sales_close_at;
        at.checked_add_signed(hold).ok_or(RoomError::SalesClosed { closed_at })
    }

    /// The holds that are over at `at`, as the events that release them: the first that lapsed, which is enough to have a
    /// seat if there is one, and all of this buyer, whom no lapsed hold counts against.
    fn lapsed(&self, of: UserId, claim: Option<&Claim>, at: Timestamp) -> Vec<SeatReleased> {
        let release = |(ticket_id, buyer)| released(ticket_id, buyer, ReleaseReason::Lapsed, at);
        let mut lapsed = self.seats.lapsed(at);
        let mut chosen: Vec<_> = lapsed.by_ref().take(LAPSED_PER_SALE_MAX).map(release).collect();
        // Most buyers have nothing yet: then there is nothing to look for in the rest of the line.
        if self.taken_by(of, &chosen) > 0 {
            chosen.extend(lapsed.filter(|(_, buyer)| *buyer == of).map(release));
        }
        if let Some(claim) = claim {
            self.release_for(claim, &mut chosen, at);
        }
        chosen
    }

    /// A lapsed hold gives back to its tier and its code as well, wherever in the queue it is.
    fn release_for(&self, claim: &Claim, chosen: &mut Vec<SeatReleased>, at: Timestamp) {
        let Some(prices) = self.seats.prices() else {
            return;
        };
        for _ in 0..QUOTAS_OF_A_CLAIM {
            let Err(NoClaim::Exhausted { quota, .. }) = self.has_claim(claim, chosen) else {
                return;
            };
            let helps = |(ticket_id, _): &(TicketId, UserId)| {
                let frees = prices
                    .taken_claim(*ticket_id)
                    .is_some_and(|other| other.shares(quota, claim));
                frees && chosen.iter().all(|released| released.ticket_id != *ticket_id)
            };
            let Some((ticket_id, buyer)) = self.seats.lapsed(at).find(helps) else {
                return;
            };
            chosen.push(released(ticket_id, buyer, ReleaseReason::Lapsed, at));
        }
    }

    /// Whether what a ticket once took of tiers and codes can be had again.
    pub(super) fn can_retake(&self, ticket_id: TicketId) -> bool {
        let claim = self.seats.prices().and_then(|prices| prices.claim(ticket_id));
        claim.is_none_or(|claim| self.has_claim(claim, &[]).is_ok())
    }

    /// Free seats that nobody waits for.
    fn free_for_all(&self, lapsed: &[SeatReleased]) -> u32 {
        self.free(lapsed).saturating_sub(self.seats.waiting_count())
    }

    /// Seats to be had once `lapsed` are released.
    pub(super) fn free(&self, lapsed: &[SeatReleased]) -> u32 {
        let taken = self.seats.held_count().saturating_add(self.seats.sold_count());
        let taken = taken.saturating_sub(count(lapsed.len()));
        self.facts.capacity.saturating_sub(taken)
    }

    /// What this buyer holds and bought, once `lapsed` are released.
    fn taken_by(&self, buyer: UserId, lapsed: &[SeatReleased]) -> u32 {
        let over = lapsed.iter().filter(|released| released.buyer == buyer).count();
        self.seats.taken_by(buyer).saturating_sub(count(over))
    }
}

fn give_back(seats: &Seats, ticket_id: TicketId, by: UserId, at: Timestamp) -> Decision {
    // A stranger learns only that this is no hold of theirs.
    if seats.origin(ticket_id).is_none_or(|(buyer, _)| buyer != by) {
        return Err(RoomError::HoldExpired);
    }
    match (seats.seat(ticket_id), seats.ending(ticket_id)) {
        (Some(Seat::Sold { .. }), _) => Err(RoomError::SeatIsSold),
        (Some(Seat::Held(Hold { buyer, .. })), _) => {
            let released = released(ticket_id, *buyer, ReleaseReason::GivenBack, at);
            Ok(vec![RoomEvent::SeatReleased(released)])
        }
        (None, Some(Ending::GivenBack)) => Ok(vec![]),
        (None, Some(Ending::Lapsed | Ending::Refunded | Ending::Denied) | None) => Err(RoomError::HoldExpired),
    }
}

/// The hold may be over, but it is there.
fn sold_to_holder(ticket_id: TicketId, hold: &Hold, sold_at: Timestamp) -> RoomEvent {
    let late = sold_at >= hold.expires_at;
    RoomEvent::SeatSold(SeatSold {
        ticket_id,
        buyer: hold.buyer,
        late,
        still_held: late,
        sold_at,
        retakes: None,
    })
}

/// `retakes` is what the seat takes anew of a tier or a code.
pub(super) fn sold_anew(ticket_id: TicketId, buyer: UserId, retakes: Option<&Claim>, sold_at: Timestamp) -> RoomEvent {
    RoomEvent::SeatSold(SeatSold {
        ticket_id,
        buyer,
        late: true,
        still_held: false,
        sold_at,
        retakes: retakes.map(|claim| Box::new(claim.retaken())),
    })
}

pub(super) const fn denied(
    ticket_id: TicketId,
    buyer: UserId,
    reason: DenialReason,
    denied_at: Timestamp,
) -> RoomEvent {
    RoomEvent::SeatDenied {
        ticket_id,
        buyer,
        reason,
        denied_at,
    }
}

pub(super) const fn released(ticket_id: TicketId, buyer: UserId, reason: ReleaseReason, at: Timestamp) -> SeatReleased {
    SeatReleased {
        ticket_id,
        buyer,
        reason,
        still_held: false,
        released_at: at,
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
