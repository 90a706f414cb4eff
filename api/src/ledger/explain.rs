//! `GET /v1/ledger/explain`: what is behind a balance, down to the events and the rules of each sale.

use std::collections::{BTreeMap, HashMap, HashSet};

use axum::extract::State;
use domain::{AnyEvent, TicketId};
use event_log::RecordedEvent;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use projections::View;
use projections::ledger::{AccountBalance, LedgerLine, account_balances, account_lines};
use projections::statements::payout_references;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::explained::{BookedEventBody, ExplainedPayoutBody, ExplainedSaleBody, read_sale};
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{AsOfQuery, Caller, FromQuery, Moment, Query, QueryParams, take_limit, take_position};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

/// Sales that are looked up side by side.
const SALES_AT_ONCE: usize = 8;

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExplainQuery {
    /// The account, as the books name it.
    account: String,
    /// How many lines at most: 1 to 200, 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: u32,
    /// The `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    after: Option<u64>,
}

impl FromQuery for ExplainQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        let account = parameters.take("account");
        if account.is_none() {
            parameters.refuse("account", "is needed: the account whose balance is to be explained");
        }
        Self {
            account: account.unwrap_or_default(),
            limit: take_limit(parameters),
            after: take_position(parameters, "after"),
        }
    }
}

/// A balance and what is behind it. The amounts of all lines of all pages add up to the balance; those of one page to what
/// it closes with, less what it opens with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
pub(crate) struct ExplanationBody {
    account: String,
    /// The balance is the one at this log position.
    position: u64,
    balances: Vec<ExplainedBalanceBody>,
    lines: Vec<ExplainedLineBody>,
    /// Goes on with `?after=` and the same `as_of`; null at the end.
    next: Option<String>,
}

/// Debit less credit, in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedBalance)]
struct ExplainedBalanceBody {
    currency: &'static str,
    balance_minor: i64,
    /// Before the first line of this page.
    opening_minor: i64,
    /// After the last one.
    closing_minor: i64,
}

/// One line, with the event that was booked, and the sale or payout it is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedLine)]
struct ExplainedLineBody {
    /// Debit is positive, credit negative.
    amount: MoneyBody,
    at: Moment,
    event: BookedEventBody,
    sale: Option<ExplainedSaleBody>,
    payout: Option<ExplainedPayoutBody>,
}

/// Explain a balance: its lines, the events they were booked from, and the rules of the sales behind these
#[utoipa::path(get, path = "/v1/ledger/explain", tag = "ledger", params(ExplainQuery, AsOfQuery), security(("bearer" = [])),
    responses(
    (status = 200, body = ExplanationBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: nothing was booked there by then", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`projection_behind`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn explain_balance(
    State(state): State<ApiState>,
    caller: Caller,
    Query((query, moment)): Query<(ExplainQuery, AsOfQuery)>,
    known: IfNoneMatch,
) -> Result<One<ExplanationBody>, ApiError> {
    caller.require_finance()?;
    let at = state.view_as_of(View::Ledger, moment.as_of).await?;
    let position = at.unwrap_or_else(|| state.projections.position(View::Ledger));
    let balances = account_balances(&state.pool, &query.account, Some(position)).await?;
    if balances.is_empty() {
        return Err(ApiError::NotFound);
    }
    let lines = account_lines(&state.pool, &query.account, Some(position), query.after, query.limit).await?;
    let is_full = usize::try_from(query.limit).is_ok_and(|limit| lines.len() >= limit);
    let last = lines.last().map(|line| line.position);
    let balances = of_page(&state, &query, &balances, last).await?;
    let body = ExplanationBody {
        account: query.account,
        position,
        balances,
        lines: explain(&state, lines, position).await?,
        next: last.filter(|_| is_full).map(|last| last.to_string()),
    };
    Ok(One::new(body, known))
}

/// What the account had before the page and after it, beside what it has in the end.
async fn of_page(
    state: &ApiState,
    query: &ExplainQuery,
    balances: &[AccountBalance],
    last: Option<u64>,
) -> Result<Vec<ExplainedBalanceBody>, ApiError> {
    let after = query.after.unwrap_or(0);
    let opening = account_balances(&state.pool, &query.account, Some(after)).await?;
    let closing = account_balances(&state.pool, &query.account, Some(last.unwrap_or(after))).await?;
    let of = |rows: &[AccountBalance], row: &AccountBalance| {
        let found = rows.iter().find(|other| other.currency == row.currency);
        found.map_or(0, |row| row.balance_minor)
    };
    let body = balances.iter().map(|row| ExplainedBalanceBody {
        currency: row.currency.code(),
        balance_minor: row.balance_minor,
        opening_minor: of(&opening, row),
        closing_minor: of(&closing, row),
    });
    Ok(body.collect())
}

/// Each line with what was known at `position`, of what it is about.
async fn explain(state: &ApiState, lines: Vec<LedgerLine>, position: u64) -> Result<Vec<ExplainedLineBody>, ApiError> {
    let positions: Vec<u64> = lines.iter().map(|line| line.position).collect();
    let mut events = BTreeMap::new();
    for event in state.log.read_at(&positions).await? {
        let decoded = decode(&event)?;
        events.insert(event.position, (event, decoded));
    }
    let tickets = events.values().filter_map(|(_, event)| ticket_of(event));
    let tickets: HashSet<TicketId> = tickets.collect();
    let sales = stream::iter(tickets.into_iter().map(|ticket| read_sale(state, ticket)));
    let sales: Vec<_> = sales.buffer_unordered(SALES_AT_ONCE).try_collect().await?;
    let sales: HashMap<TicketId, _> = sales.into_iter().flatten().map(|sale| (sale.ticket, sale)).collect();
    let payouts: Vec<_> = events.values().filter_map(|(_, event)| payout_of(event)).collect();
    let references = payout_references(&state.pool, &payouts, position).await?;
    lines
        .into_iter()
        .map(|line| {
            let (event, decoded) = events.get(&line.position).ok_or_else(|| missing(line.position))?;
            let sale = ticket_of(decoded).and_then(|ticket| sales.get(&ticket));
            let payout = payout_of(decoded).map(|payout| {
                let reference = references.iter().find(|(known, _)| *known == payout);
                ExplainedPayoutBody::new(payout, reference.map(|(_, name)| name.clone()))
            });
            Ok(ExplainedLineBody {
                amount: line.amount.into(),
                at: line.at.into(),
                event: BookedEventBody::try_from(event)?,
                sale: sale.map(|sale| sale.up_to(line.position)),
                payout,
            })
        })
        .collect()
}

fn missing(position: u64) -> ApiError {
    let cause = std::io::Error::other(format!("the log has no event at position {position}"));
    ApiError::Internal(Box::new(cause))
}

pub(super) fn decode(event: &RecordedEvent) -> Result<AnyEvent, ApiError> {
    let serialized = event
        .to_serialized()
        .map_err(|error| ApiError::Internal(Box::new(error)))?;
    AnyEvent::decode(serialized).map_err(|error| ApiError::Internal(Box::new(error)))
}

/// The sale that an event is about.
fn ticket_of(event: &AnyEvent) -> Option<TicketId> {
    match event {
        AnyEvent::Ticket(ticket, _) => Some(*ticket),
        AnyEvent::Payout(_, event) => event.ticket_id(),
        _ => None,
    }
}

fn payout_of(event: &AnyEvent) -> Option<domain::PayoutId> {
    match event {
        AnyEvent::Payout(_, event) => event.payout_id(),
        _ => None,
    }
}
