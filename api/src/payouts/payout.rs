//! A payout as its host sees it.

use projections::earnings::PayoutRow;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::Moment;
use crate::shapes::MoneyBody;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payout)]
pub(crate) struct PayoutBody {
    id: Uuid,
    amount: MoneyBody,
    /// `requested`, `sent`, `paid`, `failed` or `returned`
    state: &'static str,
    /// Why it failed, or came back. The money is available again.
    reason: Option<String>,
    requested_at: Moment,
    updated_at: Moment,
    /// The log position of the last change.
    position: u64,
}

impl From<PayoutRow> for PayoutBody {
    fn from(row: PayoutRow) -> Self {
        Self {
            id: row.payout_id.as_uuid(),
            amount: row.amount.into(),
            state: row.state.as_str(),
            reason: row.reason,
            requested_at: row.requested_at.into(),
            updated_at: row.updated_at.into(),
            position: row.position,
        }
    }
}
