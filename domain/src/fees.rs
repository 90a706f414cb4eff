//! How a sale is divided: tax, the store's fee, the provider's fee, the platform's, and the rest for the host.
//!
//! Every split conserves: its parts add up to the gross, none is negative, and what rounding leaves over is the host's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::{BasisPoints, Money, MoneyError};
use crate::{Currency, tax};

/// The fee rules of a preset, as a room is scheduled under them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeeRules {
    /// The store's share of a sale through a store channel. On the web there is no store.
    #[serde(default)]
    pub store_fee: BasisPoints,
    #[serde(default)]
    pub base: FeeBase,
    /// Another platform fee, once the host has had so much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<FeeTier>,
    #[serde(default, skip_serializing_if = "EarningRules::is_default")]
    pub earning: EarningRules,
}

impl FeeRules {
    /// As rooms had them before there were rules.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How long an earning waits before it can be paid out. By default not at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarningRules {
    /// Whole days that an earning is pending.
    #[serde(default)]
    pub pending_days: u32,
    /// The share of each earning that is kept in the rolling reserve,
    #[serde(default)]
    pub reserve: BasisPoints,
    /// and for how many days.
    #[serde(default)]
    pub reserve_days: u32,
}

impl EarningRules {
    pub const PENDING_DAYS_MAX: u32 = 30;
    /// Half a year: as long as banks take disputes.
    pub const RESERVE_DAYS_MAX: u32 = 180;

    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What the platform's fee is a share of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeeBase {
    /// What is left after the payment provider.
    #[default]
    AfterProvider,
    /// What is left after the store: the host bears the provider's fee alone.
    AfterStore,
}

/// Above the line the platform takes another share. Reached by the host's lifetime share in the sale's currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeeTier {
    /// In whole units of the currency: 50000 is 50,000.00 USD, 50,000 JPY, 50,000.000 KWD.
    pub host_lifetime_major: u32,
    pub platform_fee: BasisPoints,
}

impl FeeTier {
    /// The line in a currency.
    pub fn host_lifetime(&self, currency: Currency) -> Money {
        let scale = 10_i64.saturating_pow(u32::from(currency.minor_digits()));
        Money::new(i64::from(self.host_lifetime_major).saturating_mul(scale), currency)
    }
}

/// What an account splits a sale by: snapshotted on the sale.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlatformFee {
    pub below: BasisPoints,
    pub base: FeeBase,
    pub tier: Option<FeeTier>,
}

/// What others have of a sale before the platform and the host do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    pub gross: Money,
    pub tax: Money,
    pub store_fee: Money,
    pub provider_fee: Money,
}

/// The platform's and the host's parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shares {
    pub platform_fee: Money,
    pub host_share: Money,
}

impl Taken {
    /// What was kept of a sale: tax first, then the store, then the provider. A provider's fee above what is left (after a
    /// partial refund) is borne by the host only as far as that reaches.
    pub fn of(
        gross: Money,
        tax: Option<&tax::TaxRule>,
        store: BasisPoints,
        provider_fee: Money,
    ) -> Result<Self, MoneyError> {
        let tax = tax::included(gross, tax)?;
        let taxed = gross.checked_sub(tax)?;
        let store_fee = taxed.share_floor(store)?;
        let after_store = taxed.checked_sub(store_fee)?;
        let is_covered = after_store.checked_sub(provider_fee)?.amount_minor() >= 0;
        Ok(Self {
            gross,
            tax,
            store_fee,
            provider_fee: if is_covered { provider_fee } else { after_store },
        })
    }

    fn after_store(&self) -> Result<Money, MoneyError> {
        self.gross.checked_sub(self.tax)?.checked_sub(self.store_fee)
    }
}

impl PlatformFee {
    /// One share for everybody, of what is left after the provider.
    pub fn flat(share: BasisPoints) -> Self {
        Self {
            below: share,
            base: FeeBase::AfterProvider,
            tier: None,
        }
    }

    /// Divides what is left between the platform and a host whose lifetime share so far is `lifetime`. A sale that crosses
    /// the line is split at it: the part that fills the lifetime up to the line pays the fee below it, the rest the other.
    pub fn split(&self, taken: &Taken, lifetime: Money) -> Result<Shares, MoneyError> {
        let after_store = taken.after_store()?;
        let left = after_store.checked_sub(taken.provider_fee)?;
        if left.amount_minor() < 0 {
            return Err(MoneyError::Negative);
        }
        let base = match self.base {
            FeeBase::AfterProvider => left,
            FeeBase::AfterStore => after_store,
        };
        let below = base.share_floor(self.below)?;
        let fee = match self.tier {
            None => below,
            Some(tier) => {
                let to_line = tier.host_lifetime(base.currency()).checked_sub(lifetime)?;
                let filling = filling(base, left.checked_sub(below)?, to_line)?;
                let rest = base.checked_sub(filling)?;
                let fee = filling.share_floor(self.below)?;
                fee.checked_add(rest.share_floor(tier.platform_fee)?)?
            }
        };
        let platform_fee = if fee.amount_minor() > left.amount_minor() {
            left
        } else {
            fee
        };
        Ok(Shares {
            platform_fee,
            host_share: left.checked_sub(platform_fee)?,
        })
    }
}

/// The part of `base` that brings the host to the line, if all of it would bring `share`.
fn filling(base: Money, share: Money, to_line: Money) -> Result<Money, MoneyError> {
    if to_line.amount_minor() <= 0 {
        return Ok(Money::zero(base.currency()));
    }
    if share.amount_minor() <= to_line.amount_minor() {
        return Ok(base);
    }
    let part = i128::from(base.amount_minor())
        .checked_mul(i128::from(to_line.amount_minor()))
        .and_then(|product| product.checked_div(i128::from(share.amount_minor())))
        .and_then(|part| i64::try_from(part).ok())
        .ok_or(MoneyError::Overflow)?;
    Ok(Money::new(part, base.currency()))
}
