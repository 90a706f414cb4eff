//! What a reader of a room's events alone would count of its tiers and promo codes.

use std::collections::BTreeMap;

use domain::room::{PriceTier, Prices, PromoCode, Taken};
use domain::{Fingerprint, Pricing, Room, TicketId, UserId};

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

    pub(crate) fn hold(&self, seats: &BTreeMap<TicketId, bool>, room: &Room) {
        let shown = room.tiers_taken();
        for (tier, taken) in room.prices().into_iter().flat_map(Prices::tiers) {
            let (_, shown) = shown.iter().find(|(name, _)| *name == tier.tier).expect("each tier");
            self.is_shown(seats, *shown, |pricing| pricing.tier.as_deref() == Some(&tier.tier));
            assert_eq!(taken, self.of_tier(seats, &tier.tier), "{}", tier.tier);
            assert!(taken <= tier.quota, "{} is oversold", tier.tier);
        }
        for (code, taken) in room.prices().into_iter().flat_map(Prices::promo_codes) {
            let shown = room.code_taken(code.code).expect("each code");
            self.is_shown(seats, shown, |pricing| pricing.promo_code == Some(code.code));
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

    /// Held and sold are told apart.
    fn is_shown(&self, seats: &BTreeMap<TicketId, bool>, shown: Taken, is_of_it: impl Fn(&Pricing) -> bool) {
        let count = |is_sold: bool| {
            let is_so = |ticket| seats.get(ticket) == Some(&is_sold);
            let claims = self
                .claims
                .iter()
                .filter(|(ticket, (pricing, _))| is_so(ticket) && is_of_it(pricing));
            u32::try_from(claims.count()).expect("few")
        };
        assert_eq!((shown.held, shown.sold), (count(false), count(true)));
    }
}
