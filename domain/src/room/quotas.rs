//! What is taken of each quota of a room, and how many wait: what a refusal to sell rests on.

use crate::room::prices::{Claim, Prices};
use crate::room::seats::{Seat, Seats};
use crate::room::waiting_list::WAITING_MAX;
use crate::{Fingerprint, Room};

/// A number of seats, and how they are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    pub quota: u32,
    pub held: u32,
    pub sold: u32,
}

/// Who waits. What is free is spoken for by them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InLine {
    /// Who joined the waiting list.
    pub waiting: u32,
    pub limit: u32,
    /// Who paid too late, and waits in front of it.
    pub paid: u32,
}

impl Room {
    /// Of the room as a whole; `None` before it was scheduled.
    pub fn seats_taken(&self) -> Option<Taken> {
        let quota = self.facts()?.capacity;
        Some(Taken {
            quota,
            held: self.held_count(),
            sold: self.sold_count(),
        })
    }

    /// Of each tier, in the host's order.
    pub fn tiers_taken(&self) -> Vec<(String, Taken)> {
        let tiers = self.prices().into_iter().flat_map(Prices::tiers);
        let taken = tiers.map(|(tier, _)| {
            let taken = self.taken_by_claims(tier.quota, |claim| claim.tier() == Some(tier.tier.as_str()));
            (tier.tier.clone(), taken)
        });
        taken.collect()
    }

    /// Of a promo code; `None` for one that the room does not have.
    pub fn code_taken(&self, code: Fingerprint) -> Option<Taken> {
        let (terms, _) = self.prices()?.promo_code(code)?;
        Some(self.taken_by_claims(terms.quota, |claim| claim.code() == Some(code)))
    }

    /// `None` if nobody waits.
    pub fn in_line(&self) -> Option<InLine> {
        let waiting = self.seats().and_then(Seats::waiting)?;
        let count = |people: usize| u32::try_from(people).unwrap_or(u32::MAX);
        let in_line = InLine {
            waiting: count(waiting.line().count()),
            limit: count(WAITING_MAX),
            paid: count(waiting.paid().count()),
        };
        (waiting.len() > 0).then_some(in_line)
    }

    fn taken_by_claims(&self, quota: u32, is_of_it: impl Fn(&Claim) -> bool) -> Taken {
        let claims = self.prices().into_iter().flat_map(Prices::taken_claims);
        let seats = claims.filter(|(_, claim)| is_of_it(claim)).map(|(id, _)| self.seat(id));
        let (mut held, mut sold) = (0_u32, 0_u32);
        for seat in seats {
            match seat {
                Some(Seat::Held(_)) => held = held.saturating_add(1),
                Some(Seat::Sold { .. }) => sold = sold.saturating_add(1),
                None => {}
            }
        }
        Taken { quota, held, sold }
    }
}
