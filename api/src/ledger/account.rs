//! An account of the ledger in one currency.

use projections::ledger::AccountBalance;
use serde::Serialize;
use utoipa::ToSchema;

/// Amounts are minor units of the currency. The balance is debit minus credit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerAccount)]
pub(crate) struct AccountBody {
    account: String,
    currency: &'static str,
    debit_minor: i64,
    credit_minor: i64,
    balance_minor: i64,
}

impl From<AccountBalance> for AccountBody {
    fn from(row: AccountBalance) -> Self {
        Self {
            account: row.account,
            currency: row.currency.code(),
            debit_minor: row.debit_minor,
            credit_minor: row.credit_minor,
            balance_minor: row.balance_minor,
        }
    }
}
