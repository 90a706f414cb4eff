//! A sealed day as finance sees it.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use domain::shop::{ClassTotal, DaySealed};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::Moment;

/// A day of the calendar, UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Day(pub(super) NaiveDate);

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("must be a day like 2026-11-24")]
pub(crate) struct NoDay;

impl FromStr for Day {
    type Err = NoDay;

    /// `2026-11-24`, and nothing else.
    fn from_str(text: &str) -> Result<Self, NoDay> {
        let date: NaiveDate = text.parse().map_err(|_| NoDay)?;
        (date.to_string() == text).then_some(Self(date)).ok_or(NoDay)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The books as they stood at the end of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SealedDay)]
pub(crate) struct DayBody {
    #[schema(value_type = String, format = Date)]
    date: NaiveDate,
    /// The last log position of the day: `?as_of=` takes it.
    position: u64,
    /// Hex SHA-256: the chain's value there.
    hash: String,
    /// How many events the day had; of the first sealed day, all up to its end.
    events: u64,
    /// By class of account and currency.
    totals: Vec<ClassTotalBody>,
    /// Lines of the day and before it that were not reconciled when it was sealed.
    unreconciled: u64,
    /// Why it was sealed although lines were overdue.
    force_reason: Option<String>,
    sealed_by: Uuid,
    sealed_at: Moment,
    /// Where the log has the seal.
    sealed_position: u64,
}

/// All accounts of a class in one currency. Amounts are minor units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClassTotal)]
struct ClassTotalBody {
    /// The first two parts of the accounts' names, such as `liability:host`.
    class: String,
    currency: &'static str,
    debit_minor: i64,
    credit_minor: i64,
    balance_minor: i64,
}

impl From<ClassTotal> for ClassTotalBody {
    fn from(total: ClassTotal) -> Self {
        Self {
            class: total.class,
            currency: total.currency.code(),
            debit_minor: total.debit_minor,
            credit_minor: total.credit_minor,
            balance_minor: total.debit_minor.saturating_sub(total.credit_minor),
        }
    }
}

impl From<(DaySealed, u64)> for DayBody {
    fn from((day, sealed_position): (DaySealed, u64)) -> Self {
        Self {
            date: day.date,
            position: day.position,
            hash: day.hash,
            events: day.events,
            totals: day.totals.into_iter().map(ClassTotalBody::from).collect(),
            unreconciled: day.unreconciled,
            force_reason: day.forced,
            sealed_by: day.by.as_uuid(),
            sealed_at: day.sealed_at.into(),
            sealed_position,
        }
    }
}
