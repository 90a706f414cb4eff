//! Money: whole minor units of one currency. Checked arithmetic, splits that conserve the total, no floats.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

macro_rules! currencies {
    ($($code:ident $digits:literal)+) => {
        /// The currencies a room can be sold in, with ISO 4217's number of minor digits.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "UPPERCASE")]
        pub enum Currency { $($code),+ }

        impl Currency {
            pub const ALL: &[Self] = &[$(Self::$code),+];

            pub const fn code(self) -> &'static str {
                match self { $(Self::$code => stringify!($code)),+ }
            }

            /// How many decimal digits separate the minor from the major unit: 2 for USD, 0 for JPY, 3 for KWD.
            pub const fn minor_digits(self) -> u8 {
                match self { $(Self::$code => $digits),+ }
            }
        }
    };
}

currencies! {
    AUD 2 BHD 3 BRL 2 CAD 2 CHF 2 DKK 2 EUR 2 GBP 2 INR 2 JPY 0 KRW 0 KWD 3 NOK 2 NZD 2 PLN 2 SEK 2 USD 2
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|currency| currency.code() == code)
            .ok_or(MoneyError::UnknownCurrency)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum MoneyError {
    #[error("amount out of range")]
    Overflow,
    #[error("cannot combine {left} with {right}")]
    CurrencyMismatch { left: Currency, right: Currency },
    #[error("unknown currency")]
    UnknownCurrency,
    #[error("amount is negative")]
    Negative,
    #[error("amount is not positive")]
    NotPositive,
}

/// A share of 10,000: 250 is 2.5 %. Never above 10,000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct BasisPoints(u16);

impl BasisPoints {
    pub const ONE: u16 = 10_000;
    pub const ZERO: Self = Self(0);

    /// `None` above 10,000.
    pub const fn try_new(points: u16) -> Option<Self> {
        if points <= Self::ONE { Some(Self(points)) } else { None }
    }

    pub const fn points(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for BasisPoints {
    type Error = &'static str;

    fn try_from(points: u16) -> Result<Self, Self::Error> {
        Self::try_new(points).ok_or("basis points above 10000")
    }
}

impl From<BasisPoints> for u16 {
    fn from(points: BasisPoints) -> Self {
        points.0
    }
}

/// An amount in the currency's minor unit. May be negative (a receivable); a price is checked where it is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    amount_minor: i64,
    currency: Currency,
}

impl Money {
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }

    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    pub const fn amount_minor(self) -> i64 {
        self.amount_minor
    }

    pub const fn currency(self) -> Currency {
        self.currency
    }

    pub const fn is_zero(self) -> bool {
        self.amount_minor == 0
    }

    pub const fn is_positive(self) -> bool {
        self.amount_minor > 0
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            });
        }
        operation(self.amount_minor, other.amount_minor)
            .map(|amount| Self::new(amount, self.currency))
            .ok_or(MoneyError::Overflow)
    }

    /// The share of a non-negative amount, rounded down: what is left over stays with the payer of the share.
    pub fn share_floor(self, share: BasisPoints) -> Result<Self, MoneyError> {
        if self.amount_minor < 0 {
            return Err(MoneyError::Negative);
        }
        let product = i128::from(self.amount_minor).checked_mul(i128::from(share.points()));
        let amount = product.and_then(|product| product.checked_div(i128::from(BasisPoints::ONE)));
        let amount = amount
            .and_then(|amount| i64::try_from(amount).ok())
            .ok_or(MoneyError::Overflow)?;
        Ok(Self::new(amount, self.currency))
    }

    /// `part` of `whole` of a non-negative amount, rounded up, and at most all of it: what rounding adds is taken from the
    /// rest. Of nothing whole, nothing.
    pub fn part_ceil(self, part: u64, whole: u64) -> Result<Self, MoneyError> {
        if self.amount_minor < 0 {
            return Err(MoneyError::Negative);
        }
        let product = i128::from(self.amount_minor).checked_mul(i128::from(part.min(whole)));
        let up = product.and_then(|product| product.checked_add(i128::from(whole.saturating_sub(1))));
        let amount = up.map(|up| up.checked_div(i128::from(whole)).unwrap_or(0));
        let amount = amount
            .and_then(|amount| i64::try_from(amount).ok())
            .ok_or(MoneyError::Overflow)?;
        Ok(Self::new(amount, self.currency))
    }
}

impl fmt::Display for Money {
    /// `10.00 USD`, `1000 JPY`, `-0.005 KWD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.currency.minor_digits());
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let text = format!(
            "{:0>width$}",
            self.amount_minor.unsigned_abs(),
            width = digits.saturating_add(1)
        );
        let (major, minor) = text.split_at(text.len().saturating_sub(digits));
        if digits == 0 {
            write!(f, "{sign}{major} {}", self.currency)
        } else {
            write!(f, "{sign}{major}.{minor} {}", self.currency)
        }
    }
}
