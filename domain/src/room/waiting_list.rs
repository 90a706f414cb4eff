//! The line of a room: who paid too late and waits for a moment in front, then who joined, each in the order of the log.
//!
//! A room that nobody waits for has none of this. Every step takes O(log n).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::terms::Customer;
use crate::{Fingerprint, TicketId, Timestamp, UserId};

/// People in line at once. Who comes later would hardly ever have a turn.
pub const WAITING_MAX: usize = 1_000;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct WaitingList {
    joined: u64,
    line: BTreeMap<u64, Waiter>,
    numbers: BTreeMap<UserId, u64>,
    /// Offers that are open: holds of people who were in line.
    offers: BTreeMap<UserId, TicketId>,
    paid: BTreeMap<u64, PaidWaiter>,
    paid_numbers: BTreeMap<TicketId, u64>,
    /// Who left without an offer, by the ticket that would have been theirs: a repeated request does not join again.
    left: BTreeMap<TicketId, (UserId, Fingerprint)>,
}

/// Somebody in line. `ticket_id` is the ticket that an offer will be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Waiter {
    pub(crate) user: UserId,
    pub(crate) ticket_id: TicketId,
    pub(crate) request: Fingerprint,
    #[serde(default)]
    pub(crate) customer: Customer,
    pub(crate) joined_at: Timestamp,
}

/// Somebody whose payment came when the seat was gone, and who asked to wait for another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct PaidWaiter {
    pub(crate) ticket_id: TicketId,
    pub(crate) buyer: UserId,
    pub(crate) until: Timestamp,
}

impl WaitingList {
    /// Seats that are spoken for as soon as they are free.
    pub(crate) fn len(&self) -> usize {
        self.line.len().saturating_add(self.paid.len())
    }

    pub(crate) fn has_line(&self) -> bool {
        !self.line.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.line.len() >= WAITING_MAX
    }

    pub(crate) fn line(&self) -> impl Iterator<Item = &Waiter> {
        self.line.values()
    }

    pub(crate) fn paid(&self) -> impl Iterator<Item = &PaidWaiter> {
        self.paid.values()
    }

    pub(crate) fn waiter(&self, user: UserId) -> Option<&Waiter> {
        self.line.get(self.numbers.get(&user)?)
    }

    /// 1 is next; who paid already goes before everybody.
    pub(crate) fn place(&self, user: UserId) -> Option<usize> {
        let number = self.numbers.get(&user)?;
        Some(self.line.range(..=number).count().saturating_add(self.paid.len()))
    }

    pub(crate) fn offer(&self, user: UserId) -> Option<TicketId> {
        self.offers.get(&user).copied()
    }

    pub(crate) fn is_awaiting_seat(&self, ticket_id: TicketId) -> bool {
        self.paid_numbers.contains_key(&ticket_id)
    }

    /// Who asked by which request for a place that would have become this ticket: in line, or not any more.
    pub(crate) fn origin(&self, ticket_id: TicketId) -> Option<(UserId, Fingerprint)> {
        let waiting = || self.line.values().find(|waiter| waiter.ticket_id == ticket_id);
        let left = self.left.get(&ticket_id).copied();
        left.or_else(|| waiting().map(|waiter| (waiter.user, waiter.request)))
    }

    /// When the first of those who paid has waited long enough.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.paid.values().map(|paid| paid.until).min()
    }

    pub(super) fn join(&mut self, waiter: Waiter) {
        let number = self.next_number();
        self.numbers.insert(waiter.user, number);
        self.line.insert(number, waiter);
    }

    pub(super) fn leave(&mut self, user: UserId) {
        if let Some(waiter) = self.step_out(user) {
            self.left.insert(waiter.ticket_id, (waiter.user, waiter.request));
        }
    }

    pub(super) fn await_seat(&mut self, paid: PaidWaiter) {
        let number = self.next_number();
        self.paid_numbers.insert(paid.ticket_id, number);
        self.paid.insert(number, paid);
    }

    /// A hold was made for somebody in line.
    pub(super) fn make_offer(&mut self, user: UserId, ticket_id: TicketId) {
        self.step_out(user);
        self.offers.insert(user, ticket_id);
    }

    /// The ticket has its outcome: it is neither an open offer nor waits any more.
    pub(super) fn forget(&mut self, ticket_id: TicketId, buyer: UserId) {
        if let Some(number) = self.paid_numbers.remove(&ticket_id) {
            self.paid.remove(&number);
        }
        if self.offers.get(&buyer) == Some(&ticket_id) {
            self.offers.remove(&buyer);
        }
    }

    fn step_out(&mut self, user: UserId) -> Option<Waiter> {
        let number = self.numbers.remove(&user)?;
        self.line.remove(&number)
    }

    fn next_number(&mut self) -> u64 {
        self.joined = self.joined.saturating_add(1);
        self.joined
    }
}
