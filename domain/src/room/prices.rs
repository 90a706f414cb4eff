//! Price tiers and promo codes: quotas within the room's seats.
//!
//! A seat sold in a tier takes one of the tier, one sold by a code one of the code, and each one of the room: room ≥ tier ≥
//! code. `taken ≤ quota` after every single event, for each of them. A quota is a limit, not a reservation: what is free in a
//! tier can be had as long as the room has seats.
//!
//! What a ticket takes is known by its ticket alone (a claim), so that whatever becomes of the seat gives back exactly that. A
//! room without tiers and codes has none of this.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::{BasisPoints, Money, MoneyError};
use crate::room::event::Retaken;
use crate::terms::Pricing;
use crate::{Fingerprint, RoomId, TicketId, Timestamp, UserId};

/// Tiers of a room. A buyer should be able to read them.
pub const TIERS_MAX: usize = 20;
/// Promo codes of a room.
pub const PROMO_CODES_MAX: usize = 200;

/// A price with a name and a quota of its own, beside the room's price.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PriceTier {
    /// What a buyer's client names it by.
    #[schemars(with = "crate::words::ShopWord")]
    pub tier: String,
    #[schemars(with = "crate::words::Published")]
    pub name: String,
    pub price: Money,
    pub quota: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<Timestamp>,
}

/// A discount for whoever knows the code. The code itself is a secret between the host and those who are told it: here is
/// only its [`code_hash`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PromoCode {
    pub code: Fingerprint,
    /// By which the host knows it again.
    #[schemars(with = "crate::words::Published")]
    pub label: String,
    pub discount: Discount,
    pub quota: u32,
    pub per_buyer: u32,
    /// Good for this tier alone; for every price, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::words::ShopWord>")]
    pub tier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Discount {
    Amount { amount: Money },
    Share { basis_points: BasisPoints },
}

impl Discount {
    /// What is off a price: never more than the price.
    pub fn off(self, price: Money) -> Result<Money, MoneyError> {
        let off = match self {
            Self::Amount { amount } => amount,
            Self::Share { basis_points } => price.share_floor(basis_points)?,
        };
        let left = price.checked_sub(off)?;
        Ok(if left.amount_minor() < 0 { price } else { off })
    }
}

/// What the log keeps of a promo code: enough to know it again, of this room alone. Case and outer spaces do not count.
pub fn code_hash(room: RoomId, code: &str) -> Fingerprint {
    let mut text = room.as_uuid().as_bytes().to_vec();
    text.extend(code.trim().to_uppercase().bytes());
    Fingerprint::of(&text)
}

/// What a buyer asks for beside a seat.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PriceWish {
    pub tier: Option<String>,
    pub promo_code: Option<Fingerprint>,
}

impl PriceWish {
    /// Nothing, for who takes the room's price: most do.
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// A quota beside the room's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quota {
    Tier,
    PromoCode,
}

/// Why a claim cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoClaim {
    Exhausted { quota: Quota, limit: u32 },
    BuyerLimit { limit: u32 },
}

/// What a ticket takes of the quotas, and who used the code for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Claim {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Fingerprint>,
    by: UserId,
}

impl Claim {
    pub(crate) fn new(pricing: &Pricing, by: UserId) -> Self {
        Self {
            tier: pricing.tier.clone(),
            code: pricing.promo_code,
            by,
        }
    }

    /// For the record of a sale that takes it anew.
    pub(crate) fn retaken(&self) -> Retaken {
        Retaken {
            tier: self.tier.clone(),
            promo_code: self.code,
        }
    }

    pub(crate) fn tier(&self) -> Option<&str> {
        self.tier.as_deref()
    }

    pub(crate) const fn code(&self) -> Option<Fingerprint> {
        self.code
    }

