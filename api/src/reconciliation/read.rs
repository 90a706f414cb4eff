//! `GET /v1/reconciliation`

use axum::extract::State;
use domain::Timestamp;
use processes::reconciliation::{self, Matched, OpenBookLine, OpenProviderLine};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Moment, Query};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

/// What is reconciled and what is not. Of each side the oldest 200 open lines are listed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reconciliation)]
pub(crate) struct ReconciliationBody {
    provider: String,
    /// By kind and currency.
    matched: Vec<MatchedBody>,
    /// How many lines of the provider's statement have no line in the books.
    provider_lines_open: u64,
    provider_lines: Vec<ProviderLineBody>,
    /// How many lines of the books have no line on the provider's statement.
    ledger_lines_open: u64,
    ledger_lines: Vec<LedgerSideBody>,
}

/// Pairs of one kind in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MatchedLines)]
struct MatchedBody {
    /// `charge`, `refund`, `refund_failed`, `transfer`, `transfer_returned`, `dispute`, `dispute_won`, `dispute_fee` or `other`
    kind: String,
    lines: u64,
    net: MoneyBody,
}

/// A line of the provider's statement that is not in the books.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenProviderLine)]
struct ProviderLineBody {
    line_id: String,
    kind: String,
    /// Kind and subject, as the books name them; null for other business of the account.
    reference: Option<String>,
    /// What it did to the balance at the provider, fees off.
    net: MoneyBody,
    told_at: Moment,
    age_seconds: i64,
    /// `not_ours`, `amount_differs`, `not_booked_yet` or `unknown_here`
    reason: &'static str,
}

/// A line of the provider's cash account that is not on its statement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenLedgerLine)]
struct LedgerSideBody {
    /// The event that was booked.
    position: u64,
    event_type: String,
    reference: Option<String>,
    /// Debit is positive, credit negative.
    amount: MoneyBody,
    booked_at: Moment,
    age_seconds: i64,
    /// `amount_differs`, `not_settled_yet` or `missing_at_provider`
    reason: &'static str,
}

/// The provider's statement beside the books
#[utoipa::path(get, path = "/v1/reconciliation", tag = "ledger", security(("bearer" = [])), responses(
    (status = 200, body = ReconciliationBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_reconciliation(
    State(state): State<ApiState>,
    caller: Caller,
    Query(()): Query<()>,
    known: IfNoneMatch,
) -> Result<One<ReconciliationBody>, ApiError> {
    caller.require_finance()?;
    let now = state.now();
    let report = reconciliation::report(&state.pool, state.provider.name(), now).await?;
    let age = |at: Timestamp| (now - at).num_seconds().max(0);
    let told = |line: OpenProviderLine| ProviderLineBody {
        age_seconds: age(line.told_at),
        told_at: line.told_at.into(),
        line_id: line.line_id,
        kind: line.kind,
        reference: line.reference,
        net: line.net.into(),
        reason: line.reason.name(),
    };
    let booked = |line: OpenBookLine| LedgerSideBody {
        age_seconds: age(line.booked_at),
        booked_at: line.booked_at.into(),
        position: line.position,
        event_type: line.event_type,
        reference: line.reference,
        amount: line.amount.into(),
        reason: line.reason.name(),
    };
    let matched = |matched: Matched| MatchedBody {
        kind: matched.kind,
        lines: matched.lines,
        net: matched.net.into(),
    };
    let body = ReconciliationBody {
        provider: report.provider,
        matched: report.matched.into_iter().map(matched).collect(),
        provider_lines_open: report.provider_lines_open,
        provider_lines: report.provider_lines.into_iter().map(told).collect(),
        ledger_lines_open: report.book_lines_open,
        ledger_lines: report.book_lines.into_iter().map(booked).collect(),
    };
    Ok(One::new(body, known))
}
