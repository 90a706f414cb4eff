//! Fixed shares of an amount: what is divided is never more or less than the whole, and nobody is a unit away from their
//! exact part.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UserId;
use crate::money::{BasisPoints, Money, MoneyError};

/// Somebody's fixed part of what a room earns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    pub user: UserId,
    pub basis_points: BasisPoints,
}

/// Divides an amount by weights. Each part is rounded down; what is left over goes, unit by unit, to the parts that lost
/// most by it, of equal ones to the first.
pub fn apportion(amount: Money, weights: &[i64]) -> Result<Vec<Money>, MoneyError> {
    if amount.amount_minor() < 0 || weights.iter().any(|weight| *weight < 0) {
        return Err(MoneyError::Negative);
    }
    let whole = i128::from(amount.amount_minor());
    let sum = weights
        .iter()
        .fold(0_i128, |sum, weight| sum.saturating_add(i128::from(*weight)));
    // By nothing at all nothing is divided.
    if sum == 0 && whole > 0 {
        return Err(MoneyError::Overflow);
    }
    let mut parts = vec![];
    let mut losses = vec![];
    let mut left = whole;
    for (index, weight) in weights.iter().enumerate() {
        let product = whole.checked_mul(i128::from(*weight)).ok_or(MoneyError::Overflow)?;
        let part = product.checked_div(sum).unwrap_or(0);
        losses.push((product.checked_rem(sum).unwrap_or(0), index));
        left = left.saturating_sub(part);
        parts.push(part);
    }
    losses.sort_by_key(|(loss, index)| (std::cmp::Reverse(*loss), *index));
    for (_, index) in losses {
        if left > 0
            && let Some(part) = parts.get_mut(index)
        {
            *part = part.saturating_add(1);
            left = left.saturating_sub(1);
        }
    }
    if left != 0 {
        return Err(MoneyError::Overflow);
    }
    let money = |part: i128| i64::try_from(part).map(|minor| Money::new(minor, amount.currency()));
    parts
        .into_iter()
        .map(|part| money(part).map_err(|_| MoneyError::Overflow))
        .collect()
}
