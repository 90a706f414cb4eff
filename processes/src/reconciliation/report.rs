//! What is reconciled, and what is not: with its age, and why.

use chrono::TimeDelta;
use domain::{Currency, Money, Timestamp};
use sqlx::PgPool;

/// A line that is younger has not had the time to find its other side.
pub const SETTLES_WITHIN: TimeDelta = TimeDelta::hours(24);
/// Open lines of each side that are listed, the oldest first.
pub const REPORTED_MAX: u32 = 200;
/// No provider has more kinds of lines in all currencies.
const MATCHED_MAX: i64 = 1_000;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    pub provider: String,
    /// By kind and currency.
    pub matched: Vec<Matched>,
    pub provider_lines: Vec<OpenProviderLine>,
    pub book_lines: Vec<OpenBookLine>,
    /// How many there are, listed or not.
    pub provider_lines_open: u64,
    pub book_lines_open: u64,
}

/// Pairs of one kind in one currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matched {
    pub kind: String,
    pub lines: u64,
    pub net: Money,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenProviderLine {
    pub line_id: String,
    pub kind: String,
    pub reference: Option<String>,
    pub net: Money,
    pub told_at: Timestamp,
    pub reason: ProviderLineReason,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenBookLine {
    pub position: u64,
    pub event_type: String,
    pub reference: Option<String>,
    pub amount: Money,
    pub booked_at: Timestamp,
    pub reason: BookLineReason,
}

/// Why a line of the statement has no line in the books.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProviderLineReason {
    /// Other business of the account.
    NotOurs,
    /// The books have it with another amount or currency.
    AmountDiffers,
    /// It came a moment ago.
    NotBookedYet,
    /// The books have it already, or know nothing of it.
    UnknownHere,
}

/// Why a line of the books has no line on the statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BookLineReason {
    /// The statement has it with another amount or currency.
    AmountDiffers,
    /// It was booked a moment ago.
    NotSettledYet,
    /// The provider does not have it.
    MissingAtProvider,
}

impl ProviderLineReason {
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotOurs => "not_ours",
            Self::AmountDiffers => "amount_differs",
            Self::NotBookedYet => "not_booked_yet",
            Self::UnknownHere => "unknown_here",
        }
    }

    fn of(reference: Option<&str>, has_counterpart: bool, is_young: bool) -> Self {
        match (reference, has_counterpart, is_young) {
            (None, ..) => Self::NotOurs,
            (Some(_), true, _) => Self::AmountDiffers,
            (Some(_), false, true) => Self::NotBookedYet,
            (Some(_), false, false) => Self::UnknownHere,
        }
    }
}

impl BookLineReason {
    pub const fn name(self) -> &'static str {
        match self {
            Self::AmountDiffers => "amount_differs",
            Self::NotSettledYet => "not_settled_yet",
            Self::MissingAtProvider => "missing_at_provider",
        }
    }

    fn of(has_counterpart: bool, is_young: bool) -> Self {
        match (has_counterpart, is_young) {
            (true, _) => Self::AmountDiffers,
            (false, true) => Self::NotSettledYet,
            (false, false) => Self::MissingAtProvider,
        }
    }
}

pub async fn report(pool: &PgPool, provider: &str, now: Timestamp) -> sqlx::Result<Report> {
    let open = count_open(pool, provider, None).await?;
    Ok(Report {
        provider: provider.to_owned(),
        matched: matched(pool, provider).await?,
        provider_lines: open_provider_lines(pool, provider, now).await?,
        book_lines: open_book_lines(pool, provider, now).await?,
        provider_lines_open: open.provider_lines + open.other_business,
        book_lines_open: open.book_lines,
    })
}

fn money(minor: i64, code: &str) -> sqlx::Result<Money> {
    let currency: Currency = code.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Money::new(minor, currency))
}

async fn matched(pool: &PgPool, provider: &str) -> sqlx::Result<Vec<Matched>> {
    let rows = sqlx::query!(
        r#"SELECT kind, currency, count(*) AS "lines!", sum(net_minor)::bigint AS "net_minor!"
           FROM reconciliation_provider_lines
           WHERE provider = $1 AND matched_position IS NOT NULL
           GROUP BY kind, currency
           ORDER BY kind, currency
           LIMIT $2"#,
        provider,
        MATCHED_MAX,
    )
    .fetch_all(pool)
    .await?;
    let matched = rows.into_iter().map(|row| {
        Ok(Matched {
            net: money(row.net_minor, &row.currency)?,
            kind: row.kind,
            lines: row.lines.unsigned_abs(),
        })
    });
    matched.collect()
}

