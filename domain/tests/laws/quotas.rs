//! What a reader of a room's events alone would count of its tiers and promo codes.

use std::collections::BTreeMap;

use domain::room::{PriceTier, Prices, PromoCode};
use domain::{Fingerprint, Pricing, TicketId, UserId};

/// The same for tiers and codes: what is to be had of each, and what each ticket takes while it has its seat.
#[derive(Default)]
pub(crate) struct Quotas {
    tiers: BTreeMap<String, u32>,
    codes: BTreeMap<Fingerprint, PromoCode>,
    pub(crate) claims: BTreeMap<TicketId, (Pricing, UserId)>,
}

impl Quotas {
    pub(crate) fn set(&mut self, tiers: &[PriceTier], codes: &[PromoCode]) {
        self.tiers
            .extend(tiers.iter().map(|tier| (tier.tier.clone(), tier.quota)));
        self.codes.extend(codes.iter().map(|code| (code.code, code.clone())));
    }

    fn taken(&self, seats: &BTreeMap<TicketId, bool>, is_it: impl Fn(&Pricing, UserId) -> bool) -> u32 {
        let taken = self.claims.iter().filter(|(ticket, _)| seats.contains_key(ticket));
        let taken = taken.filter(|(_, (pricing, buyer))| is_it(pricing, *buyer));
        u32::try_from(taken.count()).expect("few")
    }

    fn of_tier(&self, seats: &BTreeMap<TicketId, bool>, tier: &str) -> u32 {
        self.taken(seats, |pricing, _| pricing.tier.as_deref() == Some(tier))
    }

    fn of_code(&self, seats: &BTreeMap<TicketId, bool>, code: Fingerprint) -> u32 {
        self.taken(seats, |pricing, _| pricing.promo_code == Some(code))
    }

    /// Whether something that the ticket was held at is all taken.
    pub(crate) fn is_exhausted(&self, seats: &BTreeMap<TicketId, bool>, ticket: TicketId) -> bool {
        let Some((pricing, _)) = self.claims.get(&ticket) else {
            return false;
        };
        let tier = pricing.tier.as_deref();
        let code = pricing.promo_code;
        tier.is_some_and(|tier| self.of_tier(seats, tier) >= self.tiers[tier])
            || code.is_some_and(|code| self.of_code(seats, code) >= self.codes[&code].quota)
    }

    pub(crate) fn hold(&self, seats: &BTreeMap<TicketId, bool>, prices: &Prices) {
        for (tier, taken) in prices.tiers() {
            assert_eq!(taken, self.of_tier(seats, &tier.tier), "{}", tier.tier);
            assert!(taken <= tier.quota, "{} is oversold", tier.tier);
        }
        for (code, taken) in prices.promo_codes() {
            assert_eq!(taken, self.of_code(seats, code.code));
            assert!(taken <= code.quota, "a code is oversold");
            for (_, buyer) in self.claims.values() {
                let is_theirs = |pricing: &Pricing, by| pricing.promo_code == Some(code.code) && by == *buyer;
                assert!(
                    self.taken(seats, is_theirs) <= code.per_buyer,
                    "a buyer has it too often"
                );
            }
        }
    }
}
