//! How a sale is divided: exact figures of the presets, and that every split conserves.

use domain::fees::{PlatformFee, Taken};
use domain::{BasisPoints, Currency, FeeBase, FeeTier, Money, Preset, TaxRule, tax};
use proptest::prelude::*;

use crate::config;

const KINDS: [Currency; 3] = [Currency::USD, Currency::JPY, Currency::KWD];

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn points(points: u16) -> BasisPoints {
    BasisPoints::try_new(points).expect("a share")
}

fn fee_of(preset: &Preset) -> PlatformFee {
    PlatformFee {
        below: preset.platform_fee,
        base: preset.fees.base,
        tier: preset.fees.tier,
    }
}

/// The host's share of a sale through a store, after `lifetime`.
fn host_share(gross: Money, lifetime: Money) -> Money {
    let preset = Preset::ticketed_spaces();
    let zero = Money::zero(gross.currency());
    let taken = Taken::of(gross, None, preset.fees.store_fee, zero).expect("in range");
    let shares = fee_of(&preset).split(&taken, lifetime).expect("in range");
    shares.host_share
}

/// `rules.md` 25.
#[test]
fn ten_dollars_through_a_store_are_6_79_below_the_line_and_5_60_above_it() {
    assert_eq!(host_share(usd(1_000), usd(0)), usd(679));
    assert_eq!(host_share(usd(1_000), usd(5_000_000)), usd(560));
    assert_eq!(host_share(usd(1_000), usd(9_000_000)), usd(560));
}

/// 3.395 bring the lifetime to the line: half of the sale is below it.
#[test]
fn a_sale_that_crosses_the_line_is_split_at_it() {
    let share = host_share(usd(2_000), usd(5_000_000 - 679));
    assert_eq!(share, usd(679 + 560));
    // One cent short: only that cent's part is below.
    assert_eq!(host_share(usd(1_000), usd(5_000_000 - 1)), usd(561));
    // It reaches the line exactly: all of it is below.
    assert_eq!(host_share(usd(1_000), usd(5_000_000 - 679)), usd(679));
}

#[test]
fn currencies_without_decimals_and_with_three_are_exact() {
    let yen = |amount| Money::new(amount, Currency::JPY);
    let dinars = |amount| Money::new(amount, Currency::KWD);
    // 1,000 JPY: 700 after the store, 21 for the platform. The line is at 50,000 JPY.
    assert_eq!(host_share(yen(1_000), yen(0)), yen(679));
    assert_eq!(host_share(yen(1_000), yen(50_000)), yen(560));
    // 1.005 KWD: the store has 0.301, the platform 3 % of 0.704. The line is at 50,000.000 KWD.
    assert_eq!(host_share(dinars(1_005), dinars(0)), dinars(704 - 21));
    assert_eq!(host_share(dinars(1_005), dinars(50_000_000)), dinars(704 - 140));
}

#[test]
fn on_the_web_the_platforms_share_is_taken_before_the_providers_fee() {
    let preset = Preset::ticketed_spaces();
    let taken = Taken::of(usd(1_000), None, BasisPoints::ZERO, usd(59)).expect("in range");
    let shares = fee_of(&preset).split(&taken, usd(0)).expect("in range");
    assert_eq!((shares.platform_fee, shares.host_share), (usd(30), usd(911)));
}

#[test]
fn tax_is_a_part_of_the_price() {
    let rule = TaxRule {
        country: "DE".parse().expect("a country"),
        rate: points(1_900),
        version: 1,
    };
    // 11.90 with 19 % in it; 10.00 has 1.5966 in it.
    assert_eq!(tax::included(usd(1_190), Some(&rule)), Ok(usd(190)));
    assert_eq!(tax::included(usd(1_000), Some(&rule)), Ok(usd(160)));
    assert_eq!(tax::included(usd(0), Some(&rule)), Ok(usd(0)));
}

/// woocommerce-payments #9991: three refunds of 3.33 of a price of 10.00 left a cent of tax behind.
#[test]
fn woocommerce_payments_9991_three_times_3_33_and_a_cent_are_ten() {
    let rule = TaxRule {
        country: "DE".parse().expect("a country"),
        rate: points(1_900),
        version: 1,
    };
    let tax_of = |minor| tax::included(usd(minor), Some(&rule)).expect("in range").amount_minor();
    let lefts = [1_000, 667, 334, 1, 0];
    let given_back: Vec<i64> = lefts.windows(2).map(|pair| tax_of(pair[0]) - tax_of(pair[1])).collect();
    assert_eq!(given_back.iter().sum::<i64>(), tax_of(1_000));
    assert!(given_back.iter().all(|tax| *tax >= 0));
}

prop_compose! {
    fn sale()(
        currency in prop::sample::select(KINDS.to_vec()),
        gross in prop_oneof![0..200_i64, 0..10_000_000_i64],
        store in 0..=10_000_u16,
        rate in 0..=10_000_u16,
        provider in 0..500_i64,
    ) -> Taken {
        let rule = TaxRule { country: "DE".parse().expect("a country"), rate: points(rate), version: 1 };
        let money = |minor| Money::new(minor, currency);
        Taken::of(money(gross), Some(&rule), points(store), money(provider)).expect("in range")
    }
}

prop_compose! {
    fn fee()(
        below in 0..=10_000_u16,
        above in 0..=10_000_u16,
        has_tier in any::<bool>(),
        after_store in any::<bool>(),
        host_lifetime_major in 0..3_000_u32,
    ) -> PlatformFee {
        PlatformFee {
            below: points(below),
            base: if after_store { FeeBase::AfterStore } else { FeeBase::AfterProvider },
            tier: has_tier.then_some(FeeTier { host_lifetime_major, platform_fee: points(above) }),
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_split_conserves_and_no_part_is_negative(taken in sale(), fee in fee(), lifetime in -1_000..4_000_000_i64) {
        let lifetime = Money::new(lifetime, taken.gross.currency());
        let shares = fee.split(&taken, lifetime).expect("in range");
        let parts = [taken.tax, taken.store_fee, taken.provider_fee, shares.platform_fee, shares.host_share];
        let parts = parts.map(Money::amount_minor);
        prop_assert!(parts.iter().all(|part| *part >= 0), "{parts:?}");
        prop_assert_eq!(parts.iter().sum::<i64>(), taken.gross.amount_minor());
    }

    /// Whether a host sells one ticket at twice the price or two of them, the line is crossed at the same place.
    #[test]
    fn two_halves_are_split_like_the_whole(half in 0..1_000_000_i64, lifetime in 0..6_000_000_i64) {
        let whole = host_share(usd(2 * half), usd(lifetime));
        let first = host_share(usd(half), usd(lifetime));
        let second = host_share(usd(half), usd(lifetime + first.amount_minor()));
        let apart = whole.amount_minor() - first.amount_minor() - second.amount_minor();
        // Each share is rounded once.
        prop_assert!(apart.abs() <= 4, "{apart}");
    }
}
