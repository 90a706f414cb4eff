//! Price tiers and promo codes, as hosts write them and everybody may read them.

use domain::room::{Discount, PriceTier, PriceWish, PromoCode, code_hash};
use domain::{BasisPoints, Fingerprint, RoomId};
use projections::catalogue::TierRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::MoneyBody;
use crate::extract::{Fields, Moment};

const CODE_CHARS_MAX: usize = 64;

/// A price beside the room's own, for a part of its seats at most. One that is there already is replaced as a whole; to end
/// it, let it close.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = TierWish)]
#[serde(deny_unknown_fields)]
pub(crate) struct TierRequest {
    /// What a hold names it by.
    #[schema(pattern = "^[a-z0-9_-]{1,32}$")]
    tier: String,
    name: String,
    /// In the room's currency. What was held or sold keeps its price.
    price: MoneyBody,
    /// So many seats at most, within the room's. Not below what is held and sold of it.
    quota: u32,
    /// With the room's sales, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opens_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closes_at: Option<Moment>,
}

impl From<TierRequest> for PriceTier {
    fn from(body: TierRequest) -> Self {
        Self {
            tier: body.tier,
            name: body.name,
            price: body.price.into(),
            quota: body.quota,
            opens_at: body.opens_at.map(|at| at.0),
            closes_at: body.closes_at.map(|at| at.0),
        }
    }
}

/// A tier as everybody may see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tier)]
pub(crate) struct TierBody {
    tier: String,
    name: String,
    price: MoneyBody,
    /// What a buyer pays: all mandatory fees and tax are in.
    price_total: MoneyBody,
    quota: u32,
    /// What can be had of it now: never more than is free in the room.
    free: u32,
    held: u32,
    sold: u32,
    opens_at: Option<Moment>,
    closes_at: Option<Moment>,
}

impl TierBody {
    pub(crate) fn new(row: TierRow, room_free: u32) -> Self {
        let left = row.quota.saturating_sub(row.held).saturating_sub(row.sold);
        Self {
            tier: row.tier,
            name: row.name,
            price: row.price.into(),
            price_total: row.price.into(),
            quota: row.quota,
            free: left.min(room_free),
            held: row.held,
            sold: row.sold,
            opens_at: row.opens_at.map(Moment),
            closes_at: row.closes_at.map(Moment),
        }
    }
}

/// `amount` is off each ticket, or so many `basis_points` of its price: one of the two.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Discount)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiscountBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<MoneyBody>,
    /// 10000 is the whole price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    basis_points: Option<u16>,
}

impl From<Discount> for DiscountBody {
    fn from(discount: Discount) -> Self {
        let (amount, basis_points) = match discount {
            Discount::Amount { amount } => (Some(amount.into()), None),
            Discount::Share { basis_points } => (None, Some(basis_points.points())),
        };
        Self { amount, basis_points }
    }
}

/// A discount for whoever knows the code. One whose code is there already is replaced as a whole; to end it, let it close.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PromoCodeWish)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromoCodeRequest {
    /// Case and outer spaces do not count. Kept as a hash alone: whoever made it up must remember it.
    #[schema(min_length = 1, max_length = 64)]
    code: String,
    /// By which the host knows it again.
    label: String,
    discount: DiscountBody,
    /// So many tickets at most.
    quota: u32,
    #[serde(default = "one")]
    per_buyer: u32,
    /// For this tier alone; for every price, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opens_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closes_at: Option<Moment>,
}

const fn one() -> u32 {
    1
}

impl PromoCodeRequest {
    /// What it means in a room; mistakes are added to `fields`.
    fn parse(self, room: RoomId, index: usize, fields: &mut Fields) -> Option<PromoCode> {
        let pointer = format!("/promo_codes/{index}");
        fields.check(is_code(&self.code), &format!("{pointer}/code"), CODE_DETAIL);
        let discount = match (self.discount.amount, self.discount.basis_points) {
            (Some(amount), None) => Some(Discount::Amount { amount: amount.into() }),
            (None, Some(points)) => BasisPoints::try_new(points).map(|basis_points| Discount::Share { basis_points }),
            (Some(_), Some(_)) | (None, None) => None,
        };
        let detail = "must have an amount, or 1 to 10000 basis_points";
        fields.check(discount.is_some(), &format!("{pointer}/discount"), detail);
        Some(PromoCode {
            code: code_hash(room, &self.code),
            label: self.label,
            discount: discount?,
            quota: self.quota,
            per_buyer: self.per_buyer,
            tier: self.tier,
            opens_at: self.opens_at.map(|at| at.0),
            closes_at: self.closes_at.map(|at| at.0),
        })
    }
}

/// All codes of a request; those with mistakes are left out, and `fields` has the mistakes.
pub(crate) fn promo_codes(bodies: Vec<PromoCodeRequest>, room: RoomId, fields: &mut Fields) -> Vec<PromoCode> {
    let codes = bodies.into_iter().enumerate();
    codes
        .filter_map(|(index, body)| body.parse(room, index, fields))
        .collect()
}

const CODE_DETAIL: &str = "must have 1 to 64 characters, beside spaces around it";

fn is_code(code: &str) -> bool {
    let code = code.trim();
    (1..=CODE_CHARS_MAX).contains(&code.chars().count()) && !code.chars().any(char::is_control)
}

/// What a buyer asks for, by name and by code.
pub(crate) fn price_wish(
    tier: Option<&str>,
    code: Option<&str>,
    room: RoomId,
    fields: &mut Fields,
) -> Option<Box<PriceWish>> {
    fields.check(code.is_none_or(is_code), "/promo_code", CODE_DETAIL);
    let wish = PriceWish {
        tier: tier.map(str::to_owned),
        promo_code: code.map(|code| code_hash(room, code)),
    };
    wish.boxed()
}

/// A promo code as the host of its room may see it. The code itself is not kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromoCode)]
pub(crate) struct PromoCodeBody {
    /// What the log keeps of the code.
    #[schema(value_type = String)]
    code_hash: Fingerprint,
    label: String,
    discount: DiscountBody,
    quota: u32,
    /// Held and sold with it.
    taken: u32,
    per_buyer: u32,
    tier: Option<String>,
    opens_at: Option<Moment>,
    closes_at: Option<Moment>,
}

impl PromoCodeBody {
    pub(crate) fn new(code: &PromoCode, taken: u32) -> Self {
        Self {
            code_hash: code.code,
            label: code.label.clone(),
            discount: code.discount.into(),
            quota: code.quota,
            taken,
            per_buyer: code.per_buyer,
            tier: code.tier.clone(),
            opens_at: code.opens_at.map(Moment),
            closes_at: code.closes_at.map(Moment),
        }
    }
}
