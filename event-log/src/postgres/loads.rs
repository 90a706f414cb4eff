//! Loading cold streams: loads that come together share one statement.

use std::time::Duration;

use gather::{Gather, GatherError, Limits, WriteBatch};
use sqlx::PgPool;
use tracing::info;

use super::json::StoredJson;
use super::read;
use crate::{LoadFrom, ReadError, STREAM_PAGE, SealedSnapshot, Snapshot, StoredStream, StreamEvent, StreamId};

/// Whoever finds more waiting is told that the log is away; commands are refused long before.
const WAITING_MAX: usize = 16_384;
/// Streams that are loaded by one statement. Each brings a page at most.
const STREAMS: usize = 128;
const LOAD_LIMIT: Duration = Duration::from_secs(8);

/// The loads of one log.
pub(super) type Loads = Gather<Loader>;

pub(super) fn loads(pool: PgPool) -> Loads {
    let limits = Limits {
        waiting: WAITING_MAX,
        batch: STREAMS,
        write: LOAD_LIMIT,
        pace: Duration::ZERO,
    };
    Gather::new(Loader { pool }, limits)
}

pub(super) async fn load(loads: &Loads, stream: &StreamId, from: LoadFrom) -> Result<StoredStream, ReadError> {
    if !stream.is_storable() {
        // PostgreSQL would refuse the whole statement, and with it the loads of others.
        return Ok(StoredStream::default());
    }
    let asked = loads.call((stream.clone(), from)).await;
    asked.unwrap_or_else(|error: GatherError| Err(ReadError::Unavailable(Box::new(error))))
}

pub(super) struct Loader {
    pool: PgPool,
}

impl WriteBatch for Loader {
    type Call = (StreamId, LoadFrom);
    type Answer = Result<StoredStream, ReadError>;

    const NAME: &'static str = "cold_loads";

    async fn write(&self, calls: Vec<Self::Call>) -> Vec<Self::Answer> {
        match select(&self.pool, &calls).await {
            Ok(rows) => answers(&calls, rows).into_iter().map(Ok).collect(),
            Err(error) => {
                let reason = error.to_string();
                let away = || Err(ReadError::Unavailable(reason.clone().into()));
                calls.iter().map(|_| away()).collect()
            }
        }
    }
}

/// A snapshot, or an event.
struct Row {
    nth: i64,
    position: i64,
    sequence: i64,
    hash: Vec<u8>,
    /// Missing where a snapshot is not used.
    payload: Option<StoredJson>,
    /// Of a snapshot only.
    seal: Option<Vec<u8>>,
    format: Option<i64>,
    /// Of an event only.
    event_type: Option<String>,
    event_version: Option<String>,
}

