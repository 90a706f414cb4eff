//! Which price a sale is made at: the room's, a tier's, less what a promo code takes off. And whether the host's tiers and
//! codes are right.

use std::collections::BTreeSet;

use crate::money::Money;
use crate::room::error::PromoCodeRefusal;
use crate::room::event::SeatReleased;
use crate::room::facts::RoomFacts;
use crate::room::prices::{
    Claim, Discount, NoClaim, PROMO_CODES_MAX, PriceTier, PriceWish, Prices, PromoCode, TIERS_MAX,
};
use crate::room::schedule::{invalid, price, within};
use crate::room::selling::Sales;
use crate::terms::Pricing;
use crate::{Preset, RoomError, Timestamp};

const KEY_CHARS_MAX: usize = 32;
const NAME_CHARS_MAX: usize = 100;

/// What a buyer pays, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Price {
    pub(crate) total: Money,
    pub(crate) pricing: Option<Box<Pricing>>,
}

impl Price {
    /// The room's own.
    pub(crate) const fn plain(total: Money) -> Self {
        Self { total, pricing: None }
    }

    fn of_tier(tier: &PriceTier) -> Self {
        let pricing = Pricing {
            tier: Some(tier.tier.clone()),
            tier_name: Some(tier.name.clone()),
            list_price: tier.price,
            promo_code: None,
            discount: None,
        };
        Self {
            total: tier.price,
            pricing: Some(Box::new(pricing)),
        }
    }

    fn less(self, code: &PromoCode) -> Self {
        let list_price = self.total;
        let off = code
            .discount
            .off(list_price)
            .unwrap_or(Money::zero(list_price.currency()));
        let (tier, tier_name) = self.pricing.map_or((None, None), |known| (known.tier, known.tier_name));
        let pricing = Pricing {
            tier,
            tier_name,
            list_price,
            promo_code: Some(code.code),
            discount: Some(off),
        };
        Self {
            total: list_price.checked_sub(off).unwrap_or(list_price),
            pricing: Some(Box::new(pricing)),
        }
    }
}

impl Sales<'_> {
    /// The price that a buyer asks for, if it is to be had at this time. Its quotas are another question.
    pub(super) fn find_price(&self, wish: Option<&PriceWish>, at: Timestamp) -> Result<Price, RoomError> {
        let Some(wish) = wish else {
            return Ok(Price::plain(self.facts.price));
        };
        let prices = self.seats.prices();
        let listed = match &wish.tier {
            None => Price::plain(self.facts.price),
            Some(key) => {
                let tier = prices.and_then(|prices| prices.tier(key));
                let (tier, _) = tier.ok_or_else(|| invalid("tier", "is none of this room's"))?;
                require_on_sale(tier, at)?;
                Price::of_tier(tier)
            }
        };
        let Some(code) = wish.promo_code else {
            return Ok(listed);
        };
        let refused = |reason| RoomError::PromoCodeRefused { reason };
        let code = prices.and_then(|prices| prices.promo_code(code));
        let (code, _) = code.ok_or(refused(PromoCodeRefusal::Unknown))?;
        if code.opens_at.is_some_and(|opens_at| at < opens_at) {
            return Err(refused(PromoCodeRefusal::NotYet));
        }
        if code.closes_at.is_some_and(|closes_at| at >= closes_at) {
            return Err(refused(PromoCodeRefusal::Expired));
        }
        if code.tier.is_some() && code.tier != wish.tier {
            return Err(refused(PromoCodeRefusal::OtherTier));
        }
        Ok(listed.less(code))
    }

    /// Whether each quota of a claim has one left once `lapsed` are released.
    pub(super) fn has_claim(&self, claim: &Claim, lapsed: &[SeatReleased]) -> Result<(), NoClaim> {
        let Some(prices) = self.seats.prices() else {
            return Ok(());
        };
        let freed = lapsed
            .iter()
            .filter_map(|released| prices.taken_claim(released.ticket_id));
        prices.require(claim, &freed.map(|claim| (claim, -1)))
    }
}

