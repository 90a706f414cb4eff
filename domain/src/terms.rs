//! What a buyer agreed to, snapshotted on the hold. Nothing here may change for a sale once it is recorded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Fingerprint;
use crate::fees::{EarningRules, FeeBase, FeeTier, PlatformFee, Taken};
use crate::money::{BasisPoints, Money, MoneyError};
use crate::shares::Share;
use crate::tax::{self, Country, CountryEvidence, TaxPart, TaxRule};

/// Where a sale is made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    #[default]
    Web,
    Ios,
    Android,
}

impl Channel {
    /// Whether an app store collects the money, and keeps its fee.
    pub const fn is_store(self) -> bool {
        match self {
            Self::Web => false,
            Self::Ios | Self::Android => true,
        }
    }

    /// Who collects the money of a store channel: the provider of its payments, and the name of its cash in the books.
    pub const fn store(self) -> Option<&'static str> {
        match self {
            Self::Web => None,
            Self::Ios => Some("app_store"),
            Self::Android => Some("play_store"),
        }
    }
}

/// Until when a buyer may have the money back on request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RefundPolicy {
    None,
    UntilStart,
    UntilHoursBefore { hours: u32 },
}

/// The terms of one sale.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Terms {
    #[schemars(with = "crate::words::ShopWord")]
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
    #[schemars(with = "Option<crate::words::Digest>")]
    pub legal_terms_sha256: Option<String>,
    /// ISO 3166-1 alpha-2 country of the customer and where it is known from, if the shop asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::words::ShopWord>")]
    pub customer_country: Option<String>,
    /// How the money is divided.
    #[serde(default, skip_serializing_if = "SaleRules::is_default")]
    pub rules: SaleRules,
    /// Where the total comes from, if it is not simply the room's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Box<Pricing>>,
}

/// A total that comes from a price tier, a promo code, or both.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Pricing {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::words::ShopWord>")]
    pub tier: Option<String>,
    /// The tier's name as the buyer saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::words::Published>")]
    pub tier_name: Option<String>,
    /// Before the discount.
    pub list_price: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promo_code: Option<Fingerprint>,
    /// What the code takes off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Money>,
}

/// The rules by which the money of a sale is divided, beside the platform's fee.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct SaleRules {
    #[serde(default)]
    pub store_fee: BasisPoints,
    #[serde(default)]
    pub base: FeeBase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<FeeTier>,
    #[serde(default, skip_serializing_if = "EarningRules::is_default")]
    pub earning: EarningRules,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<TaxRule>,
    /// How the customer's country is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<CountryEvidence>,
    /// Who shares what it earns. Empty where it is the host's alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
}

impl SaleRules {
    /// As sales were before there were rules.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Terms {
    pub fn platform_fee_rule(&self) -> PlatformFee {
        PlatformFee {
            below: self.platform_fee,
            base: self.rules.base,
            tier: self.rules.tier,
        }
    }

    /// What others have of an amount of this sale, if the provider kept `provider_fee`.
    pub fn taken(&self, gross: Money, provider_fee: Money) -> Result<Taken, MoneyError> {
        Taken::of(gross, self.rules.tax.as_ref(), self.rules.store_fee, provider_fee)
    }

    /// What the store keeps of an amount.
    pub fn store_fee_in(&self, amount: Money) -> Result<Money, MoneyError> {
        let tax = tax::included(amount, self.rules.tax.as_ref())?;
        amount.checked_sub(tax)?.share_floor(self.rules.store_fee)
    }

    /// The tax by which an amount differs from what is left of it; none where there is no tax.
    pub fn tax_between(&self, whole: Money, left: Money) -> Result<Option<TaxPart>, MoneyError> {
        let Some(rule) = &self.rules.tax else {
            return Ok(None);
        };
        let amount = tax::included(whole, Some(rule))?.checked_sub(tax::included(left, Some(rule))?)?;
        Ok(Some(TaxPart {
            country: rule.country,
            amount,
        }))
    }
}

/// What is known of where the customer is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Customer {
    /// The shop has no tax to take.
    #[default]
    NotAsked,
    /// It has, and the buyer does not say.
    Missing,
    Known {
        country: Country,
        evidence: Vec<CountryEvidence>,
        /// Looked up: the rate of this country, if it has one.
        tax: Option<TaxRule>,
    },
}

impl Customer {
    pub(crate) const fn is_not_asked(&self) -> bool {
        matches!(self, Self::NotAsked)
    }
}
