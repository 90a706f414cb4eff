//! A statement: what it opens with, its lines, what it closes with.

use std::collections::BTreeMap;

use domain::{Currency, Money, UserId};
use projections::statements::{LINES_MAX, Parts, RefundLine, Stretch, Totals, lines, refunds, totals};
use serde::Serialize;
use utoipa::ToSchema;

use super::line::{LineBody, PartsBody};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

/// Everything that moved a host's money, the oldest first. A line belongs to the time at which the log recorded its event:
/// a month that is over never changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statement)]
pub(super) struct StatementBody {
    /// `2026-11`; null is from the beginning.
    pub(super) month: Option<String>,
    /// The month is over: nothing of this changes any more.
    pub(super) complete: bool,
    /// The last log position that counts.
    pub(super) position: u64,
    pub(super) currencies: Vec<CurrencyBody>,
    pub(super) data: Vec<LineBody>,
}

/// What a statement opens and closes with in one currency, and its sums.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatementCurrency)]
pub(super) struct CurrencyBody {
    #[schema(value_type = String)]
    pub(super) currency: Currency,
    pub(super) opening: PartsBody,
    pub(super) closing: PartsBody,
    pub(super) totals: TotalsBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatementTotals)]
pub(super) struct TotalsBody {
    /// How many sales were earned.
    pub(super) sales: u64,
    pub(super) gross: MoneyBody,
    pub(super) taxes: MoneyBody,
    pub(super) store_fees: MoneyBody,
    pub(super) provider_fees: MoneyBody,
    pub(super) platform_fees: MoneyBody,
    /// What those have who share the sales.
    pub(super) co_hosts: MoneyBody,
    /// All lines' `net`: what the balance moved by.
    pub(super) net: MoneyBody,
    pub(super) paid_out: MoneyBody,
    /// How many refunds and lost disputes went back before the sale was earned, and how much.
    pub(super) refunds: u64,
    pub(super) refunded: MoneyBody,
}

/// Sums of a stretch, and of what was before it.
struct Sums {
    before: Totals,
    within: Totals,
    refunds: u64,
    refunded: Money,
}

impl StatementBody {
    pub(super) async fn read(
        state: &ApiState,
        host: UserId,
        month: Option<String>,
        (stretch, complete): (Stretch, bool),
    ) -> Result<Self, ApiError> {
        let lines = lines(&state.pool, host, stretch).await?;
        let refunds = refunds(&state.pool, host, stretch).await?;
        if lines.len() + refunds.len() > LINES_MAX {
            let detail = format!("A statement has at most {LINES_MAX} lines: read it month by month.");
            return Err(ApiError::invalid("/path/month", detail));
        }
        let currencies = currencies(state, host, stretch, &refunds).await?;
        let mut data: Vec<LineBody> = lines.into_iter().map(LineBody::from).collect();
        data.extend(refunds.into_iter().map(LineBody::from));
        data.sort_by_key(|line| line.position);
        Ok(Self {
            month,
            complete,
            position: stretch.up_to,
            currencies,
            data,
        })
    }
}

pub(super) async fn currencies(
    state: &ApiState,
    host: UserId,
    stretch: Stretch,
    refunds: &[RefundLine],
) -> Result<Vec<CurrencyBody>, ApiError> {
    let earlier = Stretch {
        after: 0,
        up_to: stretch.after,
    };
    let mut sums: BTreeMap<Currency, Sums> = BTreeMap::new();
    for before in totals(&state.pool, host, earlier).await? {
        sums.entry(before.currency)
            .or_insert_with(|| Sums::zero(before.currency))
            .before = before;
    }
    for within in totals(&state.pool, host, stretch).await? {
        sums.entry(within.currency)
            .or_insert_with(|| Sums::zero(within.currency))
            .within = within;
    }
    for refund in refunds {
        let currency = refund.amount.currency();
        let sums = sums.entry(currency).or_insert_with(|| Sums::zero(currency));
        sums.refunds += 1;
        sums.refunded = add(sums.refunded, refund.amount);
    }
    Ok(sums.into_values().map(CurrencyBody::from).collect())
}

impl Sums {
    fn zero(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        let parts = Parts {
            pending: zero,
            available: zero,
            pending_payout: zero,
            paid_out: zero,
            reserved: zero,
            receivable: zero,
        };
        let totals = Totals {
            currency,
            sales: 0,
            gross: zero,
            tax: zero,
            store_fee: zero,
            provider_fee: zero,
            platform_fee: zero,
            co_hosts: zero,
            parts,
        };
        Self {
            before: totals,
            within: totals,
            refunds: 0,
            refunded: zero,
        }
    }
}

impl From<Sums> for CurrencyBody {
    fn from(sums: Sums) -> Self {
        let (before, within) = (sums.before.parts, sums.within.parts);
        let closing = Parts {
            pending: add(before.pending, within.pending),
            available: add(before.available, within.available),
            pending_payout: add(before.pending_payout, within.pending_payout),
            paid_out: add(before.paid_out, within.paid_out),
            reserved: add(before.reserved, within.reserved),
            receivable: add(before.receivable, within.receivable),
        };
        Self {
            currency: sums.within.currency,
            opening: before.into(),
            closing: closing.into(),
            totals: TotalsBody {
                sales: sums.within.sales,
                gross: sums.within.gross.into(),
                taxes: sums.within.tax.into(),
                store_fees: sums.within.store_fee.into(),
                provider_fees: sums.within.provider_fee.into(),
                platform_fees: sums.within.platform_fee.into(),
                co_hosts: sums.within.co_hosts.into(),
                net: within.net().into(),
                paid_out: within.paid_out.into(),
                refunds: sums.refunds,
                refunded: sums.refunded.into(),
            },
        }
    }
}

/// Of one currency, and far below 2^63: PostgreSQL has summed them.
fn add(one: Money, other: Money) -> Money {
    Money::new(one.amount_minor().saturating_add(other.amount_minor()), one.currency())
}
