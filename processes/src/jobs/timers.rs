//! Timers: jobs that there is one of for each subject, set again and again.
//!
//! Setting and ringing race: a timer that finds nothing to wait for ends at the very moment at which somebody sets it. So
//! a setting while it may be running writes its cause into the row, and a timer that ends under another cause than the
//! one it was taken with stays queued (`queue::record`).

use std::collections::BTreeMap;

use domain::Timestamp;
use sqlx::PgConnection;

use super::queue::columns;
use crate::NewJob;

/// Makes sure that each timer rings at its time or before. One that is queued, that nobody runs, and that rings in time
/// is left as it is: whoever takes it from here on looks at a log that holds what set it.
pub(crate) async fn set_timers(connection: &mut PgConnection, timers: Vec<NewJob>) -> sqlx::Result<()> {
    let timers = earliest(timers);
    if timers.is_empty() {
        return Ok(());
    }
    let columns = columns(&timers, Timestamp::MAX_UTC)?;
    sqlx::query!(
        "INSERT INTO jobs AS timer (kind, key, payload, caused_by, correlation_id, run_at)
         SELECT new.*
         FROM UNNEST($1::text[], $2::text[], $3::jsonb[], $4::bigint[], $5::uuid[], $6::timestamptz[])
             AS new (kind, key, payload, caused_by, correlation_id, run_at)
         WHERE NOT EXISTS (
             SELECT FROM jobs AS set
             WHERE set.kind = new.kind AND set.key = new.key
               AND set.state = 'queued' AND set.locked_until IS NULL AND set.run_at <= new.run_at
         )
         ON CONFLICT (kind, key) DO UPDATE
         SET caused_by = excluded.caused_by,
             correlation_id = excluded.correlation_id,
             run_at = CASE timer.state WHEN 'queued' THEN least(timer.run_at, excluded.run_at) ELSE excluded.run_at END,
             attempts = CASE timer.state WHEN 'queued' THEN timer.attempts ELSE 0 END,
             outages = CASE timer.state WHEN 'queued' THEN timer.outages ELSE 0 END,
             locked_until = CASE timer.state WHEN 'queued' THEN timer.locked_until END,
             state = 'queued',
             finished_at = NULL",
        &columns.kinds,
        &columns.keys,
        &columns.payloads,
        &columns.causes,
        &columns.correlations,
        &columns.run_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One of each name: it rings at the earliest time, and its cause is the latest.
fn earliest(timers: Vec<NewJob>) -> Vec<NewJob> {
    let mut by_key: BTreeMap<(&'static str, String), NewJob> = BTreeMap::new();
    for timer in timers {
        let name = (timer.job.kind(), timer.key());
        let run_at = match by_key.get(&name) {
            Some(known) => known.run_at.min(timer.run_at),
            None => timer.run_at,
        };
        by_key.insert(name, NewJob { run_at, ..timer });
    }
    by_key.into_values().collect()
}
