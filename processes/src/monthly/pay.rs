//! The timer of a host who is paid by the month.

use chrono::{Datelike, Months, NaiveTime};
use domain::payout::{MonthlyPayout, PayoutSchedule};
use domain::{Currency, Payout, PayoutCommand, PayoutId, Timestamp, UserId};
use uuid::Uuid;

use crate::{Deps, JobContext, JobResult, Outcome};

/// Asks for this month's payout in every currency, and rings again in the next.
pub async fn pay_month(deps: &Deps, context: &JobContext, host: UserId) -> JobResult {
    let (now, accounts) = (deps.clock.now(), &deps.aggregates.payouts);
    let default = deps.settings.payouts.schedule;
    let look = move |account: &Payout| {
        let is_monthly = account.schedule().unwrap_or(default) == PayoutSchedule::Monthly;
        is_monthly.then(|| account.currencies().collect::<Vec<Currency>>())
    };
    let (currencies, _) = accounts.read(host.as_uuid(), look).await?;
    let Some(currencies) = currencies else {
        return Ok(Outcome::Done);
    };
    let due_at = first_of_month(now);
    for currency in currencies {
        let month = MonthlyPayout {
            payout_id: payout_of_month(host, currency, due_at),
            currency,
            due_at,
            minimum_minor: deps.settings.payouts.minimum_minor,
            default,
            provider: deps.provider.name().to_owned(),
            at: now,
        };
        let command = PayoutCommand::RequestMonthly(month);
        accounts.execute(host.as_uuid(), command, context.metadata()).await?;
    }
    Ok(Outcome::RetryAt(next_month(now)))
}

fn payout_of_month(host: UserId, currency: Currency, due_at: Timestamp) -> PayoutId {
    let name = format!("monthly/{currency}/{}", due_at.format("%Y-%m"));
    PayoutId::from_uuid(Uuid::new_v5(&host.as_uuid(), name.as_bytes()))
}

fn first_of_month(at: Timestamp) -> Timestamp {
    let first = at.date_naive().with_day(1).unwrap_or(at.date_naive());
    first.and_time(NaiveTime::MIN).and_utc()
}

/// The first moment of the month after this one.
pub fn next_month(at: Timestamp) -> Timestamp {
    first_of_month(at)
        .checked_add_months(Months::new(1))
        .unwrap_or(Timestamp::MAX_UTC)
}
