//! Whose turn it is when seats become free: further events of the decision that frees them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::room::event::{DenialReason, HoldOptions, LeaveReason, Revision, SeatHeld};
use crate::room::facts::RoomFacts;
use crate::room::offering::left;
use crate::room::prices::{Claim, NoClaim, Prices};
use crate::room::pricing;
use crate::room::seats::Seats;
use crate::room::selling::{Sales, denied, sold_anew};
use crate::room::waiting_list::{PaidWaiter, Waiter, WaitingList};
use crate::terms::{Channel, Customer};
use crate::{Fingerprint, Room, RoomError, RoomEvent, Terms, TicketId, Timestamp, UserId};

/// People in line who are dealt with by one decision; the timer comes again for the rest.
const TURNS_MAX: usize = 500;

/// The room as a decision so far leaves it, as far as the line is concerned.
pub(super) struct Turns<'a> {
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
    pub(super) fn new(
        room: &'a Room,
        sales: &Sales<'_>,
        seats: &'a Seats,
        events: &'a [RoomEvent],
        at: Timestamp,
    ) -> Self {
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
            } else if let RoomEvent::SharesProposed { shares, .. } = event {
                facts.sharing.propose(facts.host, shares.clone());
            } else if let RoomEvent::ShareAgreed { user, .. } = event {
                facts.sharing.agree(*user);
            } else if let RoomEvent::SalesReinstated { .. } = event {
                facts.sales_suspended = false;
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

    pub(super) fn take(mut self) -> Vec<RoomEvent> {
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
            if !self.room.is_welcome(paid.buyer) {
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
                        turns.push(sold_anew(paid.ticket_id, paid.buyer, claim, at));
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
            if !self.room.is_welcome(user) {
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
