//! A rule set by name and version. It is recorded on each sale, so that an old sale is judged by its own rules.

use serde::{Deserialize, Serialize};

use crate::money::BasisPoints;

/// The figures of one rule set (`rules.md`, head). `open` is the default of a self-hosted shop: no eligibility gate, the
/// host keeps all but the platform fee.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    pub name: String,
    pub version: u32,
    /// The platform's share of what is left after the payment provider's fee.
    pub platform_fee: BasisPoints,
    /// A priced room costs at least this much, in minor units. Free rooms are always allowed.
    pub price_min_minor: i64,
    pub price_max_minor: i64,
    /// What one media server node is sure to carry.
    pub capacity_max: u32,
    pub hold_seconds_min: u32,
    pub hold_seconds_max: u32,
    pub tickets_per_buyer_max: u32,
    /// Below this nothing is paid out, in minor units.
    pub payout_min_minor: i64,
}

impl Preset {
    /// The default preset: 5 % platform fee, prices up to 999.00, rooms up to 1,000 seats, holds of 1 second to 15
    /// minutes, payouts from 1.00.
    pub fn open() -> Self {
        Self {
            name: "open".to_owned(),
            version: 1,
            platform_fee: BasisPoints::try_new(500).unwrap_or(BasisPoints::ZERO),
            price_min_minor: 1,
            price_max_minor: 99_900,
            capacity_max: 1_000,
            hold_seconds_min: 1,
            hold_seconds_max: 900,
            tickets_per_buyer_max: 100,
            payout_min_minor: 100,
        }
    }
}
