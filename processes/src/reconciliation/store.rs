//! The tables of reconciliation.

use domain::{Money, Timestamp};
use sqlx::PgPool;

use super::books::BookLine;

/// A line of the provider's statement, with what it must find in the books.
pub(super) struct Told {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) reference: Option<String>,
    pub(super) net: Money,
    pub(super) at: Timestamp,
}

/// A line of the books, with what it must find on the statement.
pub(super) struct Booked {
    pub(super) line: BookLine,
    pub(super) reference: Option<String>,
}

#[derive(Default)]
pub(super) struct Cursors {
    pub(super) statement: Option<String>,
    pub(super) book_position: u64,
}

pub(super) async fn load_cursors(pool: &PgPool, provider: &str) -> sqlx::Result<Cursors> {
    let found = sqlx::query!(
        "SELECT statement_cursor, book_position FROM reconciliation_cursors WHERE provider = $1",
        provider
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.map_or_else(Cursors::default, |row| Cursors {
        statement: row.statement_cursor,
        book_position: row.book_position.cast_unsigned(),
    }))
}

/// Keeps lines of the statement, each once, and moves the cursor with them.
pub(super) async fn keep_told(pool: &PgPool, provider: &str, lines: &[Told], cursor: Option<&str>) -> sqlx::Result<()> {
    let mut transaction = pooling::begin(pool).await?;
    sqlx::query!(
        "INSERT INTO reconciliation_provider_lines (provider, line_id, kind, reference, currency, net_minor, told_at)
         SELECT $1, line_id, kind, reference, currency, net_minor, told_at
         FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[])
             AS told (line_id, kind, reference, currency, net_minor, told_at)
         ON CONFLICT (provider, line_id) DO NOTHING",
        provider,
        &column(lines, |line| line.id.clone()),
        &column(lines, |line| line.kind.to_owned()),
        &column(lines, |line| line.reference.clone()) as &[Option<String>],
        &column(lines, |line| line.net.currency().code().to_owned()),
        &column(lines, |line| line.net.amount_minor()),
        &column(lines, |line| line.at),
    )
    .execute(&mut *transaction)
    .await?;
    if let Some(cursor) = cursor {
        sqlx::query!(
            "INSERT INTO reconciliation_cursors (provider, statement_cursor) VALUES ($1, $2)
             ON CONFLICT (provider) DO UPDATE SET statement_cursor = excluded.statement_cursor",
            provider,
            cursor,
        )
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}

/// Keeps lines of the books, each once, and moves the cursor with them.
pub(super) async fn keep_booked(pool: &PgPool, provider: &str, lines: &[Booked], position: u64) -> sqlx::Result<()> {
    let mut transaction = pooling::begin(pool).await?;
    sqlx::query!(
        "INSERT INTO reconciliation_book_lines (provider, position, currency, kind, reference, amount_minor, booked_at)
         SELECT $1, position, currency, kind, reference, amount_minor, booked_at
         FROM UNNEST($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[])
             AS booked (position, currency, kind, reference, amount_minor, booked_at)
         ON CONFLICT (provider, position, currency) DO NOTHING",
        provider,
        &column(lines, |booked| booked.line.position.cast_signed()),
        &column(lines, |booked| booked.line.amount.currency().code().to_owned()),
        &column(lines, |booked| booked.line.event_type.clone()),
        &column(lines, |booked| booked.reference.clone()) as &[Option<String>],
        &column(lines, |booked| booked.line.amount.amount_minor()),
        &column(lines, |booked| booked.line.booked_at),
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "INSERT INTO reconciliation_cursors (provider, book_position) VALUES ($1, $2)
         ON CONFLICT (provider) DO UPDATE SET book_position = excluded.book_position",
        provider,
        position.cast_signed(),
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// Pairs open lines of both sides that are about the same and have the same amount; of several alike, the first with the
/// first. Both sides are written at once.
pub(super) async fn pair(pool: &PgPool, provider: &str) -> sqlx::Result<u64> {
    let paired = sqlx::query!(
        "WITH told AS (
            SELECT line_id, reference, currency, net_minor AS minor,
                row_number() OVER (PARTITION BY reference, currency, net_minor ORDER BY told_at, line_id) AS nth
            FROM reconciliation_provider_lines
            WHERE provider = $1 AND matched_position IS NULL AND reference IS NOT NULL
        ), booked AS (
            SELECT position, reference, currency, amount_minor AS minor,
                row_number() OVER (PARTITION BY reference, currency, amount_minor ORDER BY position) AS nth
            FROM reconciliation_book_lines
            WHERE provider = $1 AND matched_line IS NULL AND reference IS NOT NULL
        ), pairs AS (
            SELECT line_id, position, currency
            FROM told JOIN booked USING (reference, currency, minor, nth)
        ), written AS (
            UPDATE reconciliation_provider_lines AS line SET matched_position = pairs.position
            FROM pairs WHERE line.provider = $1 AND line.line_id = pairs.line_id
        )
        UPDATE reconciliation_book_lines AS line SET matched_line = pairs.line_id
        FROM pairs
        WHERE line.provider = $1 AND line.position = pairs.position AND line.currency = pairs.currency",
        provider
    )
    .execute(pool)
    .await?;
    Ok(paired.rows_affected())
}

fn column<L, T>(lines: &[L], value: impl Fn(&L) -> T) -> Vec<T> {
    lines.iter().map(value).collect()
}
