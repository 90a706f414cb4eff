//! The database at one moment: the events, and the ledger view beside them.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use crate::CheckError;
use crate::copy::{Row, Rows};

/// One row of the log. Payload and metadata are the bytes that are stored.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub position: u64,
    pub aggregate_type: &'a str,
    pub aggregate_id: &'a str,
    pub sequence: u64,
    pub event_type: &'a str,
    pub event_version: &'a str,
    pub payload: &'a [u8],
    pub metadata: &'a [u8],
    /// Microseconds since 1970.
    pub recorded_at: i64,
    pub hash: &'a [u8; 32],
}

const EVENTS: &str = "
    SELECT position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at, hash
    FROM events ORDER BY position";

impl<'a> Entry<'a> {
    fn of(mut row: Row<'a>) -> Result<Self, CheckError> {
        Ok(Self {
            position: row.bigint()?.cast_unsigned(),
            aggregate_type: row.text()?,
            aggregate_id: row.text()?,
            sequence: row.bigint()?.cast_unsigned(),
            event_type: row.text()?,
            event_version: row.text()?,
            payload: row.bytes()?,
            metadata: row.bytes()?,
            recorded_at: row.micros()?,
            hash: row
                .bytes()?
                .try_into()
                .map_err(|_| CheckError::Copy("a hash of other than 32 bytes"))?,
        })
    }
}

/// By account and currency: debits less credits, in minor units.
pub(crate) type Balances = BTreeMap<(String, String), i128>;

/// What the ledger view shows.
#[derive(Debug, Default)]
pub(crate) struct LedgerView {
    /// It has taken in the events up to here.
    pub(crate) position: u64,
    pub(crate) accounts: Balances,
    /// Sums of the lines of each account.
    pub(crate) lines: Balances,
    /// Positions whose lines do not sum to zero in a currency.
    pub(crate) unbalanced: Vec<(u64, String)>,
}

const LEDGER_IS_THERE: &str = "SELECT to_regclass('view_ledger.lines') IS NOT NULL";
const LEDGER_POSITION: &str = "SELECT position FROM projection_checkpoint WHERE name = 'ledger'";
const LEDGER_ACCOUNTS: &str = "SELECT account, currency, debit_minor - credit_minor FROM view_ledger.accounts";
const LEDGER_LINES: &str = "
    SELECT account, currency, sum(amount_minor)::bigint FROM view_ledger.lines GROUP BY account, currency";
const LEDGER_UNBALANCED: &str = "
    SELECT position, currency FROM view_ledger.lines
    GROUP BY position, currency HAVING sum(amount_minor) <> 0 ORDER BY position LIMIT 100";

/// A transaction that sees one state of everything.
#[derive(Debug)]
pub(crate) struct Snapshot {
    connection: PgConnection,
}

impl Snapshot {
    pub(crate) async fn open(options: &PgConnectOptions) -> Result<Self, CheckError> {
        let mut connection = options.clone().application_name("boxoffice-checker").connect().await?;
        connection
            .execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        Ok(Self { connection })
    }

    /// Hands every event to `take`, in the order of positions.
    pub(crate) async fn events(&mut self, mut take: impl FnMut(&Entry<'_>) + Send) -> Result<(), CheckError> {
        self.each(EVENTS, |row| {
            take(&Entry::of(row)?);
            Ok(())
        })
        .await
    }

    /// `None` if no server has made the view yet.
    pub(crate) async fn ledger_view(&mut self) -> Result<Option<LedgerView>, CheckError> {
        let mut is_there = false;
        self.each(LEDGER_IS_THERE, |mut row| {
            is_there = row.boolean()?;
            Ok(())
        })
        .await?;
        if !is_there {
            return Ok(None);
        }
        let mut view = LedgerView::default();
        self.each(LEDGER_POSITION, |mut row| {
            view.position = row.bigint()?.cast_unsigned();
            Ok(())
        })
        .await?;
        view.accounts = self.balances(LEDGER_ACCOUNTS).await?;
        view.lines = self.balances(LEDGER_LINES).await?;
        self.each(LEDGER_UNBALANCED, |mut row| {
            view.unbalanced
                .push((row.bigint()?.cast_unsigned(), row.text()?.to_owned()));
            Ok(())
        })
        .await?;
        Ok(Some(view))
    }

    async fn balances(&mut self, select: &str) -> Result<Balances, CheckError> {
        let mut balances = Balances::new();
        self.each(select, |mut row| {
            let key = (row.text()?.to_owned(), row.text()?.to_owned());
            balances.insert(key, i128::from(row.bigint()?));
            Ok(())
        })
        .await?;
        Ok(balances)
    }

    async fn each(
        &mut self,
        select: &str,
        mut take: impl FnMut(Row<'_>) -> Result<(), CheckError> + Send,
    ) -> Result<(), CheckError> {
        let copy = format!("COPY ({select}) TO STDOUT (FORMAT binary)");
        let mut stream = self.connection.copy_out_raw(&copy).await?;
        let mut rows = Rows::default();
        while let Some(bytes) = stream.try_next().await? {
            rows.push(&bytes);
            while let Some(row) = rows.next_row()? {
                take(row)?;
            }
        }
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<(), CheckError> {
        Ok(self.connection.close().await?)
    }
}
