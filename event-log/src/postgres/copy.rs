//! Stretches of the log as PostgreSQL sends them in binary, read without a copy of each field.

use std::time::Duration;

use domain::Timestamp;
use futures::StreamExt as _;
use pooling::Lent;
use sqlx::PgPool;

use crate::ReadError;
use crate::chain::Leaf;

/// A stretch that takes longer has failed.
const STRETCH_LIMIT: Duration = Duration::from_mins(1);

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// After the signature: flags, and the length of an extension that is never there.
const HEADER: usize = SIGNATURE.len() + 8;
const COLUMNS: u16 = 10;
/// PostgreSQL counts microseconds from 2000 on.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// An event of the log, its fields where the message has them.
#[derive(Clone, Copy, Debug)]
pub struct RawEvent<'a> {
    pub leaf: Leaf<'a>,
    pub hash: [u8; 32],
}

/// Shows the events after one position and up to another, in order.
pub async fn stretch(
    pool: &PgPool,
    (after, up_to): (u64, u64),
    show: impl FnMut(&RawEvent<'_>) + Send,
) -> Result<(), ReadError> {
    within_limit(copy(pool, (after, up_to), "", show)).await
}

/// Shows of a stretch what aggregates of these types did, and its last event whatever it is; says how many events the
/// stretch has. Types are names of ours, which need no quoting.
pub(crate) async fn stretch_of(
    pool: &PgPool,
    aggregate_types: &[&'static str],
    (after, up_to): (u64, u64),
    show: impl FnMut(&RawEvent<'_>) + Send,
) -> Result<u64, ReadError> {
    let types = aggregate_types.join("', '");
    let filter = format!("AND (aggregate_type IN ('{types}') OR position = {up_to})");
    within_limit(async {
        copy(pool, (after, up_to), &filter, show).await?;
        count(pool, (after, up_to)).await
    })
    .await
}

async fn within_limit<T>(reading: impl Future<Output = Result<T, ReadError>>) -> Result<T, ReadError> {
    match tokio::time::timeout(STRETCH_LIMIT, reading).await {
        Ok(done) => done,
        Err(elapsed) => Err(ReadError::Unavailable(Box::new(elapsed))),
    }
}

fn away(error: sqlx::Error) -> ReadError {
    ReadError::Unavailable(Box::new(error))
}

async fn count(pool: &PgPool, (after, up_to): (u64, u64)) -> Result<u64, ReadError> {
    let events = sqlx::query_scalar!(
        r#"SELECT count(*) AS "events!" FROM events WHERE position > $1 AND position <= $2"#,
        after.cast_signed(),
        up_to.cast_signed(),
    )
    .fetch_one(pool)
    .await
    .map_err(away)?;
    Ok(events.cast_unsigned())
}

async fn copy(
    pool: &PgPool,
    (after, up_to): (u64, u64),
    filter: &str,
    mut show: impl FnMut(&RawEvent<'_>) + Send,
) -> Result<(), ReadError> {
    let corrupt = |position| ReadError::Corrupt {
        position,
        reason: "the database sent a row of another shape".to_owned(),
    };
    // COPY takes no parameters; these are numbers.
    let statement = format!(
        "COPY (
            SELECT position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                recorded_at, hash
            FROM events WHERE position > {after} AND position <= {up_to} {filter} ORDER BY position
        ) TO STDOUT (FORMAT binary)"
    );
    // Left in the middle it is of use to nobody.
    let mut connection = Lent::from(pool).await.map_err(away)?;
    let mut messages = connection.copy_out_raw(&statement).await.map_err(away)?;
    let mut last = after;
    while let Some(message) = messages.next().await {
        let message = message.map_err(away)?;
        let mut rest: &[u8] = &message;
        if rest.starts_with(SIGNATURE) {
            rest = rest.get(HEADER..).unwrap_or_default();
        }
        while !rest.is_empty() {
            match part(&mut rest).ok_or_else(|| corrupt(last + 1))? {
                Part::Row(event) => {
                    last = event.leaf.position;
                    show(&event);
                }
                Part::Trailer => break,
            }
        }
    }
    drop(messages);
    connection.give_back();
    Ok(())
}

enum Part<'a> {
    Row(RawEvent<'a>),
    Trailer,
}

/// What comes next; `None` if it is nothing of ours.
fn part<'a>(rest: &mut &'a [u8]) -> Option<Part<'a>> {
    let count = u16::from_be_bytes(take(rest, 2)?.try_into().ok()?);
    if count == u16::MAX {
        return Some(Part::Trailer);
    }
    if count != COLUMNS {
        return None;
    }
    let position = number(rest)?;
    let aggregate_type = text(rest)?;
    let aggregate_id = text(rest)?;
    let sequence = number(rest)?;
    let event_type = text(rest)?;
    let event_version = text(rest)?;
    let payload = field(rest)?;
    let metadata = field(rest)?;
    let micros = number(rest)?.checked_add(EPOCH_MICROS)?;
    let hash = field(rest)?.try_into().ok()?;
    let leaf = Leaf {
        position: position.cast_unsigned(),
        aggregate_type,
        aggregate_id,
        sequence: sequence.cast_unsigned(),
        event_type,
        event_version,
        recorded_at: Timestamp::from_timestamp_micros(micros)?,
        payload,
        metadata,
    };
    Some(Part::Row(RawEvent { leaf, hash }))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// No column of the log is null.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = i32::from_be_bytes(take(rest, 4)?.try_into().ok()?);
    take(rest, usize::try_from(length).ok()?)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(field(rest)?).ok()
}

fn number(rest: &mut &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(field(rest)?.try_into().ok()?))
}
