//! One sale, divided by other rules than it was.

use anyhow::Context;
use domain::fees::{PlatformFee, Shares, Taken};
use domain::payout::EarningCredited;
use domain::{BasisPoints, Channel, Money, Preset, TaxRule};

/// What a sale's division rests on beside the preset.
#[derive(Clone, Copy)]
pub(super) struct Sale {
    pub(super) channel: Channel,
    pub(super) tax: Option<TaxRule>,
    /// What the provider kept of the capture that stands for it.
    pub(super) provider_fee: Option<Money>,
}

/// What an app store keeps of a sale under a preset.
pub(super) fn store_fee(preset: &Preset, channel: Channel) -> BasisPoints {
    if channel.is_store() {
        preset.fees.store_fee
    } else {
        BasisPoints::ZERO
    }
}

/// Divides a sale as a preset does, for a host whose lifetime share so far is `lifetime`.
pub(super) fn divide(
    preset: &Preset,
    earning: &EarningCredited,
    sale: Option<Sale>,
    lifetime: Money,
) -> anyhow::Result<(Taken, Shares)> {
    let sale = sale.context("the sale was never ordered")?;
    let provider_fee = sale.provider_fee.unwrap_or(earning.provider_fee);
    let store_fee = store_fee(preset, sale.channel);
    let taken = Taken::of(earning.gross, sale.tax.as_ref(), store_fee, provider_fee)?;
    let rule = PlatformFee {
        below: preset.platform_fee,
        base: preset.fees.base,
        tier: preset.fees.tier,
    };
    let shares = rule.split(&taken, lifetime)?;
    Ok((taken, shares))
}

/// The same part of one amount as another is of a third, rounded down; nothing of nothing.
pub(super) fn part(of: i64, share: i64, whole: i64) -> i64 {
    if share == whole {
        return of;
    }
    let part = (i128::from(of) * i128::from(share)).checked_div(i128::from(whole));
    part.and_then(|part| i64::try_from(part).ok()).unwrap_or(0)
}