async fn open_provider_lines(pool: &PgPool, provider: &str, now: Timestamp) -> sqlx::Result<Vec<OpenProviderLine>> {
    let rows = sqlx::query!(
        r#"SELECT line_id, kind, reference, currency, net_minor, told_at,
               EXISTS (
                   SELECT 1 FROM reconciliation_book_lines AS other
                   WHERE other.provider = $1 AND other.matched_line IS NULL AND other.reference = line.reference
               ) AS "has_counterpart!"
           FROM reconciliation_provider_lines AS line
           WHERE provider = $1 AND matched_position IS NULL
           ORDER BY told_at, line_id
           LIMIT $2"#,
        provider,
        i64::from(REPORTED_MAX),
    )
    .fetch_all(pool)
    .await?;
    let lines = rows.into_iter().map(|row| {
        let is_young = now - row.told_at < SETTLES_WITHIN;
        Ok(OpenProviderLine {
            reason: ProviderLineReason::of(row.reference.as_deref(), row.has_counterpart, is_young),
            net: money(row.net_minor, &row.currency)?,
            line_id: row.line_id,
            kind: row.kind,
            reference: row.reference,
            told_at: row.told_at,
        })
    });
    lines.collect()
}

async fn open_book_lines(pool: &PgPool, provider: &str, now: Timestamp) -> sqlx::Result<Vec<OpenBookLine>> {
    let rows = sqlx::query!(
        r#"SELECT position, kind, reference, currency, amount_minor, booked_at,
               EXISTS (
                   SELECT 1 FROM reconciliation_provider_lines AS other
                   WHERE other.provider = $1 AND other.matched_position IS NULL AND other.reference = line.reference
               ) AS "has_counterpart!"
           FROM reconciliation_book_lines AS line
           WHERE provider = $1 AND matched_line IS NULL
           ORDER BY booked_at, position
           LIMIT $2"#,
        provider,
        i64::from(REPORTED_MAX),
    )
    .fetch_all(pool)
    .await?;
    let lines = rows.into_iter().map(|row| {
        let is_young = now - row.booked_at < SETTLES_WITHIN;
        Ok(OpenBookLine {
            position: row.position.cast_unsigned(),
            event_type: row.kind,
            reference: row.reference,
            amount: money(row.amount_minor, &row.currency)?,
            booked_at: row.booked_at,
            reason: BookLineReason::of(row.has_counterpart, is_young),
        })
    });
    lines.collect()
}

/// Open lines, or those of them from before a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenCounts {
    /// Of the statement, other business aside.
    pub provider_lines: u64,
    pub other_business: u64,
    pub book_lines: u64,
}

pub async fn count_open(pool: &PgPool, provider: &str, before: Option<Timestamp>) -> sqlx::Result<OpenCounts> {
    let row = sqlx::query!(
        r#"SELECT count(reference) AS "ours!", count(*) - count(reference) AS "others!",
             (SELECT count(*) FROM reconciliation_book_lines
                 WHERE provider = $1 AND matched_line IS NULL AND ($2::timestamptz IS NULL OR booked_at < $2)) AS "booked!"
           FROM reconciliation_provider_lines
           WHERE provider = $1 AND matched_position IS NULL AND ($2::timestamptz IS NULL OR told_at < $2)"#,
        provider,
        before,
    )
    .fetch_one(pool)
    .await?;
    Ok(OpenCounts {
        provider_lines: row.ours.unsigned_abs(),
        other_business: row.others.unsigned_abs(),
        book_lines: row.booked.unsigned_abs(),
    })
}

/// Up to which position the books were read.
pub async fn book_position(pool: &PgPool, provider: &str) -> sqlx::Result<u64> {
    let position = sqlx::query_scalar!(
        "SELECT book_position FROM reconciliation_cursors WHERE provider = $1",
        provider
    )
    .fetch_optional(pool)
    .await?;
    Ok(position.unwrap_or(0).cast_unsigned())
}
