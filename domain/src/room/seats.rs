//! The seats of a room: who holds one, who bought one, and what became of the others.
//!
//! Every ticket is in at most one of held, sold and ended. Looking one up, counting a buyer's and finding the next expiry
//! take O(log n), so that a room of 10,000 seats decides as fast as a room of ten.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::room::event::{HoldOptions, ReleaseReason, SeatHeld, SeatReleased, SeatSold};
use crate::room::prices::{Claim, PriceTier, Prices, PromoCode};
use crate::room::waiting_list::WaitingList;
use crate::{Fingerprint, Terms, TicketId, Timestamp, UserId};

/// A seat kept for a buyer until it is paid or the time is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hold {
    pub buyer: UserId,
    pub terms: Terms,
    pub request: Fingerprint,
    pub held_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Box<HoldOptions>>,
}

/// What a ticket has of a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seat<'a> {
    Held(&'a Hold),
    Sold { buyer: UserId },
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Seats {
    held: BTreeMap<TicketId, Hold>,
    by_expiry: BTreeSet<(Timestamp, TicketId)>,
    sold: BTreeMap<TicketId, Sold>,
    ended: BTreeMap<TicketId, Ended>,
    by_buyer: BTreeMap<UserId, Count>,
    /// Whether anything was ever sold, whatever became of it.
    was_sold: bool,
    /// Absent until somebody waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting: Option<Box<WaitingList>>,
    /// Absent until there is a tier or a promo code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prices: Option<Box<Prices>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Sold {
    buyer: UserId,
    /// Of the hold that came before; a late sale may have had none.
    request: Option<Fingerprint>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Ended {
    buyer: UserId,
    request: Option<Fingerprint>,
    ending: Ending,
    /// The buyer asked to wait for another seat, should the payment come too late.
    #[serde(default)]
    waits: bool,
}

/// What is kept of a ticket when it goes on.
struct Past {
    request: Option<Fingerprint>,
    waits: bool,
}

/// How a ticket's claim on a seat ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// Not paid in time: a late payment may still find a seat.
    Lapsed,
    /// By the buyer. A payment that was on its way all the same is a late one.
    GivenBack,
    Refunded,
    Denied,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Count {
    held: u32,
    sold: u32,
}

impl Count {
    const NONE: Self = Self { held: 0, sold: 0 };
}

impl Seats {
    pub(crate) fn seat(&self, ticket_id: TicketId) -> Option<Seat<'_>> {
        let sold = self.sold.get(&ticket_id).map(|sold| Seat::Sold { buyer: sold.buyer });
        sold.or_else(|| self.held.get(&ticket_id).map(Seat::Held))
    }

    pub(crate) fn ending(&self, ticket_id: TicketId) -> Option<Ending> {
        self.ended.get(&ticket_id).map(|ended| ended.ending)
    }

    pub(crate) fn asked_to_wait(&self, ticket_id: TicketId) -> bool {
        self.ended.get(&ticket_id).is_some_and(|ended| ended.waits)
    }

    pub(crate) fn prices(&self) -> Option<&Prices> {
        self.prices.as_deref()
    }

    pub(super) fn revise_prices(&mut self, tiers: &[PriceTier], codes: &[PromoCode]) {
        if !tiers.is_empty() || !codes.is_empty() {
            self.prices.get_or_insert_default().revise(tiers, codes);
        }
    }

    pub(crate) fn waiting(&self) -> Option<&WaitingList> {
        self.waiting.as_deref()
    }

    pub(super) fn waiting_mut(&mut self) -> &mut WaitingList {
        self.waiting.get_or_insert_default()
    }

    /// Seats that are spoken for as soon as they are free.
    pub(crate) fn waiting_count(&self) -> u32 {
        let waiting = self.waiting.as_ref();
        waiting.map_or(0, |waiting| u32::try_from(waiting.len()).unwrap_or(u32::MAX))
    }

    /// The ticket is what an offer to somebody in line would be, and nothing else.
    pub(crate) fn is_place_in_line(&self, ticket_id: TicketId) -> bool {
        let waiting = self.waiting.as_ref();
        waiting.is_some_and(|waiting| waiting.origin(ticket_id).is_some())
    }

    pub(crate) fn is_awaiting_seat(&self, ticket_id: TicketId) -> bool {
        let waiting = self.waiting.as_ref();
        waiting.is_some_and(|waiting| waiting.is_awaiting_seat(ticket_id))
    }

    /// Who made the ticket and by which request, whatever became of it since.
    pub(crate) fn origin(&self, ticket_id: TicketId) -> Option<(UserId, Option<Fingerprint>)> {
        let held = self.held.get(&ticket_id).map(|hold| (hold.buyer, Some(hold.request)));
        held.or_else(|| self.sold.get(&ticket_id).map(|sold| (sold.buyer, sold.request)))
            .or_else(|| self.ended.get(&ticket_id).map(|ended| (ended.buyer, ended.request)))
    }

    pub(crate) fn sold(&self) -> impl Iterator<Item = (TicketId, UserId)> {
        self.sold.iter().map(|(ticket_id, sold)| (*ticket_id, sold.buyer))
    }

    pub(crate) fn holds(&self) -> impl Iterator<Item = (TicketId, UserId)> {
        self.by_expiry
            .iter()
            .filter_map(|(_, ticket_id)| self.held.get(ticket_id).map(|hold| (*ticket_id, hold.buyer)))
    }

    /// The holds that expired at or before `at`, first to expire first.
    pub(crate) fn lapsed(&self, at: Timestamp) -> impl Iterator<Item = (TicketId, UserId)> {
        self.by_expiry
            .iter()
            .take_while(move |(expires_at, _)| *expires_at <= at)
            .filter_map(|(_, ticket_id)| self.held.get(ticket_id).map(|hold| (*ticket_id, hold.buyer)))
    }

    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.by_expiry.first().map(|(expires_at, _)| *expires_at)
    }

    pub(crate) fn held_count(&self) -> u32 {
        u32::try_from(self.held.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn sold_count(&self) -> u32 {
        u32::try_from(self.sold.len()).unwrap_or(u32::MAX)
    }

    pub(crate) const fn was_sold(&self) -> bool {
        self.was_sold
    }

    /// Held and sold together.
    pub(crate) fn taken_by(&self, buyer: UserId) -> u32 {
        let count = self.by_buyer.get(&buyer).copied().unwrap_or(Count::NONE);
        count.held.saturating_add(count.sold)
    }

    pub(crate) fn bought_by(&self, buyer: UserId) -> u32 {
        self.by_buyer.get(&buyer).map_or(0, |count| count.sold)
    }

    pub(super) fn hold(&mut self, event: SeatHeld) {
        if event.options.as_ref().is_some_and(|options| options.offered) {
            self.waiting_mut().make_offer(event.buyer, event.ticket_id);
        }
        if let (Some(prices), Some(pricing)) = (&mut self.prices, &event.terms.pricing) {
            prices.hold(event.ticket_id, Claim::new(pricing, event.buyer));
        }
        self.by_expiry.insert((event.expires_at, event.ticket_id));
        self.count(event.buyer, |count| count.held = count.held.saturating_add(1));
        let hold = Hold {
            buyer: event.buyer,
            terms: event.terms,
            request: event.request,
            held_at: event.held_at,
            expires_at: event.expires_at,
            options: event.options,
        };
        self.held.insert(event.ticket_id, hold);
    }

    pub(super) fn sell(&mut self, event: &SeatSold) {
        let Past { request, .. } = self.forget(event.ticket_id, event.buyer);
        self.was_sold = true;
        if let Some(prices) = &mut self.prices {
            prices.take(event.ticket_id);
        }
        self.count(event.buyer, |count| count.sold = count.sold.saturating_add(1));
        let sold = Sold {
            buyer: event.buyer,
            request,
        };
        self.sold.insert(event.ticket_id, sold);
    }

    pub(super) fn release(&mut self, event: &SeatReleased) {
        let ending = match event.reason {
            ReleaseReason::Lapsed | ReleaseReason::RoomCancelled | ReleaseReason::Removed => Ending::Lapsed,
            ReleaseReason::GivenBack => Ending::GivenBack,
            ReleaseReason::Refunded => Ending::Refunded,
        };
        self.end(event.ticket_id, event.buyer, ending);
    }

    pub(super) fn transfer(&mut self, ticket_id: TicketId, from: UserId, to: UserId) {
        if let Some(sold) = self.sold.get_mut(&ticket_id) {
            sold.buyer = to;
            self.count(from, |count| count.sold = count.sold.saturating_sub(1));
            self.count(to, |count| count.sold = count.sold.saturating_add(1));
        }
    }

    pub(super) fn deny(&mut self, ticket_id: TicketId, buyer: UserId) {
        self.end(ticket_id, buyer, Ending::Denied);
    }

    fn end(&mut self, ticket_id: TicketId, buyer: UserId, ending: Ending) {
        let Past { request, waits } = self.forget(ticket_id, buyer);
        if let Some(prices) = &mut self.prices {
            prices.give_back(ticket_id);
        }
        let ended = Ended {
            buyer,
            request,
            ending,
            waits,
        };
        self.ended.insert(ticket_id, ended);
    }

    /// Takes the ticket out of wherever it is, and says by which request it came.
    fn forget(&mut self, ticket_id: TicketId, buyer: UserId) -> Past {
        if let Some(waiting) = &mut self.waiting {
            waiting.forget(ticket_id, buyer);
        }
        if let Some(hold) = self.held.remove(&ticket_id) {
            self.by_expiry.remove(&(hold.expires_at, ticket_id));
            self.count(hold.buyer, |count| count.held = count.held.saturating_sub(1));
            return Past {
                request: Some(hold.request),
                waits: hold.options.is_some_and(|options| options.wait_if_late),
            };
        }
        if let Some(sold) = self.sold.remove(&ticket_id) {
            self.count(sold.buyer, |count| count.sold = count.sold.saturating_sub(1));
            return Past {
                request: sold.request,
                waits: false,
            };
        }
        let ended = self.ended.remove(&ticket_id);
        Past {
            request: ended.as_ref().and_then(|ended| ended.request),
            waits: ended.is_some_and(|ended| ended.waits),
        }
    }

    fn count(&mut self, buyer: UserId, change: impl FnOnce(&mut Count)) {
        let count = self.by_buyer.entry(buyer).or_default();
        change(count);
        if *count == Count::NONE {
            self.by_buyer.remove(&buyer);
        }
    }
}
