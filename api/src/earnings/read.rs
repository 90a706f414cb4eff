//! `GET /v1/me/earnings`

use axum::extract::State;
use domain::payout::PayoutSchedule;
use domain::{AnyEvent, Money, Payout, PayoutEvent, Timestamp, UserId};
use projections::View;
use projections::earnings::{Balance, find_account};
use projections::statements::balances_at;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{IfNoneMatch, One};
use crate::extract::{AsOfQuery, Caller, MinPosition, Moment, Query};
use crate::past::is_told;
use crate::payouts::{ScheduleName, next_payout_at};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Earnings)]
pub(crate) struct EarningsBody {
    /// One for each currency in which anything was earned.
    balances: Vec<BalanceBody>,
    /// With `as_of` what the host had chosen by then; absent for who had not chosen, who is paid as the shop's rules of today say, and
    /// where more than 50,000 events of the host's account come before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    payout_schedule: Option<ScheduleName>,
    /// When all that is available then is paid by itself. Null for who is paid when they ask, and with `as_of`.
    next_payout_at: Option<Moment>,
    /// The log position of the last change; 0 before the first. With `as_of` the position that was asked for.
    position: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Balance)]
struct BalanceBody {
    currency: &'static str,
    /// What a payout can be asked of.
    available: MoneyBody,
    /// Earned, and not available before its days are over.
    pending: MoneyBody,
    /// Requested, and neither paid nor failed.
    pending_payout: MoneyBody,
    paid_out: MoneyBody,
    /// What buyers paid and did not get back, tax in it.
    gross: MoneyBody,
    taxes: MoneyBody,
    store_fees: MoneyBody,
    provider_fees: MoneyBody,
    platform_fees: MoneyBody,
    /// Held for disputes that are not decided, and the rolling reserve.
    reserved: MoneyBody,
    /// What the host owes: the next earnings pay it first.
    receivable: MoneyBody,
    /// Below this nothing is paid out. Not with `as_of`: it is a rule of today.
    #[serde(skip_serializing_if = "Option::is_none")]
    payout_minimum: Option<MoneyBody>,
    /// It is paid by the month, and too little so far: it waits for the first of a month on which it is enough. Not with `as_of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rolls_over: Option<bool>,
}

/// When a host is paid, and from how much on: as it is now.
struct Paying {
    schedule: PayoutSchedule,
    minimum_minor: i64,
    now: Timestamp,
}

impl BalanceBody {
    fn new(balance: Balance, paying: Option<&Paying>) -> Self {
        let minimum = paying.map(|paying| Money::new(paying.minimum_minor, balance.currency));
        let is_too_little =
            minimum.is_some_and(|minimum| (1..minimum.amount_minor()).contains(&balance.available.amount_minor()));
        Self {
            payout_minimum: minimum.map(MoneyBody::from),
            rolls_over: paying.map(|paying| is_too_little && paying.schedule == PayoutSchedule::Monthly),
            currency: balance.currency.code(),
            available: balance.available.into(),
            pending: balance.pending.into(),
            pending_payout: balance.pending_payout.into(),
            paid_out: balance.paid_out.into(),
            gross: balance.gross.into(),
            taxes: balance.taxes.into(),
            store_fees: balance.store_fees.into(),
            provider_fees: balance.provider_fees.into(),
            platform_fees: balance.platform_fees.into(),
            reserved: balance.reserved.into(),
            receivable: balance.receivable.into(),
        }
    }
}

impl EarningsBody {
    fn new(balances: Vec<Balance>, position: u64, paying: &Paying) -> Self {
        let balances = balances.into_iter();
        Self {
            balances: balances
                .map(|balance| BalanceBody::new(balance, Some(paying)))
                .collect(),
            payout_schedule: Some(paying.schedule.into()),
            next_payout_at: next_payout_at(paying.schedule, paying.now),
            position,
        }
    }

    fn as_of(balances: Vec<Balance>, position: u64, chosen: Option<PayoutSchedule>) -> Self {
        let balances = balances.into_iter();
        Self {
            balances: balances.map(|balance| BalanceBody::new(balance, None)).collect(),
            payout_schedule: chosen.map(ScheduleName::from),
            next_payout_at: None,
            position,
        }
    }
}

/// My balances
#[utoipa::path(get, path = "/v1/me/earnings", tag = "earnings", params(MinPosition, AsOfQuery), security(("bearer" = [])),
    responses(
    (status = 200, body = EarningsBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
))]
pub(crate) async fn read_earnings(
    State(state): State<ApiState>,
    caller: Caller,
    Query((waiting, moment)): Query<(MinPosition, AsOfQuery)>,
    known: IfNoneMatch,
) -> Result<One<EarningsBody>, ApiError> {
    state.wait_for(View::Earnings, waiting.min_position).await?;
    let as_of = state.view_as_of(View::Statements, moment.as_of).await?;
    let accounts = &state.aggregates.payouts;
    let (chosen, _) = accounts.read(caller.user_id.as_uuid(), Payout::schedule).await?;
    if let Some(position) = as_of {
        let balances = balances_at(&state.pool, caller.user_id, position).await?;
        // Nobody goes back to having chosen nothing.
        let chosen = match chosen {
            Some(_) => chosen_by(&state, caller.user_id, position).await?,
            None => None,
        };
        return Ok(One::new(EarningsBody::as_of(balances, position, chosen), known));
    }
    let row = find_account(&state.pool, caller.user_id).await?;
    let (balances, position) = row.map_or_else(Default::default, |row| (row.balances, row.position));
    let paying = Paying {
        schedule: chosen.unwrap_or(state.preset.payout_schedule),
        minimum_minor: state.preset.payout_min_minor,
        now: state.now(),
    };
    Ok(One::new(EarningsBody::new(balances, position, &paying), known))
}

/// What the host's own events say; nothing if they are too many.
async fn chosen_by(state: &ApiState, host: UserId, position: u64) -> Result<Option<PayoutSchedule>, ApiError> {
    let mut chosen = None;
    let is_told = is_told(state, "payout", host.as_uuid(), position, |past| {
        if let AnyEvent::Payout(_, PayoutEvent::PayoutScheduleChosen { schedule, .. }) = past.event {
            chosen = Some(schedule);
        }
    });
    Ok(if is_told.await? { chosen } else { None })
}
