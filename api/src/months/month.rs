//! A closed month: what it rests on, and what it did to the books.

use chrono::{Datelike as _, Days, NaiveDate, TimeDelta};
use domain::shop::DaySealed;
use projections::View;
use projections::ledger::trial_balance;
use projections::statements::{find_day, list_days};
use serde::Serialize;
use utoipa::ToSchema;

use super::accounts::{MovedBody, accounts, classes};
use crate::days::by_class;
use crate::extract::Moment;
use crate::log::CheckpointBody;
use crate::statements::{Month, Period};
use crate::{ApiError, ApiState};

/// More accounts than this are read by the trial balance.
const ACCOUNTS_MAX: usize = 100_000;
const DAYS_MAX: u32 = 31;

/// The books of a month whose last day is sealed. All of it but `checkpoint` follows from the log up to `position`, and is the same
/// for ever.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClosedMonth)]
pub(super) struct MonthBody {
    /// `2026-11`
    pub(super) month: String,
    /// The last log position before the month.
    pub(super) after: u64,
    /// The last log position of the month: `?as_of=` takes it.
    pub(super) position: u64,
    /// Hex SHA-256: the chain's value there.
    pub(super) hash: String,
    /// How many events the month had.
    pub(super) events: u64,
    /// The first signed checkpoint that is kept and vouches for all of the month; null until there is one.
    pub(super) checkpoint: Option<CheckpointBody>,
    /// The close it follows; null for the first one.
    pub(super) previous: Option<CloseBody>,
    /// The seals of its days, the first first.
    pub(super) days: Vec<CloseBody>,
    /// The books of today, as of both closes, come to what the seals say. `false` means that somebody has changed the books.
    pub(super) agrees_with_seals: bool,
    /// By class of account and currency.
    pub(super) classes: Vec<MovedBody>,
    /// By account and currency, without those that stood at zero and did not move.
    pub(super) accounts: Vec<MovedBody>,
}

/// A sealed day, as a close.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SealedClose)]
pub(super) struct CloseBody {
    #[schema(value_type = String, format = Date)]
    pub(super) date: NaiveDate,
    pub(super) position: u64,
    pub(super) hash: String,
    pub(super) events: u64,
    /// Lines that were not reconciled when it was sealed.
    pub(super) unreconciled: u64,
    /// Why it was sealed although lines were overdue.
    pub(super) force_reason: Option<String>,
    pub(super) sealed_at: Moment,
    /// Where the log has the seal.
    pub(super) sealed_position: u64,
}

impl From<&(DaySealed, u64)> for CloseBody {
    fn from((day, sealed_position): &(DaySealed, u64)) -> Self {
        Self {
            date: day.date,
            position: day.position,
            hash: day.hash.clone(),
            events: day.events,
            unreconciled: day.unreconciled,
            force_reason: day.forced.clone(),
            sealed_at: day.sealed_at.into(),
            sealed_position: *sealed_position,
        }
    }
}

impl MonthBody {
    /// 404 until the month's last day is sealed.
    pub(super) async fn read(state: &ApiState, month: Month) -> Result<Self, ApiError> {
        let period = Period::of_month(month).ok_or(ApiError::NotFound)?;
        let (first, next) = (period.from.date_naive(), period.until.date_naive());
        let seal_before = |date: NaiveDate| async move {
            match date.checked_sub_days(Days::new(1)) {
                Some(last) => find_day(&state.pool, last).await,
                None => Ok(None),
            }
        };
        let close = seal_before(next).await?.ok_or(ApiError::NotFound)?;
        let previous = seal_before(first).await?;
        let position = close.0.position;
        state.wait_for(View::Ledger, Some(position)).await?;
        // Times on the log are exact to the microsecond.
        let after = state.log.position_at(period.from - TimeDelta::microseconds(1)).await?;
        let opening = trial_balance(&state.pool, Some(after)).await?;
        let closing = trial_balance(&state.pool, Some(position)).await?;
        let agrees_with_seals = by_class(&closing) == close.0.totals
            && previous
                .as_ref()
                .is_none_or(|(day, _)| day.position == after && by_class(&opening) == day.totals);
        let accounts = accounts(&opening, &closing);
        if accounts.len() > ACCOUNTS_MAX {
            let detail = format!(
                "A month's report has at most {ACCOUNTS_MAX} accounts: read the trial balance as of its position."
            );
            return Err(ApiError::invalid("/path/month", detail));
        }
        let mut days = list_days(&state.pool, Some(next), DAYS_MAX).await?;
        days.retain(|(day, _)| day.date.month() == first.month() && day.date.year() == first.year());
        days.reverse();
        let covering = state.notary.list(position.saturating_sub(1), 1).await?.pop();
        Ok(Self {
            month: month.to_string(),
            after,
            position,
            hash: close.0.hash.clone(),
            events: position.saturating_sub(after),
            checkpoint: covering.map(CheckpointBody::from),
            previous: previous.as_ref().map(CloseBody::from),
            days: days.iter().map(CloseBody::from).collect(),
            agrees_with_seals,
            classes: classes(&opening, &closing),
            accounts,
        })
    }
}
