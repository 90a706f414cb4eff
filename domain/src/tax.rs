//! Tax: which rate a customer's country has, and how much of a price is tax. Prices are shown with tax in them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::money::{BasisPoints, Money, MoneyError};

/// An ISO 3166-1 alpha-2 code, such as `DE`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be a country's two capital letters, such as DE")]
pub struct NoCountry;

impl Country {
    pub const UNITED_STATES: Self = Self(*b"US");
}

impl FromStr for Country {
    type Err = NoCountry;

    fn from_str(code: &str) -> Result<Self, NoCountry> {
        match code.as_bytes() {
            [first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => Ok(Self([*first, *second])),
            _ => Err(NoCountry),
        }
    }
}

impl TryFrom<String> for Country {
    type Error = NoCountry;

    fn try_from(code: String) -> Result<Self, NoCountry> {
        code.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// The shop's tax rates, by version. Each sale keeps the one it was made under.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRules {
    pub version: u32,
    /// By the customer's country; a country that is not there has none.
    pub rates: BTreeMap<Country, BasisPoints>,
}

impl TaxRules {
    /// Whether buyers have to say where they are.
    pub fn ask_for_country(&self) -> bool {
        !self.rates.is_empty()
    }

    pub fn rule_for(&self, country: Country) -> Option<TaxRule> {
        self.rates.get(&country).map(|rate| TaxRule {
            country,
            rate: *rate,
            version: self.version,
        })
    }
}

/// The rate a sale was made under.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TaxRule {
    pub country: Country,
    pub rate: BasisPoints,
    pub version: u32,
}

/// Tax of a sale, or of a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TaxPart {
    pub country: Country,
    pub amount: Money,
}

/// How the customer's country is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    BillingAddress,
    PaymentCard,
    IpAddress,
    SimCard,
    StoreAccount,
}

/// One piece of evidence: where it comes from, and the country it speaks for. Nothing of the person is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountryEvidence {
    pub kind: EvidenceKind,
    pub country: Country,
}

/// So many pieces of evidence, of different kinds, must speak for the country.
pub const EVIDENCE_MIN: usize = 2;
/// And so many may be given at most.
pub const EVIDENCE_MAX: usize = 5;

/// Whether the evidence speaks for the country.
pub fn is_proven(country: Country, evidence: &[CountryEvidence]) -> bool {
    let mut kinds: Vec<EvidenceKind> = evidence
        .iter()
        .filter(|piece| piece.country == country)
        .map(|piece| piece.kind)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    (EVIDENCE_MIN..=EVIDENCE_MAX).contains(&kinds.len()) && evidence.len() <= EVIDENCE_MAX
}

/// The tax in an amount that has it in: rounded half up, in the currency's minor unit.
pub fn included(amount: Money, rule: Option<&TaxRule>) -> Result<Money, MoneyError> {
    let Some(rule) = rule else {
        return Ok(Money::zero(amount.currency()));
    };
    if amount.amount_minor() < 0 {
        return Err(MoneyError::Negative);
    }
    let whole = i128::from(BasisPoints::ONE).saturating_add(i128::from(rule.rate.points()));
    let minor = i128::from(amount.amount_minor())
        .checked_mul(i128::from(rule.rate.points()))
        .and_then(|product| product.checked_mul(2))
        .and_then(|product| product.checked_add(whole))
        .and_then(|product| product.checked_div(whole.saturating_mul(2)))
        .and_then(|minor| i64::try_from(minor).ok())
        .ok_or(MoneyError::Overflow)?;
    Ok(Money::new(minor, amount.currency()))
}
