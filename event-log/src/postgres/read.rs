//! Reading the log through the pool.

use std::time::Duration;

use domain::Timestamp;
use sqlx::PgPool;

use crate::{Head, ReadError, RecordedEvent, StreamId};

/// A read that takes longer has failed.
const READ_LIMIT: Duration = Duration::from_secs(8);

/// A row of `events`, with payload and metadata as their exact text.
struct EventRow {
    position: i64,
    aggregate_type: String,
    aggregate_id: String,
    sequence: i64,
    event_type: String,
    event_version: String,
    payload: String,
    metadata: String,
    recorded_at: Timestamp,
    hash: Vec<u8>,
}

fn recorded(row: EventRow) -> RecordedEvent {
    RecordedEvent {
        position: row.position.cast_unsigned(),
        aggregate_type: row.aggregate_type,
        aggregate_id: row.aggregate_id,
        sequence: row.sequence.cast_unsigned(),
        event_type: row.event_type,
        event_version: row.event_version,
        payload: row.payload,
        metadata: row.metadata,
        recorded_at: row.recorded_at,
        hash: hash(&row.hash),
    }
}

/// The table holds 32 bytes (a CHECK says so); anything else cannot match any hash.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}

pub(super) async fn stream(
    pool: &PgPool,
    stream: &StreamId,
    after_sequence: u64,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let rows = sqlx::query_as!(
        EventRow,
        r#"
        SELECT
            position, aggregate_type, aggregate_id, sequence, event_type, event_version,
            payload::text AS "payload!", metadata::text AS "metadata!", recorded_at, hash
        FROM events
        WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3
        ORDER BY sequence
        LIMIT $4
        "#,
        stream.aggregate_type,
        &*stream.aggregate_id,
        bigint(after_sequence),
        bigint(limit as u64),
    )
    .fetch_all(pool);
    Ok(in_time(rows).await?.into_iter().map(recorded).collect())
}

pub(crate) async fn all(pool: &PgPool, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
    in_time(page(pool, after_position, limit)).await
}

/// The events after a position.
async fn page(pool: &PgPool, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    let rows = sqlx::query_as!(
        EventRow,
        r#"
        SELECT
            position, aggregate_type, aggregate_id, sequence, event_type, event_version,
            payload::text AS "payload!", metadata::text AS "metadata!", recorded_at, hash
        FROM events
        WHERE position > $1
        ORDER BY position
        LIMIT $2
        "#,
        bigint(after_position),
        bigint(limit as u64),
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(recorded).collect())
}

pub(super) async fn at(pool: &PgPool, positions: &[u64]) -> Result<Vec<RecordedEvent>, ReadError> {
    let positions: Vec<i64> = positions.iter().copied().map(bigint).collect();
    let rows = sqlx::query_as!(
        EventRow,
        r#"
        SELECT
            position, aggregate_type, aggregate_id, sequence, event_type, event_version,
            payload::text AS "payload!", metadata::text AS "metadata!", recorded_at, hash
        FROM events
        WHERE position = ANY($1)
        ORDER BY position
        "#,
        &positions,
    )
    .fetch_all(pool);
    Ok(in_time(rows).await?.into_iter().map(recorded).collect())
}

/// Halves the log until one position is left: times never go back, so no index of them is needed.
pub(super) async fn position_at(pool: &PgPool, time: Timestamp) -> Result<u64, ReadError> {
    let found = sqlx::query_scalar!(
        r#"
        WITH RECURSIVE search (low, high) AS (
            SELECT 0::bigint, coalesce(max(position), 0) FROM events
            UNION ALL
            SELECT
                CASE WHEN middle.recorded_at <= $1 THEN middle.position ELSE low END,
                CASE WHEN middle.recorded_at <= $1 THEN high ELSE middle.position - 1 END
            FROM search
            CROSS JOIN LATERAL (
                SELECT position, recorded_at FROM events WHERE position = (low + high + 1) / 2 LIMIT 1
            ) AS middle
            WHERE low < high
        )
        SELECT low AS "low!" FROM search WHERE low = high LIMIT 1
        "#,
        time,
    )
    .fetch_optional(pool);
    Ok(in_time(found).await?.map_or(0, i64::cast_unsigned))
}

pub(crate) async fn head(pool: &PgPool) -> Result<Head, ReadError> {
    let last = sqlx::query!("SELECT position, hash FROM events ORDER BY position DESC LIMIT 1").fetch_optional(pool);
    Ok(in_time(last).await?.map_or(Head::EMPTY, |row| Head {
        position: row.position.cast_unsigned(),
        hash: hash(&row.hash),
    }))
}

async fn in_time<T>(read: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, ReadError> {
    match tokio::time::timeout(READ_LIMIT, read).await {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(error)) => Err(ReadError::Unavailable(Box::new(error))),
        Err(elapsed) => Err(ReadError::Unavailable(Box::new(elapsed))),
    }
}

fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
