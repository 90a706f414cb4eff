//! Webhook deliveries still to make. A claim is a lease: whoever dies with it leaves it to the next.

use chrono::TimeDelta;
use domain::Timestamp;
use sqlx::{PgExecutor, PgPool};

use crate::sandbox::error::StoreError;

/// How many webhooks an event gets, and when.
#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox) struct Schedule {
    pub(in crate::sandbox) times: i32,
    pub(in crate::sandbox) due_at: Timestamp,
}

impl Schedule {
    pub(in crate::sandbox) const fn once(due_at: Timestamp) -> Self {
        Self { times: 1, due_at }
    }
}

pub(in crate::sandbox) struct Claimed {
    pub(in crate::sandbox) id: i64,
    /// This attempt included.
    pub(in crate::sandbox) attempts: i32,
    pub(in crate::sandbox) event_id: String,
    pub(in crate::sandbox) body: String,
}

/// Takes what is due, and makes it due again after the lease, should nobody say what became of it.
pub(in crate::sandbox) async fn claim(
    executor: impl PgExecutor<'_>,
    now: Timestamp,
    lease: TimeDelta,
    limit: i64,
) -> Result<Vec<Claimed>, StoreError> {
    let claimed = sqlx::query_as!(
        Claimed,
        "WITH due AS MATERIALIZED (
            SELECT id
            FROM sandbox.deliveries
            WHERE delivered_at IS NULL AND abandoned_at IS NULL AND due_at <= $1
            ORDER BY due_at, id
            LIMIT $3
            FOR UPDATE SKIP LOCKED
        )
        UPDATE sandbox.deliveries AS delivery
        SET attempts = delivery.attempts + 1, due_at = $2
        FROM due, sandbox.events AS event
        WHERE delivery.id = due.id AND event.seq = delivery.event_seq
        RETURNING
            delivery.id,
            delivery.attempts,
            event.id AS event_id,
            event.body",
        now,
        now + lease,
        limit,
    )
    .fetch_all(executor)
    .await?;
    Ok(claimed)
}

/// They were delivered.
pub(in crate::sandbox) async fn complete(pool: &PgPool, ids: &[i64]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!("DELETE FROM sandbox.deliveries WHERE id = ANY($1)", ids)
        .execute(pool)
        .await?;
    Ok(())
}

/// They were not delivered: when to try again, or `None` to give up.
pub(in crate::sandbox) async fn postpone(
    pool: &PgPool,
    failed: &[(i64, Option<Timestamp>)],
    now: Timestamp,
) -> Result<(), StoreError> {
    if failed.is_empty() {
        return Ok(());
    }
    let (ids, due_at): (Vec<i64>, Vec<Option<Timestamp>>) = failed.iter().copied().unzip();
    sqlx::query!(
        "UPDATE sandbox.deliveries AS delivery
        SET due_at = coalesce(failed.due_at, delivery.due_at),
            abandoned_at = CASE WHEN failed.due_at IS NULL THEN $3::timestamptz END
        FROM UNNEST($1::bigint[], $2::timestamptz[]) AS failed (id, due_at)
        WHERE delivery.id = failed.id",
        &ids,
        &due_at as &[Option<Timestamp>],
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}