/// Each stream is looked up by its key, however many there are: the limits keep the planner from anything else.
///
/// A snapshot is used only if the log holds the very event it was taken at. One statement sees one state of the database, so
/// the events after it are those that follow it.
async fn select(pool: &PgPool, calls: &[(StreamId, LoadFrom)]) -> Result<Vec<Row>, sqlx::Error> {
    let types: Vec<&str> = calls.iter().map(|(stream, _)| stream.aggregate_type).collect();
    let ids: Vec<&str> = calls.iter().map(|(stream, _)| &*stream.aggregate_id).collect();
    let (formats, after): (Vec<Option<i64>>, Vec<i64>) = calls.iter().map(|(_, from)| bounds(*from)).unzip();
    sqlx::query_as!(
        Row,
        r#"
        WITH wanted AS MATERIALIZED (
            SELECT u.aggregate_type, u.aggregate_id, u.format, u.after, u.nth
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
                WITH ORDINALITY AS u(aggregate_type, aggregate_id, format, after, nth)
        ), kept AS MATERIALIZED (
            SELECT wanted.nth, wanted.format = snapshot.format AND taken_at.position IS NOT NULL AS fits, snapshot.*
            FROM wanted
            CROSS JOIN LATERAL (
                SELECT
                    snapshots.position, snapshots.last_sequence, snapshots.hash, snapshots.payload,
                    snapshots.seal, snapshots.format
                FROM snapshots
                WHERE snapshots.aggregate_type = wanted.aggregate_type
                    AND snapshots.aggregate_id = wanted.aggregate_id
                    AND wanted.format IS NOT NULL
                LIMIT 1
            ) AS snapshot
            LEFT JOIN LATERAL (
                SELECT events.position
                FROM events
                WHERE events.aggregate_type = wanted.aggregate_type
                    AND events.aggregate_id = wanted.aggregate_id
                    AND events.sequence = snapshot.last_sequence
                    AND events.position = snapshot.position
                    AND events.hash = snapshot.hash
                LIMIT 1
            ) AS taken_at ON true
        )
        SELECT
            nth AS "nth!", position AS "position!", last_sequence AS "sequence!", hash AS "hash!",
            CASE WHEN fits THEN payload END AS "payload: StoredJson",
            seal, format, NULL AS event_type, NULL AS event_version
        FROM kept
        UNION ALL
        SELECT
            wanted.nth, event.position, event.sequence, event.hash,
            event.payload, NULL, NULL, event.event_type, event.event_version
        FROM wanted
        LEFT JOIN kept ON kept.nth = wanted.nth AND kept.fits
        CROSS JOIN LATERAL (
            SELECT
                events.position, events.sequence, events.hash, events.payload,
                events.event_type, events.event_version
            FROM events
            WHERE events.aggregate_type = wanted.aggregate_type
                AND events.aggregate_id = wanted.aggregate_id
                AND events.sequence > coalesce(kept.last_sequence, wanted.after)
            ORDER BY events.sequence
            LIMIT $5
        ) AS event
        "#,
        &types as &[&str],
        &ids as &[&str],
        &formats as &[Option<i64>],
        &after,
        i64::try_from(STREAM_PAGE).unwrap_or(i64::MAX),
    )
    .fetch_all(pool)
    .await
}

/// The format of the snapshot that is wanted, and the sequence of the last event that is not.
fn bounds(from: LoadFrom) -> (Option<i64>, i64) {
    match from {
        LoadFrom::Snapshot { format } => (Some(i64::from(format)), 0),
        LoadFrom::Sequence(sequence) => (None, i64::try_from(sequence).unwrap_or(i64::MAX)),
    }
}

fn answers(calls: &[(StreamId, LoadFrom)], rows: Vec<Row>) -> Vec<StoredStream> {
    let mut streams = vec![StoredStream::default(); calls.len()];
    for row in rows {
        let nth = usize::try_from(row.nth - 1).unwrap_or(usize::MAX);
        if let (Some(stream), Some((id, from))) = (streams.get_mut(nth), calls.get(nth)) {
            match (&row.seal, row.format) {
                (Some(_), Some(format)) => stream.snapshot = usable(row, format, id, *from),
                _ => stream.events.push(event(row)),
            }
        }
    }
    for stream in &mut streams {
        // In order already, unless PostgreSQL one day finds another way to put the parts together.
        stream.events.sort_by_key(|event| event.sequence);
    }
    streams
}

/// The snapshot, unless it fits something else.
fn usable(row: Row, format: i64, id: &StreamId, from: LoadFrom) -> Option<SealedSnapshot> {
    let Some(StoredJson(payload)) = row.payload else {
        let reason = if bounds(from).0 == Some(format) {
            "log"
        } else {
            "format"
        };
        metrics::counter!("boxoffice_snapshots_ignored_total", "reason" => reason).increment(1);
        info!(log.stream = %id, "the snapshot of {id} at {} is ignored: it is of another {reason}", row.sequence);
        return None;
    };
    Some(SealedSnapshot {
        snapshot: Snapshot {
            last_sequence: row.sequence.cast_unsigned(),
            position: row.position.cast_unsigned(),
            hash: read::hash(&row.hash),
            format: u32::try_from(format).ok()?,
            payload,
        },
        seal: read::hash(&row.seal?),
    })
}

fn event(row: Row) -> StreamEvent {
    StreamEvent {
        position: row.position.cast_unsigned(),
        sequence: row.sequence.cast_unsigned(),
        event_type: row.event_type.unwrap_or_default(),
        event_version: row.event_version.unwrap_or_default(),
        payload: row.payload.map(|StoredJson(text)| text).unwrap_or_default(),
        hash: read::hash(&row.hash),
    }
}
