//! Money as clients see it.

use domain::{Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount in the currency's minor unit: 1000 USD is ten dollars, 1000 JPY a thousand yen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Money)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyBody {
    pub(crate) amount_minor: i64,
    /// ISO 4217
    #[schema(value_type = String, examples("USD"))]
    pub(crate) currency: Currency,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self {
            amount_minor: money.amount_minor(),
            currency: money.currency(),
        }
    }
}

impl From<MoneyBody> for Money {
    fn from(body: MoneyBody) -> Self {
        Self::new(body.amount_minor, body.currency)
    }
}
