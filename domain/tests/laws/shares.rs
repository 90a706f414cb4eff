//! Dividing by fixed shares: the parts are the whole, and each is next to the exact one.

use domain::shares::apportion;
use domain::{Currency, Money, MoneyError};
use proptest::prelude::*;

use crate::config;

fn minors(parts: &[Money]) -> Vec<i64> {
    parts.iter().map(|part| part.amount_minor()).collect()
}

#[test]
fn what_is_left_over_goes_to_who_lost_most_by_rounding() {
    let divide =
        |minor, weights: &[i64]| apportion(Money::new(minor, Currency::JPY), weights).map(|parts| minors(&parts));
    assert_eq!(divide(10, &[3_334, 3_333, 3_333]), Ok(vec![4, 3, 3]));
    assert_eq!(divide(1, &[1, 1]), Ok(vec![1, 0]));
    assert_eq!(divide(7, &[1, 8, 1]), Ok(vec![1, 5, 1]));
    assert_eq!(divide(0, &[0, 0]), Ok(vec![0, 0]));
    assert_eq!(divide(1, &[0, 0]), Err(MoneyError::Overflow));
    assert_eq!(divide(-1, &[1]), Err(MoneyError::Negative));
    assert_eq!(divide(1, &[2, -1]), Err(MoneyError::Negative));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_parts_are_the_whole(minor in 0..i64::MAX, weights in prop::collection::vec(0..10_000_i64, 1..5)) {
        prop_assume!(weights.iter().sum::<i64>() > 0);
        let parts = minors(&apportion(Money::new(minor, Currency::KWD), &weights).expect("in range"));
        prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(minor));
        let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        for (part, weight) in parts.iter().zip(&weights) {
            let exact = i128::from(minor) * i128::from(*weight);
            prop_assert!((i128::from(*part) * sum - exact).abs() < sum);
            prop_assert!(*weight > 0 || *part == 0, "who has no share has nothing");
        }
    }

    /// So nobody gives back more than is left of theirs.
    #[test]
    fn no_part_is_more_than_its_weight(weights in prop::collection::vec(0..10_000_i64, 1..5), part in 0..=100_i64) {
        let sum: i64 = weights.iter().sum();
        let parts = minors(&apportion(Money::new(sum * part / 100, Currency::USD), &weights).expect("in range"));
        prop_assert!(parts.iter().zip(&weights).all(|(part, weight)| part <= weight), "{:?} of {:?}", parts, weights);
    }
}
