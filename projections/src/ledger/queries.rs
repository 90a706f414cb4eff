//! What can be asked of the books.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::{Currency, Money, Timestamp};
use sqlx::{FromRow, PgPool};

use crate::QueryError;
use crate::convert::{RowOf, bigint};

/// More accounts than the chart has with 100,000 hosts and their rooms open at once.
const ACCOUNTS_MAX: i64 = 1_000_000;

/// One account in one currency. Debits and credits are totals of lines; the balance is debit less credit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountBalance {
    pub account: String,
    pub currency: Currency,
    pub debit_minor: i64,
    pub credit_minor: i64,
    pub balance_minor: i64,
}

/// One line of an account: debit positive, credit negative.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LedgerLine {
    /// The event that was booked.
    pub position: u64,
    pub event_type: String,
    pub amount: Money,
    pub at: Timestamp,
}

#[derive(FromRow)]
struct AccountRecord {
    account: String,
    currency: String,
    debit_minor: i64,
    credit_minor: i64,
}

#[derive(FromRow)]
struct LineRecord {
    position: i64,
    event_type: String,
    amount_minor: i64,
    currency: String,
    at: Timestamp,
}

const NOW: &str = "SELECT account, currency, debit_minor, credit_minor FROM view_ledger.accounts";

/// The accounts as they were at the position `parameter`: the last line of each up to there has its totals.
fn then(parameter: &str) -> String {
    format!(
        "SELECT account, currency, last.debit_minor, last.credit_minor
        FROM view_ledger.accounts
        CROSS JOIN LATERAL (
            SELECT debit_minor, credit_minor FROM view_ledger.lines
            WHERE lines.account = accounts.account AND lines.currency = accounts.currency AND position <= {parameter}
            ORDER BY position DESC LIMIT 1
        ) AS last"
    )
}

/// Every account that was ever used, also those that are at zero again, by name and currency; as of a position, or now.
pub async fn trial_balance(pool: &PgPool, at: Option<u64>) -> Result<Vec<AccountBalance>, QueryError> {
    let select = at.map_or_else(|| NOW.to_owned(), |_| then("$2"));
    let select = format!("{select} ORDER BY account, currency LIMIT $1");
    let mut query = sqlx::query_as(&select).bind(ACCOUNTS_MAX);
    if let Some(at) = at {
        query = query.bind(bigint(at));
    }
    let records: Vec<AccountRecord> = query.fetch_all(pool).await?;
    records.into_iter().map(AccountBalance::try_from).collect()
}

/// The accounts whose names follow `after`, in the order of their names; one row for each currency. `limit` counts rows,
/// so the last account of a page may go on in the next: a client goes on after the last account that is complete.
pub async fn list_accounts(
    pool: &PgPool,
    at: Option<u64>,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<AccountBalance>, QueryError> {
    let select = at.map_or_else(|| NOW.to_owned(), |_| then("$3"));
    let page = "WHERE ($1::text IS NULL OR account > $1) ORDER BY account, currency LIMIT $2";
    let select = format!("{select} {page}");
    let mut query = sqlx::query_as(&select).bind(after).bind(i64::from(limit));
    if let Some(at) = at {
        query = query.bind(bigint(at));
    }
    let records: Vec<AccountRecord> = query.fetch_all(pool).await?;
    records.into_iter().map(AccountBalance::try_from).collect()
}

/// What an account held at a position, or holds now, in each currency in which it was used by then.
pub async fn account_balances(
    pool: &PgPool,
    account: &str,
    at: Option<u64>,
) -> Result<Vec<AccountBalance>, QueryError> {
    let select = format!("{} WHERE account = $1 ORDER BY currency LIMIT $2", then("$3"));
    let records: Vec<AccountRecord> = sqlx::query_as(&select)
        .bind(crate::convert::text(account))
        .bind(ACCOUNTS_MAX)
        .bind(upto(at))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(AccountBalance::try_from).collect()
}

/// What was booked on an account up to a position, or ever, in the order of the log; `after` is the position of the last
/// line seen.
pub async fn account_lines(
    pool: &PgPool,
    account: &str,
    at: Option<u64>,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<LedgerLine>, QueryError> {
    let select = "
        SELECT position, event_type, amount_minor, currency, at FROM view_ledger.accounts
        CROSS JOIN LATERAL (
            SELECT position, event_type, amount_minor, at FROM view_ledger.lines
            WHERE lines.account = accounts.account AND lines.currency = accounts.currency
                AND position > $2 AND position <= $3
            ORDER BY position LIMIT $4
        ) AS line
        WHERE account = $1
        ORDER BY position, currency LIMIT $4";
    let records: Vec<LineRecord> = sqlx::query_as(select)
        .bind(crate::convert::text(account))
        .bind(bigint(after.unwrap_or(0)))
        .bind(upto(at))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(LedgerLine::try_from).collect()
}

fn upto(at: Option<u64>) -> i64 {
    at.map_or(i64::MAX, bigint)
}

impl TryFrom<AccountRecord> for AccountBalance {
    type Error = QueryError;

    fn try_from(record: AccountRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_ledger.accounts", &record.account);
        let balance = record.debit_minor.checked_sub(record.credit_minor).ok_or(());
        Ok(Self {
            currency: row.currency(&record.currency)?,
            debit_minor: record.debit_minor,
            credit_minor: record.credit_minor,
            balance_minor: row.fit("balance", balance)?,
            account: record.account,
        })
    }
}

impl TryFrom<LineRecord> for LedgerLine {
    type Error = QueryError;

    fn try_from(record: LineRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_ledger.lines", record.position);
        Ok(Self {
            position: row.position("position", record.position)?,
            amount: row.money(record.amount_minor, &record.currency)?,
            event_type: record.event_type,
            at: record.at,
        })
    }
}
