//! Amounts: exact, in every currency, or refused.

use proptest::prelude::*;

use super::*;
use crate::stripe::StripeError;
use crate::stripe::money::{fee_of, from_stripe, to_stripe};
use crate::stripe::wire::BalanceTransaction;

fn any_currency() -> impl Strategy<Value = Currency> {
    proptest::sample::select(Currency::ALL)
}

proptest! {
    #[test]
    fn what_is_sent_comes_back_exactly(minor in 1..=99_999_999_i64, currency in any_currency()) {
        let amount = Money::new(minor, currency);
        match to_stripe(amount) {
            Ok(sent) => {
                let back = from_stripe(sent.minor.parse().unwrap(), &sent.currency).unwrap();
                prop_assert_eq!(back, amount);
            }
            Err(StripeError::AmountNotRepresentable { amount: refused, step }) => {
                prop_assert_eq!(refused, amount);
                prop_assert_eq!(currency.minor_digits(), 3);
                prop_assert!(minor % step != 0);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn a_fee_is_never_negative_and_keeps_its_share_of_the_payment(
        minor in 1..=99_999_999_i64,
        settled in 1..=99_999_999_i64,
        fee in -100..=99_999_999_i64,
        is_same in any::<bool>(),
    ) {
        let currency = if is_same { "usd" } else { "czk" };
        let booked = BalanceTransaction { amount: settled, fee, currency: currency.to_owned() };
        let taken = fee_of(usd(minor), &booked).unwrap();
        prop_assert!(taken.amount_minor() >= 0);
        // A fee below the payment stays below it, at any rate.
        prop_assert!(fee > settled || taken.amount_minor() <= minor.max(fee));
    }
}

#[test]
fn three_decimals_go_in_steps_of_ten_and_zero_decimals_as_they_are() {
    let kwd = |minor| to_stripe(Money::new(minor, Currency::KWD));
    assert_eq!(kwd(5_120).unwrap().minor, "5120");
    assert!(matches!(
        kwd(5_124),
        Err(StripeError::AmountNotRepresentable { step: 10, .. })
    ));
    let yen = to_stripe(Money::new(500, Currency::JPY)).unwrap();
    assert_eq!((yen.minor.as_str(), yen.currency.as_str()), ("500", "jpy"));
}

#[tokio::test]
async fn an_amount_that_stripe_does_not_take_is_refused_before_it_is_sent() {
    let (fake, stripe) = fake().await;
    let odd = CreateIntent {
        amount: Money::new(5_124, Currency::KWD),
        ..intent_request(1)
    };
    assert_refused(stripe.create_intent(odd).await, "amount_not_representable");
    let nothing = CreateIntent {
        amount: usd(0),
        ..intent_request(2)
    };
    assert_refused(stripe.create_intent(nothing).await, "invalid_amount");
    assert_eq!(fake.call_count("POST", "/"), 0);
    let small = CreateIntent {
        amount: usd(49),
        ..intent_request(3)
    };
    assert_refused(stripe.create_intent(small).await, "amount_too_small");
}

#[test]
fn a_fee_taken_in_another_currency_is_carried_over_at_the_payments_own_rate() {
    // 1,500 JPY settled as 10.00 USD, of which 0.59 are the fee: 88.5 JPY.
    let booked = BalanceTransaction {
        amount: 1_000,
        fee: 59,
        currency: "usd".to_owned(),
    };
    let paid = Money::new(1_500, Currency::JPY);
    assert_eq!(fee_of(paid, &booked), Some(Money::new(89, Currency::JPY)));
    let worthless = BalanceTransaction { amount: 0, ..booked };
    assert_eq!(fee_of(paid, &worthless), None);
}
