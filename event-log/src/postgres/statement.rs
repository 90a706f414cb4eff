//! The one statement that appends, and the few that the sequencer reads by.

use std::collections::HashMap;
use std::sync::Arc;

use domain::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::json::JsonText;
use crate::plan::{Plan, Tail};
use crate::{Head, StreamId};

/// Records the plan in one autocommitted statement. `false` if the event it is chained to is not there: a server that was
/// restored, or took over behind the last one, has lost its tail. Nothing is recorded then, so no gap arises.
///
/// Payload and metadata travel as the very text that was hashed: bound as JSON values they would be rewritten. The arrays
/// are unnested in the select list, which takes them row by row; in FROM they would be put aside as a table first.
pub(super) async fn insert(connection: &mut PgConnection, plan: &Plan) -> Result<bool, sqlx::Error> {
    let Some(recorded_at) = plan.recorded_at() else {
        return insert_with_times(connection, plan).await;
    };
    let columns = Columns::of(plan);
    let done = sqlx::query!(
        r#"
        INSERT INTO events (
            position, aggregate_type, aggregate_id, sequence, event_type, event_version,
            payload, metadata, recorded_at, hash
        )
        SELECT
            unnest($1::bigint[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bigint[]), unnest($5::text[]),
            unnest($6::text[]), unnest($7::json[]), unnest($8::json[]), $9, unnest($10::bytea[])
        WHERE $11::bigint = 0 OR EXISTS (
            SELECT FROM events AS previous WHERE previous.position = $11 AND previous.hash = $12
        )
        "#,
        &columns.positions,
        &columns.aggregate_types as &[&str],
        &columns.aggregate_ids as &[&str],
        &columns.sequences,
        &columns.event_types as &[&str],
        &columns.event_versions as &[&str],
        &columns.payloads as &[JsonText<'_>],
        &columns.metadata as &[JsonText<'_>],
        recorded_at,
        &columns.hashes as &[&[u8]],
        plan.previous.position.cast_signed(),
        &plan.previous.hash[..],
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The same for copies of what was recorded at several times, which takes PostgreSQL one array more.
async fn insert_with_times(connection: &mut PgConnection, plan: &Plan) -> Result<bool, sqlx::Error> {
    let columns = Columns::of(plan);
    let times: Vec<Timestamp> = plan.rows().map(|row| row.recorded_at).collect();
    let done = sqlx::query!(
        r#"
        INSERT INTO events (
            position, aggregate_type, aggregate_id, sequence, event_type, event_version,
            payload, metadata, recorded_at, hash
        )
        SELECT
            unnest($1::bigint[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bigint[]), unnest($5::text[]),
            unnest($6::text[]), unnest($7::json[]), unnest($8::json[]), unnest($9::timestamptz[]), unnest($10::bytea[])
        WHERE $11::bigint = 0 OR EXISTS (
            SELECT FROM events AS previous WHERE previous.position = $11 AND previous.hash = $12
        )
        "#,
        &columns.positions,
        &columns.aggregate_types as &[&str],
        &columns.aggregate_ids as &[&str],
        &columns.sequences,
        &columns.event_types as &[&str],
        &columns.event_versions as &[&str],
        &columns.payloads as &[JsonText<'_>],
        &columns.metadata as &[JsonText<'_>],
        &times,
        &columns.hashes as &[&[u8]],
        plan.previous.position.cast_signed(),
        &plan.previous.hash[..],
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

#[derive(Default)]
struct Columns<'a> {
    positions: Vec<i64>,
    aggregate_types: Vec<&'a str>,
    aggregate_ids: Vec<&'a str>,
    sequences: Vec<i64>,
    event_types: Vec<&'a str>,
    event_versions: Vec<&'a str>,
    payloads: Vec<JsonText<'a>>,
    metadata: Vec<JsonText<'a>>,
    hashes: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut columns = Self::default();
        for row in plan.rows() {
            columns.positions.push(row.position.cast_signed());
            columns.aggregate_types.push(row.stream.aggregate_type);
            columns.aggregate_ids.push(&row.stream.aggregate_id);
            columns.sequences.push(row.sequence.cast_signed());
            columns.event_types.push(&row.event.event_type);
            columns.event_versions.push(&row.event.event_version);
            columns.payloads.push(JsonText(&row.event.payload));
            columns.metadata.push(JsonText(row.metadata));
            columns.hashes.push(row.hash);
        }
        columns
    }
}

/// The hash stored at a position, if there is one.
pub(super) async fn stored_hash(connection: &mut PgConnection, position: u64) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT hash FROM events WHERE position = $1", position.cast_signed())
        .fetch_optional(connection)
        .await
}

pub(super) async fn tail(connection: &mut PgConnection) -> Result<Tail, sqlx::Error> {
    let last = sqlx::query!("SELECT position, hash, recorded_at FROM events ORDER BY position DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    Ok(last.map_or(Tail::EMPTY, |row| Tail {
        head: Head {
            position: row.position.cast_unsigned(),
            hash: super::read::hash(&row.hash),
        },
        recorded_at: row.recorded_at,
    }))
}

/// What a look at the log's end finds.
pub(super) struct Found {
    /// The hash at the position asked for.
    pub(super) at_seen: Option<Vec<u8>>,
    pub(super) position: Option<i64>,
    pub(super) hash: Option<Vec<u8>>,
}

/// Where the log ends, and what it holds at `seen`.
pub(super) async fn look(pool: &PgPool, seen: u64) -> Result<Found, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"
        SELECT
            (SELECT hash FROM events WHERE position = $1) AS at_seen,
            (SELECT position FROM events ORDER BY position DESC LIMIT 1) AS position,
            (SELECT hash FROM events ORDER BY position DESC LIMIT 1) AS hash
        "#,
        seen.cast_signed(),
    )
    .fetch_one(pool)
    .await
}

/// The versions of streams, 0 for those that do not exist.
pub(super) async fn versions(
    connection: &mut PgConnection,
    streams: &[StreamId],
) -> Result<HashMap<StreamId, u64>, sqlx::Error> {
    let types: Vec<&str> = streams.iter().map(|stream| stream.aggregate_type).collect();
    let ids: Vec<&str> = streams.iter().map(|stream| &*stream.aggregate_id).collect();
    let rows = sqlx::query!(
        r#"
        SELECT
            u.nth AS "nth!",
            (
                SELECT max(events.sequence) FROM events
                WHERE events.aggregate_type = u.aggregate_type AND events.aggregate_id = u.aggregate_id
            ) AS version
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u(aggregate_type, aggregate_id, nth)
        "#,
        &types as &[&str],
        &ids as &[&str],
    )
    .fetch_all(connection)
    .await?;
    let mut versions = HashMap::with_capacity(rows.len());
    for row in rows {
        let stream = usize::try_from(row.nth - 1).ok().and_then(|nth| streams.get(nth));
        if let Some(stream) = stream {
            let stream = StreamId {
                aggregate_type: stream.aggregate_type,
                aggregate_id: Arc::clone(&stream.aggregate_id),
            };
            versions.insert(stream, row.version.unwrap_or(0).cast_unsigned());
        }
    }
    Ok(versions)
}

/// Takes the leader's lock, or says that it has it already; `false` if another session holds it.
pub(super) async fn try_lead(connection: &mut PgConnection, lock: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "is_leader!""#, lock)
        .fetch_one(connection)
        .await
}

/// A transaction that leaves a trace in the write-ahead log and nowhere else: its commit waits for everything before it.
pub(super) async fn settle(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_logical_emit_message(true, 'boxoffice', 'settled') IS NOT NULL AS settled")
        .fetch_one(connection)
        .await?;
    Ok(())
}
