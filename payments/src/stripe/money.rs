//! Amounts as Stripe counts them: in minor units, none at all for zero-decimal currencies, three decimals in steps of ten.

use domain::{Currency, Money};

use super::error::StripeError;
use super::wire::BalanceTransaction;

/// What three-decimal amounts are multiples of.
const THREE_DECIMAL_STEP: i64 = 10;

/// An amount on its way to Stripe.
pub(super) struct Amount {
    pub(super) minor: String,
    /// In lower case.
    pub(super) currency: String,
}

pub(super) fn to_stripe(amount: Money) -> Result<Amount, StripeError> {
    if !amount.is_positive() {
        return Err(StripeError::refused("invalid_amount"));
    }
    let step = if amount.currency().minor_digits() == 3 {
        THREE_DECIMAL_STEP
    } else {
        1
    };
    if amount.amount_minor() % step != 0 {
        return Err(StripeError::AmountNotRepresentable { amount, step });
    }
    Ok(Amount {
        minor: amount.amount_minor().to_string(),
        currency: amount.currency().code().to_ascii_lowercase(),
    })
}

pub(super) fn from_stripe(minor: i64, currency: &str) -> Result<Money, StripeError> {
    let ours: Result<Currency, _> = currency.to_ascii_uppercase().parse();
    ours.map(|currency| Money::new(minor, currency))
        .map_err(|_| StripeError::ForeignAmount {
            amount: minor,
            currency: currency.to_owned(),
        })
}

/// Stripe's fee in the currency of the payment.
///
/// Stripe takes it in the currency the account is settled in. If that is another one, it is carried over at the rate of
/// this very payment, which the balance transaction's own amount tells, to the nearest minor unit; the exact figure stays
/// on Stripe's statement.
pub(super) fn fee_of(paid: Money, settled: &BalanceTransaction) -> Option<Money> {
    let is_same = settled.currency.eq_ignore_ascii_case(paid.currency().code());
    let fee = if is_same {
        settled.fee
    } else {
        let gross = i128::from(settled.amount);
        if gross <= 0 {
            return None;
        }
        let scaled = i128::from(settled.fee).checked_mul(i128::from(paid.amount_minor()))?;
        i64::try_from(scaled.checked_add(gross / 2)?.checked_div(gross)?).ok()?
    };
    Some(Money::new(fee.max(0), paid.currency()))
}
