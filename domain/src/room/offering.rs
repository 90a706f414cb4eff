//! The waiting list (`rules.md` 13, 17, 19): who joins, who leaves, and who has the seats that become free.
//!
//! Free seats go to those who wait in the very decision that frees them, so nobody can come between. First those who paid
//! too late and asked to wait, then the line; each in the order of the log. Never after the sales window or the end.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::room::command::JoinWaitingList;
use crate::room::decide::Decision;
use crate::room::event::{DenialReason, HoldOptions, LeaveReason, ReleaseReason, Revision, SeatHeld};
use crate::room::facts::RoomFacts;
use crate::room::prices::{Claim, NoClaim, Prices};
use crate::room::pricing::{self, Price};
use crate::room::seats::{Seat, Seats};
use crate::room::selling::{Sales, denied, released, sold};
use crate::room::waiting_list::{PaidWaiter, WAITING_MAX, Waiter, WaitingList};
use crate::terms::{Channel, Customer};
use crate::{Fingerprint, Room, RoomCommand, RoomError, RoomEvent, Terms, TicketId, Timestamp, UserId};

/// Who paid too late and asked to wait is in front of the line for so long (`rules.md` 17).
pub const LATE_WAIT: TimeDelta = TimeDelta::minutes(10);
/// People in line who are dealt with by one decision; the timer comes again for the rest.
const TURNS_MAX: usize = 500;

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
            let is_open = !facts.sales_paused && now < facts.sales_close_at;
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
        if self.is_removed(user) {
            return Err(RoomError::Removed);
        }
        // Somebody who is in line stays where they are.
        if waiting.is_some_and(|waiting| waiting.waiter(user).is_some()) {
            return Ok(vec![]);
        }
        match sales.require_open(join.at) {
            Ok(()) | Err(RoomError::SalesPaused) => {}
            Err(refusal) => return Err(refusal),
        }
        sales.require_allowance(user, &[])?;
        if waiting.is_some_and(WaitingList::is_full) {
            return Err(RoomError::WaitingListFull { limit: WAITING_MAX });
        }
        let price = Price::plain(sales.facts.price);
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
            | RoomCommand::LeaveWaitingList { at, .. } => (*at, false),
            RoomCommand::ReleaseLapsed { at } => (*at, true),
            RoomCommand::Schedule(_)
            | RoomCommand::Open { .. }
            | RoomCommand::End { .. }
            | RoomCommand::Cancel { .. }
            | RoomCommand::RequestToSpeak { .. }
            | RoomCommand::WithdrawRequest { .. }
            | RoomCommand::ApproveSpeaker { .. }
            | RoomCommand::DeclineRequest { .. }
            | RoomCommand::DismissSpeaker { .. }
            | RoomCommand::RemovePerson { .. }
            | RoomCommand::RecordDelivery(_)
            | RoomCommand::TransferSeat { .. }
            | RoomCommand::Reschedule(_)
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

/// The room as a decision so far leaves it, as far as the line is concerned.
struct Turns<'a> {
    room: &'a Room,
    seats: &'a Seats,
    events: &'a [RoomEvent],
    facts: RoomFacts,
    free: u32,
    /// What the decision changes for each buyer: seats more or less.
    taken: BTreeMap<UserId, i64>,
    /// As the decision leaves them, if there are any.
    prices: Option<Cow<'a, Prices>>,
    /// The same for what is taken of tiers and codes.
    claims: Vec<(Claim, i64)>,
    at: Timestamp,
}