    /// Whether both take of the same tier, or of the same code.
    pub(crate) fn shares(&self, quota: Quota, other: &Self) -> bool {
        match quota {
            Quota::Tier => self.tier == other.tier,
            Quota::PromoCode => self.code == other.code,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Stock<T> {
    terms: T,
    taken: u32,
}

/// The tiers and codes of a room, and what is taken of each.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Prices {
    /// In the host's order.
    tiers: Vec<Stock<PriceTier>>,
    codes: BTreeMap<Fingerprint, Stock<PromoCode>>,
    /// `true` while it is taken. One that lapsed may be taken again by a payment that comes late.
    claims: BTreeMap<TicketId, (Claim, bool)>,
    /// Who has used which code how often.
    uses: BTreeMap<Fingerprint, BTreeMap<UserId, u32>>,
}

impl Prices {
    pub fn tiers(&self) -> impl Iterator<Item = (&PriceTier, u32)> {
        self.tiers.iter().map(|stock| (&stock.terms, stock.taken))
    }

    pub fn promo_codes(&self) -> impl Iterator<Item = (&PromoCode, u32)> {
        self.codes.values().map(|stock| (&stock.terms, stock.taken))
    }

    pub fn tier(&self, key: &str) -> Option<(&PriceTier, u32)> {
        self.tiers().find(|(tier, _)| tier.tier == key)
    }

    pub fn promo_code(&self, code: Fingerprint) -> Option<(&PromoCode, u32)> {
        self.codes.get(&code).map(|stock| (&stock.terms, stock.taken))
    }

    pub(crate) fn claim(&self, ticket_id: TicketId) -> Option<&Claim> {
        self.claims.get(&ticket_id).map(|(claim, _)| claim)
    }

    pub(crate) fn taken_claim(&self, ticket_id: TicketId) -> Option<&Claim> {
        let (claim, is_taken) = self.claims.get(&ticket_id)?;
        is_taken.then_some(claim)
    }

    pub(crate) fn taken_claims(&self) -> impl Iterator<Item = (TicketId, &Claim)> {
        let taken = self.claims.iter().filter(|(_, (_, is_taken))| *is_taken);
        taken.map(|(ticket_id, (claim, _))| (*ticket_id, claim))
    }

    /// Whether each quota of a claim has one left, once `changes` are made.
    pub(crate) fn require<'a>(
        &self,
        claim: &Claim,
        changes: &(impl Iterator<Item = (&'a Claim, i64)> + Clone),
    ) -> Result<(), NoClaim> {
        let after = |taken: u32, is_it: &dyn Fn(&Claim) -> bool| {
            let change = changes.clone().filter(|(claim, _)| is_it(claim));
            change.fold(i64::from(taken), |sum, (_, by)| sum.saturating_add(by))
        };
        if let Some((tier, taken)) = claim.tier.as_deref().and_then(|key| self.tier(key)) {
            let taken = after(taken, &|other| other.tier == claim.tier);
            if taken >= i64::from(tier.quota) {
                let (quota, limit) = (Quota::Tier, tier.quota);
                return Err(NoClaim::Exhausted { quota, limit });
            }
        }
        let Some((code, taken)) = claim.code.and_then(|code| self.promo_code(code)) else {
            return Ok(());
        };
        let taken = after(taken, &|other| other.code == claim.code);
        if taken >= i64::from(code.quota) {
            let (quota, limit) = (Quota::PromoCode, code.quota);
            return Err(NoClaim::Exhausted { quota, limit });
        }
        let used = after(self.used_by(code.code, claim.by), &|other| {
            other.code == claim.code && other.by == claim.by
        });
        if used >= i64::from(code.per_buyer) {
            let limit = code.per_buyer;
            return Err(NoClaim::BuyerLimit { limit });
        }
        Ok(())
    }

    fn used_by(&self, code: Fingerprint, user: UserId) -> u32 {
        let by_buyer = self.uses.get(&code);
        by_buyer.and_then(|counts| counts.get(&user)).copied().unwrap_or(0)
    }

    /// The host's wish: what is new is added, what is known is replaced.
    pub(crate) fn revise(&mut self, tiers: &[PriceTier], codes: &[PromoCode]) {
        for tier in tiers {
            match self.tiers.iter_mut().find(|known| known.terms.tier == tier.tier) {
                Some(known) => known.terms = tier.clone(),
                None => self.tiers.push(Stock {
                    terms: tier.clone(),
                    taken: 0,
                }),
            }
        }
        for code in codes {
            let taken = self.codes.get(&code.code).map_or(0, |known| known.taken);
            let terms = code.clone();
            self.codes.insert(code.code, Stock { terms, taken });
        }
    }

    /// A seat was held on these terms.
    pub(super) fn hold(&mut self, ticket_id: TicketId, claim: Claim) {
        self.claims.insert(ticket_id, (claim, false));
        self.take(ticket_id);
    }

    /// A seat was sold: it takes what its hold took, if that was given back meanwhile.
    pub(super) fn take(&mut self, ticket_id: TicketId) {
        self.turn(ticket_id, true, |count| count.saturating_add(1));
    }

    pub(super) fn give_back(&mut self, ticket_id: TicketId) {
        self.turn(ticket_id, false, |count| count.saturating_sub(1));
    }

    fn turn(&mut self, ticket_id: TicketId, to: bool, change: fn(u32) -> u32) {
        let Some((claim, is_taken)) = self.claims.get_mut(&ticket_id) else {
            return;
        };
        if *is_taken == to {
            return;
        }
        *is_taken = to;
        if let Some(key) = &claim.tier
            && let Some(tier) = self.tiers.iter_mut().find(|stock| stock.terms.tier == *key)
        {
            tier.taken = change(tier.taken);
        }
        if let Some(code) = claim.code {
            if let Some(stock) = self.codes.get_mut(&code) {
                stock.taken = change(stock.taken);
            }
            let used = self.uses.entry(code).or_default().entry(claim.by).or_default();
            *used = change(*used);
        }
    }
}