impl From<NoClaim> for RoomError {
    fn from(reason: NoClaim) -> Self {
        match reason {
            NoClaim::Exhausted { quota, limit } => Self::QuotaExhausted { quota, limit },
            NoClaim::BuyerLimit { limit } => Self::PromoCodeRefused {
                reason: PromoCodeRefusal::BuyerLimit { limit },
            },
        }
    }
}

/// The least that a seat costs now: the room's price, or that of a tier which has one left once `changes` are made.
pub(super) fn lowest(facts: &RoomFacts, prices: Option<&Prices>, changes: &[(Claim, i64)], at: Timestamp) -> Price {
    let cheaper = prices.into_iter().flat_map(Prices::tiers).filter(|(tier, taken)| {
        let amount = tier.price.amount_minor();
        let is_its = |claim: &Claim| claim.tier() == Some(tier.tier.as_str());
        let change = changes.iter().filter(|(claim, _)| is_its(claim));
        let taken = change.fold(i64::from(*taken), |sum, (_, by)| sum.saturating_add(*by));
        let is_on_sale = require_on_sale(tier, at).is_ok();
        amount < facts.price.amount_minor() && is_on_sale && taken < i64::from(tier.quota)
    });
    let lowest = cheaper.min_by_key(|(tier, _)| tier.price.amount_minor());
    lowest.map_or(Price::plain(facts.price), |(tier, _)| Price::of_tier(tier))
}

