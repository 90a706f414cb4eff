//! What a reader of a room's events alone would count.

use std::collections::{BTreeMap, BTreeSet};

use domain::room::{ReleaseReason, RoomRevised};
use domain::{RoomEvent, TicketId, UserId};

use crate::quotas::Quotas;

#[derive(Default)]
pub(super) struct Seen {
    /// `true` once sold.
    pub(super) seats: BTreeMap<TicketId, bool>,
    pub(super) outcomes: BTreeMap<TicketId, u32>,
    /// Removed, banned here, banned everywhere.
    barred: [BTreeSet<UserId>; 3],
    /// Who waits, in the order of the log: first those who paid, then the others.
    pub(super) late: Vec<TicketId>,
    pub(super) line: Vec<UserId>,
    pub(super) quotas: Quotas,
}

impl Seen {
    pub(super) fn take(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::RoomScheduled(scheduled) => {
                self.quotas.set(&scheduled.sale.tiers, &scheduled.sale.promo_codes);
            }
            RoomEvent::RoomRevised(RoomRevised { revision, .. }) => {
                self.quotas.set(&revision.tiers, &revision.promo_codes);
            }
            RoomEvent::SeatHeld(held) => {
                self.require_welcome(held.buyer);
                let is_waiting_for_more = |ticket: &TicketId| self.quotas.is_exhausted(&self.seats, *ticket);
                let nobody_paid_for_it = self.late.iter().all(is_waiting_for_more);
                if let Some(pricing) = &held.terms.pricing {
                    let claim = (pricing.as_ref().clone(), held.buyer);
                    self.quotas.claims.insert(held.ticket_id, claim);
                }
                assert_eq!(self.seats.insert(held.ticket_id, false), None);
                if held.options.as_ref().is_some_and(|options| options.offered) {
                    assert!(nobody_paid_for_it, "who paid goes first");
                    assert_eq!(self.line.remove(0), held.buyer, "first come, first served");
                }
            }
            RoomEvent::WaitingListJoined { user, .. } => {
                assert!(!self.line.contains(user), "in line twice");
                self.line.push(*user);
            }
            RoomEvent::WaitingListLeft { user, .. } => self.line.retain(|person| person != user),
            RoomEvent::SeatAwaited { ticket_id, .. } => self.late.push(*ticket_id),
            RoomEvent::SeatSold(sold) => {
                self.require_welcome(sold.buyer);
                if let Some(place) = self.late.iter().position(|ticket| *ticket == sold.ticket_id) {
                    let mut before = self.late[..place].iter();
                    let first_come = before.all(|ticket| self.quotas.is_exhausted(&self.seats, *ticket));
                    assert!(first_come, "first come, first served");
                    self.late.remove(place);
                }
                let retakes = sold.retakes.as_deref();
                let claim = self.quotas.claims.get(&sold.ticket_id);
                let lapsed = claim.filter(|_| !self.seats.contains_key(&sold.ticket_id));
                assert_eq!(
                    retakes.map(|retakes| (&retakes.tier, retakes.promo_code)),
                    lapsed.map(|(pricing, _)| (&pricing.tier, pricing.promo_code)),
                    "what is taken anew is on record"
                );
                let before = self.seats.insert(sold.ticket_id, true);
                assert_eq!(
                    before,
                    sold.was_held().then_some(false),
                    "sold once, and it says to whom it was"
                );
                *self.outcomes.entry(sold.ticket_id).or_default() += 1;
            }
            RoomEvent::SeatReleased(released) => {
                let was_sold = self.seats.remove(&released.ticket_id).expect("released what was taken");
                assert_eq!(was_sold, !released.was_held(), "a release says what it releases");
                assert!(!was_sold || released.reason == ReleaseReason::Refunded);
            }
            RoomEvent::SeatDenied { ticket_id, .. } => {
                assert!(!self.seats.contains_key(ticket_id), "denied what it has");
                *self.outcomes.entry(*ticket_id).or_default() += 1;
                self.late.retain(|ticket| ticket != ticket_id);
            }
            _ => self.take_bars(event),
        }
    }

    fn take_bars(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::PersonRemoved { user, .. } => {
                self.barred[0].insert(*user);
            }
            RoomEvent::PersonBanned { user, everywhere, .. } => {
                self.barred[if *everywhere { 2 } else { 1 }].insert(*user);
            }
            RoomEvent::PersonUnbanned { user, everywhere, .. } => {
                let over = if *everywhere { 2..3 } else { 0..2 };
                self.barred[over].iter_mut().for_each(|list| {
                    list.remove(user);
                });
            }
            _ => {}
        }
    }

    fn require_welcome(&self, buyer: UserId) {
        let is_barred = self.barred.iter().any(|list| list.contains(&buyer));
        assert!(!is_barred, "a seat for somebody who was sent out");
    }
}