impl<'a> Turns<'a> {
    fn new(room: &'a Room, sales: &Sales<'_>, seats: &'a Seats, events: &'a [RoomEvent], at: Timestamp) -> Self {
        let mut facts = sales.facts.clone();
        let mut prices = seats.prices().map(Cow::Borrowed);
        let mut claims = vec![];
        let mut taken = BTreeMap::new();
        let mut change = |buyer: UserId, by: i64| {
            let count: &mut i64 = taken.entry(buyer).or_default();
            *count = count.saturating_add(by);
        };
        for event in events {
            if let RoomEvent::RoomRevised(revised) = event {
                let Revision { tiers, promo_codes, .. } = &revised.revision;
                if !tiers.is_empty() || !promo_codes.is_empty() {
                    let known = prices.get_or_insert_with(|| Cow::Owned(Prices::default()));
                    known.to_mut().revise(tiers, promo_codes);
                }
                facts.revise(revised.revision.clone());
            } else if let RoomEvent::SalesResumed { .. } = event {
                facts.sales_paused = false;
            } else if let RoomEvent::SeatReleased(released) = event {
                change(released.buyer, -1);
                let claim = seats.prices().and_then(|prices| prices.taken_claim(released.ticket_id));
                claims.extend(claim.map(|claim| (claim.clone(), -1)));
            } else if let RoomEvent::SeatHeld(held) = event {
                change(held.buyer, 1);
                let claim = held
                    .terms
                    .pricing
                    .as_deref()
                    .map(|pricing| Claim::new(pricing, held.buyer));
                claims.extend(claim.map(|claim| (claim, 1)));
            } else if let RoomEvent::SeatSold(sold) = event
                && seats.seat(sold.ticket_id).is_none()
            {
                change(sold.buyer, 1);
                let claim = seats.prices().and_then(|prices| prices.claim(sold.ticket_id));
                claims.extend(claim.map(|claim| (claim.clone(), 1)));
            }
        }
        let delta = taken.values().fold(0_i64, |sum, by| sum.saturating_add(*by));
        let before = seats.held_count().saturating_add(seats.sold_count());
        let after = i64::from(before).saturating_add(delta);
        let free = i64::from(facts.capacity).saturating_sub(after);
        Self {
            room,
            seats,
            events,
            free: u32::try_from(free).unwrap_or(0),
            facts,
            taken,
            prices,
            claims,
            at,
        }
    }

    fn take(mut self) -> Vec<RoomEvent> {
        let sales = Sales {
            facts: &self.facts,
            seats: self.seats,
        };
        let is_open = sales.require_open(self.at).is_ok();
        let mut turns = self.late_payers(is_open);
        if is_open {
            turns.extend(self.line());
        }
        turns
    }

    /// Who paid already has the seat; or the money back, when the wait is over.
    fn late_payers(&mut self, is_open: bool) -> Vec<RoomEvent> {
        let (at, seats, events) = (self.at, self.seats, self.events);
        let mut turns = vec![];
        let waiting = seats.waiting().into_iter().flat_map(WaitingList::paid).copied();
        for paid in waiting.chain(events.iter().filter_map(awaited)) {
            if self.has_outcome(paid.ticket_id) {
                continue;
            }
            let deny = |reason| denied(paid.ticket_id, paid.buyer, reason, at);
            if self.room.is_removed(paid.buyer) {
                turns.push(deny(DenialReason::Removed));
            } else if at >= paid.until {
                turns.push(deny(DenialReason::SoldOut));
            } else if is_open && self.free > 0 {
                if self.taken_by(paid.buyer) >= self.facts.tickets_per_buyer {
                    turns.push(deny(DenialReason::TicketLimit));
                    continue;
                }
                let claim = seats.prices().and_then(|prices| prices.claim(paid.ticket_id));
                match self.require_claim(claim) {
                    Ok(()) => {
                        turns.push(sold(paid.ticket_id, paid.buyer, true, claim, at));
                        self.give(paid.buyer, claim.cloned());
                    }
                    Err(NoClaim::BuyerLimit { .. }) => turns.push(deny(DenialReason::TicketLimit)),
                    // The room has seats, and what was paid for has none: that is waited for.
                    Err(NoClaim::Exhausted { .. }) => {}
                }
            }
        }
        turns
    }

    fn line(&mut self) -> Vec<RoomEvent> {
        let (at, seats, events) = (self.at, self.seats, self.events);
        let mut turns = vec![];
        let waiting = seats.waiting().into_iter().flat_map(WaitingList::line);
        let waiting = waiting.map(Wish::of);
        for wish in waiting.chain(events.iter().filter_map(joined)).take(TURNS_MAX) {
            if self.free == 0 {
                break;
            }
            let user = wish.user;
            if has_left(events, user) {
                continue;
            }
            if self.room.is_removed(user) {
                turns.push(left(user, LeaveReason::Removed, at));
            } else if self.taken_by(user) >= self.facts.tickets_per_buyer {
                turns.push(left(user, LeaveReason::TicketLimit, at));
            } else if let Ok(terms) = self.lowest_terms(wish.customer) {
                let claim = terms.pricing.as_deref().map(|pricing| Claim::new(pricing, user));
                if let Some(offer) = self.offer(&wish, terms) {
                    turns.push(RoomEvent::SeatHeld(offer));
                    self.give(user, claim);
                }
            } else {
                turns.push(left(user, LeaveReason::CustomerUnknown, at));
            }
        }
        turns
    }