fn require_on_sale(tier: &PriceTier, at: Timestamp) -> Result<(), RoomError> {
    match (tier.opens_at, tier.closes_at) {
        (Some(opens_at), _) if at < opens_at => Err(RoomError::SalesNotOpen { opens_at }),
        (_, Some(closed_at)) if at >= closed_at => Err(RoomError::SalesClosed { closed_at }),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// Judges tiers and codes that are new or otherwise, beside those there are. `room_price` is the room's own from now on.
pub(super) fn check(
    tiers: &[PriceTier],
    codes: &[PromoCode],
    known: Option<&Prices>,
    room_price: Money,
    preset: &Preset,
) -> Result<(), RoomError> {
    let mut after = known.cloned().unwrap_or_default();
    after.revise(tiers, codes);
    require_few("tiers", after.tiers().count(), TIERS_MAX)?;
    require_few("promo_codes", after.promo_codes().count(), PROMO_CODES_MAX)?;
    require_distinct("tiers", tiers.iter().map(|tier| &tier.tier))?;
    require_distinct("promo_codes", codes.iter().map(|code| &code.code))?;
    for tier in tiers {
        check_tier(tier, &after, room_price, preset)?;
    }
    for code in codes {
        check_code(code, &after, room_price, preset)?;
    }
    require_prices(&after, room_price, preset)
}

fn check_tier(tier: &PriceTier, after: &Prices, room_price: Money, preset: &Preset) -> Result<(), RoomError> {
    const FIELD: &str = "tiers";
    let is_key = |key: &str| {
        let is_char = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || matches!(char, '-' | '_');
        (1..=KEY_CHARS_MAX).contains(&key.len()) && key.chars().all(is_char)
    };
    if !is_key(&tier.tier) {
        let reason = format!("tier must have 1 to {KEY_CHARS_MAX} of a-z, 0-9, - and _");
        return Err(invalid(FIELD, reason));
    }
    require_name(FIELD, "name", &tier.name)?;
    require_currency(FIELD, tier.price, room_price)?;
    price(tier.price, preset).map_err(|error| in_list(FIELD, &error))?;
    within(FIELD, tier.quota, 1..=preset.capacity_max).map_err(|error| in_list(FIELD, &error))?;
    require_window(FIELD, tier.opens_at, tier.closes_at)?;
    require_taken(tier.quota, after.tier(&tier.tier).map(|(_, taken)| taken))
}

fn check_code(code: &PromoCode, after: &Prices, room_price: Money, preset: &Preset) -> Result<(), RoomError> {
    const FIELD: &str = "promo_codes";
    require_name(FIELD, "label", &code.label)?;
    let is_something = match code.discount {
        Discount::Amount { amount } => {
            require_currency(FIELD, amount, room_price)?;
            amount.is_positive()
        }
        Discount::Share { basis_points } => basis_points.points() > 0,
    };
    if !is_something {
        return Err(invalid(FIELD, "a discount must be more than nothing"));
    }
    within(FIELD, code.quota, 1..=preset.capacity_max).map_err(|error| in_list(FIELD, &error))?;
    within(FIELD, code.per_buyer, 1..=preset.tickets_per_buyer_max).map_err(|error| in_list(FIELD, &error))?;
    require_window(FIELD, code.opens_at, code.closes_at)?;
    if code.tier.as_deref().is_some_and(|key| after.tier(key).is_none()) {
        return Err(invalid(FIELD, "tier is none of this room's"));
    }
    require_taken(code.quota, after.promo_code(code.code).map(|(_, taken)| taken))
}

/// What any code makes of any price is nothing, or a price that the preset allows.
fn require_prices(after: &Prices, room_price: Money, preset: &Preset) -> Result<(), RoomError> {
    for (code, _) in after.promo_codes() {
        let tiers = after
            .tiers()
            .filter(|(tier, _)| code.tier.as_ref().is_none_or(|key| *key == tier.tier));
        let room = code.tier.is_none().then_some(room_price);
        for listed in tiers.map(|(tier, _)| tier.price).chain(room) {
            let total = Price::plain(listed).less(code).total;
            let least = preset.price_min_minor;
            if total.is_positive() && total.amount_minor() < least {
                let reason = format!(
                    "{} leaves {total}: it must leave nothing, or {least} at least",
                    code.label
                );
                return Err(invalid("promo_codes", reason));
            }
        }
    }
    Ok(())
}

fn in_list(field: &'static str, error: &RoomError) -> RoomError {
    invalid(field, error.to_string())
}

fn require_few(field: &'static str, count: usize, most: usize) -> Result<(), RoomError> {
    if count <= most {
        return Ok(());
    }
    Err(invalid(field, format!("there may be {most}")))
}

fn require_distinct<T: Ord>(field: &'static str, mut keys: impl Iterator<Item = T>) -> Result<(), RoomError> {
    let mut seen = BTreeSet::new();
    if keys.all(|key| seen.insert(key)) {
        return Ok(());
    }
    Err(invalid(field, "names one twice"))
}

fn require_name(field: &'static str, what: &str, name: &str) -> Result<(), RoomError> {
    let is_name = (1..=NAME_CHARS_MAX).contains(&name.chars().count())
        && !name.trim().is_empty()
        && !name.chars().any(char::is_control);
    if is_name {
        return Ok(());
    }
    let reason = format!("{what} must have 1 to {NAME_CHARS_MAX} characters, none of them control characters");
    Err(invalid(field, reason))
}

fn require_currency(field: &'static str, amount: Money, room_price: Money) -> Result<(), RoomError> {
    if amount.currency() == room_price.currency() {
        return Ok(());
    }
    Err(invalid(field, "must be in the room's currency"))
}

fn require_window(
    field: &'static str,
    opens_at: Option<Timestamp>,
    closes_at: Option<Timestamp>,
) -> Result<(), RoomError> {
    match (opens_at, closes_at) {
        (Some(opens_at), Some(closes_at)) if closes_at <= opens_at => {
            Err(invalid(field, "closes_at must be after opens_at"))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn require_taken(quota: u32, taken: Option<u32>) -> Result<(), RoomError> {
    match taken {
        Some(taken) if quota < taken => Err(RoomError::QuotaBelowTaken { taken }),
        Some(_) | None => Ok(()),
    }
}
