//! Webhook deliveries still to make. A claim is a lease: whoever dies with it leaves it to the next.

use chrono::TimeDelta;
use domain::Timestamp;
use sqlx::{PgConnection, PgExecutor, PgPool};

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

pub(super) async fn schedule(tx: &mut PgConnection, event_seq: i64, schedule: Schedule) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO sandbox.deliveries (event_seq, due_at) SELECT $1, $2 FROM generate_series(1, $3::int)",
        event_seq,
        schedule.due_at,
        schedule.times,
    )
    .execute(tx)
    .await?;
    Ok(())
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

pub(in crate::sandbox) async fn complete(pool: &PgPool, id: i64, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("UPDATE sandbox.deliveries SET delivered_at = $2 WHERE id = $1", id, now)
        .execute(pool)
        .await?;
    Ok(())
}

pub(in crate::sandbox) async fn postpone(pool: &PgPool, id: i64, due_at: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("UPDATE sandbox.deliveries SET due_at = $2 WHERE id = $1", id, due_at)
        .execute(pool)
        .await?;
    Ok(())
}

pub(in crate::sandbox) async fn abandon(pool: &PgPool, id: i64, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query!("UPDATE sandbox.deliveries SET abandoned_at = $2 WHERE id = $1", id, now)
        .execute(pool)
        .await?;
    Ok(())
}