    /// A hold with a deadline of its own, and never beyond the sales.
    fn offer(&self, wish: &Wish<'_>, terms: Terms) -> Option<SeatHeld> {
        let wait = TimeDelta::seconds(i64::from(self.facts.offer_seconds));
        let expires_at = self.at.checked_add_signed(wait)?.min(self.facts.sales_close_at);
        let options = HoldOptions {
            offered: true,
            ..HoldOptions::default()
        };
        Some(SeatHeld {
            ticket_id: wish.ticket_id,
            buyer: wish.user,
            terms,
            request: wish.request,
            held_at: self.at,
            expires_at,
            options: options.boxed(),
        })
    }

    /// Who waits is offered the lowest price there is when it is their turn.
    fn lowest_terms(&self, customer: &Customer) -> Result<Terms, RoomError> {
        let price = pricing::lowest(&self.facts, self.prices.as_deref(), &self.claims, self.at);
        self.facts.terms(price, Channel::Web, customer)
    }

    fn require_claim(&self, claim: Option<&Claim>) -> Result<(), NoClaim> {
        let (Some(prices), Some(claim)) = (&self.prices, claim) else {
            return Ok(());
        };
        prices.require(claim, &self.claims.iter().map(|(claim, by)| (claim, *by)))
    }

    fn give(&mut self, buyer: UserId, claim: Option<Claim>) {
        self.claims.extend(claim.map(|claim| (claim, 1)));
        self.free = self.free.saturating_sub(1);
        let count = self.taken.entry(buyer).or_default();
        *count = count.saturating_add(1);
    }

    fn taken_by(&self, buyer: UserId) -> u32 {
        let change = self.taken.get(&buyer).copied().unwrap_or(0);
        let after = i64::from(self.seats.taken_by(buyer)).saturating_add(change);
        u32::try_from(after).unwrap_or(0)
    }

    fn has_outcome(&self, ticket: TicketId) -> bool {
        let is_it =
            |event: &RoomEvent| matches!(event, RoomEvent::SeatDenied { ticket_id, .. } if *ticket_id == ticket);
        self.events.iter().any(is_it)
    }
}

/// Who pays too late by this event, and waits.
const fn awaited(event: &RoomEvent) -> Option<PaidWaiter> {
    if let RoomEvent::SeatAwaited {
        ticket_id,
        buyer,
        until,
        ..
    } = event
    {
        return Some(PaidWaiter {
            ticket_id: *ticket_id,
            buyer: *buyer,
            until: *until,
        });
    }
    None
}

/// Somebody in line, with the ticket that an offer will be and the request it comes from.
struct Wish<'a> {
    user: UserId,
    ticket_id: TicketId,
    request: Fingerprint,
    customer: &'a Customer,
}

impl<'a> Wish<'a> {
    const fn of(waiter: &'a Waiter) -> Self {
        Self {
            user: waiter.user,
            ticket_id: waiter.ticket_id,
            request: waiter.request,
            customer: &waiter.customer,
        }
    }
}

/// Who joins by this event.
const fn joined(event: &RoomEvent) -> Option<Wish<'_>> {
    if let RoomEvent::WaitingListJoined {
        user,
        ticket_id,
        request,
        customer,
        ..
    } = event
    {
        return Some(Wish {
            user: *user,
            ticket_id: *ticket_id,
            request: *request,
            customer,
        });
    }
    None
}

fn has_left(events: &[RoomEvent], person: UserId) -> bool {
    let is_it = |event: &RoomEvent| matches!(event, RoomEvent::WaitingListLeft { user, .. } if *user == person);
    events.iter().any(is_it)
}

const fn left(user: UserId, reason: LeaveReason, left_at: Timestamp) -> RoomEvent {
    RoomEvent::WaitingListLeft { user, reason, left_at }
}
