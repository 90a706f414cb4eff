//! The books at the end of a day, looked up for its seal.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use domain::shop::{ClassTotal, SealDay, end_of_day};
use domain::{ShopError, Timestamp, UserId};
use processes::reconciliation::{self, count_open};
use projections::View;
use projections::ledger::{AccountBalance, account_lines, trial_balance};

use crate::extract::hex;
use crate::{ApiError, ApiState};

/// A line that was not reconciled within this holds its day open.
pub(super) const UNRECONCILED_MAX: TimeDelta = TimeDelta::hours(48);
/// Lines of the books that reconciliation has not even read are counted up to this.
const UNREAD_MAX: u32 = 1_000;

pub(super) async fn look_up(
    state: &ApiState,
    date: NaiveDate,
    force: Option<String>,
    by: UserId,
) -> Result<SealDay, ApiError> {
    let at = state.now();
    let end = end_of_day(date).filter(|end| *end <= at);
    let end = end.ok_or(ApiError::Shop(ShopError::DayNotOver { date }))?;
    // Times on the log are exact to the microsecond.
    let position = state.log.position_at(end - TimeDelta::microseconds(1)).await?;
    state.wait_for(View::Ledger, Some(position)).await?;
    let books = trial_balance(&state.pool, Some(position)).await?;
    let last = state.log.read_at(&[position]).await?;
    Ok(SealDay {
        date,
        position,
        hash: last.first().map(|event| hex(&event.hash)).unwrap_or_default(),
        totals: by_class(&books),
        unreconciled: open_before(state, end).await?,
        overdue: open_before(state, end.min(at - UNRECONCILED_MAX)).await?,
        force,
        by,
        at,
    })
}

/// Lines of either side from before a time that have not found their other side, or that nobody has looked at yet.
async fn open_before(state: &ApiState, time: Timestamp) -> Result<u64, ApiError> {
    let provider = state.provider.name();
    let open = count_open(&state.pool, provider, Some(time)).await?;
    let read = reconciliation::book_position(&state.pool, provider).await?;
    let up_to = state.log.position_at(time - TimeDelta::microseconds(1)).await?;
    let account = format!("cash:provider:{provider}");
    let unread = account_lines(&state.pool, &account, Some(up_to), Some(read), UNREAD_MAX).await?;
    Ok(open.provider_lines + open.book_lines + unread.len() as u64)
}

/// Sums the accounts by the first two parts of their names, which name nobody.
pub(crate) fn by_class(books: &[AccountBalance]) -> Vec<ClassTotal> {
    let mut totals: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for row in books {
        let parts: Vec<&str> = row.account.splitn(3, ':').take(2).collect();
        let (debit, credit) = totals.entry((parts.join(":"), row.currency)).or_default();
        *debit = debit.saturating_add(row.debit_minor);
        *credit = credit.saturating_add(row.credit_minor);
    }
    let total = |((class, currency), (debit_minor, credit_minor))| ClassTotal {
        class,
        currency,
        debit_minor,
        credit_minor,
    };
    totals.into_iter().map(total).collect()
}
