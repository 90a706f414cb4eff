//! What a buyer agreed to, snapshotted on the hold. Nothing here may change for a sale once it is recorded.

use serde::{Deserialize, Serialize};

use crate::money::{BasisPoints, Money};

/// Where a sale is made. Store channels (`ios`, `android`) will join `web`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Web,
}

/// Until when a buyer may have the money back on request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RefundPolicy {
    None,
    UntilStart,
    UntilHoursBefore { hours: u32 },
}

/// The terms of one sale.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Terms {
    pub preset: String,
    pub preset_version: u32,
    /// What the buyer pays: all mandatory fees and tax are in.
    pub total: Money,
    /// The part of `total` that is tax.
    pub tax: Money,
    pub channel: Channel,
    pub platform_fee: BasisPoints,
    pub refund_policy: RefundPolicy,
    /// Hex SHA-256 of the legal terms shown, if the shop shows any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_terms_sha256: Option<String>,
    /// ISO 3166-1 alpha-2 country of the customer and where it is known from, if the shop asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_country: Option<String>,
}
