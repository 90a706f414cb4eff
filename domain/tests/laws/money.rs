//! Money: exact, of one currency, conserved.

use domain::{BasisPoints, Currency, Money, MoneyError};
use proptest::prelude::*;

use crate::config;

fn currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(Currency::ALL)
}

fn money() -> impl Strategy<Value = Money> {
    (any::<i64>(), currency()).prop_map(|(amount, currency)| Money::new(amount, currency))
}

/// Reads what `Display` writes, digit by digit.
fn parse(text: &str) -> Money {
    let (amount, code) = text.split_once(' ').expect("amount and code");
    let currency: Currency = code.parse().expect("a currency");
    let fraction = amount.split_once('.').map_or("", |(_, fraction)| fraction);
    assert_eq!(fraction.len(), usize::from(currency.minor_digits()));
    let digits: String = amount.chars().filter(|char| *char != '.').collect();
    Money::new(digits.parse().expect("an amount"), currency)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_shown_is_the_amount(money in money()) {
        prop_assert_eq!(parse(&money.to_string()), money);
    }

    #[test]
    fn json_brings_it_back(money in money()) {
        let stored = serde_json::to_string(&money).expect("serialises");
        prop_assert_eq!(serde_json::from_str::<Money>(&stored).expect("loads"), money);
    }

    #[test]
    fn adding_and_taking_away_undo_each_other(left in money(), minor in any::<i64>()) {
        let right = Money::new(minor, left.currency());
        match left.checked_add(right) {
            Ok(sum) => prop_assert_eq!(sum.checked_sub(right), Ok(left)),
            Err(error) => prop_assert_eq!(error, MoneyError::Overflow),
        }
    }

    #[test]
    fn currencies_do_not_mix(left in money(), right in money()) {
        prop_assume!(left.currency() != right.currency());
        let mismatch = MoneyError::CurrencyMismatch { left: left.currency(), right: right.currency() };
        prop_assert_eq!(left.checked_add(right), Err(mismatch));
        prop_assert_eq!(left.checked_sub(right), Err(mismatch));
    }

    #[test]
    fn a_share_and_its_rest_are_the_whole(amount in 0..=i64::MAX, points in 0..=BasisPoints::ONE) {
        let whole = Money::new(amount, Currency::EUR);
        let share = whole.share_floor(BasisPoints::try_new(points).expect("a share")).expect("not negative");
        let rest = whole.checked_sub(share).expect("in range");
        prop_assert!(share.amount_minor() >= 0 && rest.amount_minor() >= 0);
        prop_assert_eq!(share.checked_add(rest), Ok(whole));
        // The exact share is less than one unit above the rounded one.
        let exact = i128::from(amount) * i128::from(points);
        let floor = i128::from(share.amount_minor()) * 10_000;
        prop_assert!(floor <= exact && exact < floor + 10_000);
    }

    #[test]
    fn no_share_of_a_debt(amount in i64::MIN..0) {
        let debt = Money::new(amount, Currency::EUR);
        prop_assert_eq!(debt.share_floor(BasisPoints::ZERO), Err(MoneyError::Negative));
    }
}

#[test]
fn amounts_are_shown_with_their_currencys_digits() {
    let shown = [
        (1_000, Currency::USD, "10.00 USD"),
        (5, Currency::USD, "0.05 USD"),
        (-5, Currency::KWD, "-0.005 KWD"),
        (1_000, Currency::JPY, "1000 JPY"),
        (0, Currency::JPY, "0 JPY"),
        (i64::MIN, Currency::EUR, "-92233720368547758.08 EUR"),
    ];
    for (amount, currency, text) in shown {
        assert_eq!(Money::new(amount, currency).to_string(), text);
    }
}

#[test]
fn unknown_currencies_and_shares_are_refused() {
    assert_eq!("XXX".parse::<Currency>(), Err(MoneyError::UnknownCurrency));
    assert_eq!("usd".parse::<Currency>(), Err(MoneyError::UnknownCurrency));
    assert_eq!(BasisPoints::try_new(10_001), None);
    assert!(serde_json::from_str::<BasisPoints>("10001").is_err());
    assert!(serde_json::from_str::<Money>(r#"{"amount_minor":1.5,"currency":"USD"}"#).is_err());
    assert!(serde_json::from_str::<Money>(r#"{"amount_minor":1,"currency":"USD","x":1}"#).is_err());
}
