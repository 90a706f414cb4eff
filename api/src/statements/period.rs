//! Months and years of the calendar, UTC, as stretches of the log.

use std::str::FromStr;

use chrono::{Months, NaiveDate, TimeDelta};
use domain::Timestamp;
use projections::View;
use projections::statements::Stretch;

use crate::{ApiError, ApiState};

/// How long after its end a period may still get an event: one that was being written when it ended.
const SETTLES_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// From a time on, and before another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Period {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

/// A month of the calendar, UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Month {
    year: i32,
    month: u32,
}

/// A year of the calendar, UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Year(pub(super) i32);

#[derive(Clone, Copy, Debug)]
pub(crate) struct NoPeriod;

fn digits<T: FromStr>(text: &str, length: usize) -> Result<T, NoPeriod> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        text.parse().map_err(|_| NoPeriod)
    } else {
        Err(NoPeriod)
    }
}

impl FromStr for Month {
    type Err = NoPeriod;

    /// `2026-11`, and nothing else.
    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        let (year, month) = text.split_once('-').ok_or(NoPeriod)?;
        let (year, month) = (digits(year, 4)?, digits(month, 2)?);
        (1..=12)
            .contains(&month)
            .then_some(Self { year, month })
            .ok_or(NoPeriod)
    }
}

impl FromStr for Year {
    type Err = NoPeriod;

    /// `2026`, and nothing else.
    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        digits(text, 4).map(Self)
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Period {
    pub(crate) fn of_month(month: Month) -> Option<Self> {
        Self::from_first_day(month.year, month.month, 1)
    }

    pub(super) fn of_year(Year(year): Year) -> Option<Self> {
        Self::from_first_day(year, 1, 12)
    }

    fn from_first_day(year: i32, month: u32, months: u32) -> Option<Self> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let next = first.checked_add_months(Months::new(months))?;
        let midnight = |day: NaiveDate| day.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
        Some(Self {
            from: midnight(first)?,
            until: midnight(next)?,
        })
    }

    /// Whether nothing is recorded in it any more.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until + SETTLES_WITHIN
    }
}

/// The positions of a period, or all there are; and whether they are all that it will ever have. Statements and tickets
/// show them when this returns.
pub(super) async fn stretch_of(
    state: &ApiState,
    period: Option<Period>,
    min_position: Option<u64>,
) -> Result<(Stretch, bool), ApiError> {
    let views = [View::Statements, View::Tickets];
    for view in views {
        state.wait_for(view, min_position).await?;
    }
    let shown = views.map(|view| state.projections.position(view));
    let shown = shown.into_iter().min().unwrap_or_default();
    let Some(period) = period else {
        let all = Stretch { after: 0, up_to: shown };
        return Ok((all, false));
    };
    // Times on the log are exact to the microsecond.
    let before = |time: Timestamp| state.log.position_at(time - TimeDelta::microseconds(1));
    let after = before(period.from).await?;
    if !period.is_over(state.now()) {
        let up_to = shown.max(after);
        return Ok((Stretch { after, up_to }, false));
    }
    let up_to = before(period.until).await?;
    for view in views {
        state.wait_for(view, Some(up_to)).await?;
    }
    Ok((Stretch { after, up_to }, true))
}
