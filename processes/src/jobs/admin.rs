//! The operator's side: look, run again, prune.

use std::str::FromStr;

use domain::Timestamp;
use sqlx::PgPool;

/// At most this many done jobs are pruned by one statement.
const PRUNE_BATCH: i64 = 5_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobState {
    Queued,
    Done,
    Dead,
}

impl JobState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Queued, Self::Done, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is none of queued, done, dead"))
    }
}

/// A job as an operator sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobRow {
    pub id: i64,
    pub kind: String,
    pub key: String,
    pub payload: serde_json::Value,
    pub state: String,
    pub attempts: i32,
    pub outages: i32,
    pub run_at: Timestamp,
    pub last_error: Option<String>,
    pub finished_at: Option<Timestamp>,
}

/// Jobs, the newest first.
pub async fn list(pool: &PgPool, state: Option<JobState>, limit: u32) -> sqlx::Result<Vec<JobRow>> {
    sqlx::query_as!(
        JobRow,
        "SELECT id, kind, key, payload, state, attempts, outages, run_at, last_error, finished_at
         FROM jobs
         WHERE $1::text IS NULL OR state = $1
         ORDER BY id DESC
         LIMIT $2",
        state.map(JobState::as_str),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
}

/// Gives a dead job a fresh set of tries. `false` if no dead job has this id. A running worker sees it within
/// [`crate::processes::POLL_INTERVAL`].
pub async fn rerun(pool: &PgPool, id: i64, now: Timestamp) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE jobs
         SET state = 'queued', attempts = 0, outages = 0, run_at = $2, locked_until = NULL, finished_at = NULL
         WHERE id = $1 AND state = 'dead'",
        id,
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives every dead job a fresh set of tries, and says how many there were.
pub async fn rerun_dead(pool: &PgPool, now: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE jobs
         SET state = 'queued', attempts = 0, outages = 0, run_at = $1, locked_until = NULL, finished_at = NULL
         WHERE state = 'dead'",
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JobCounts {
    /// Queued and due: work that waits for a worker, or has one. Timers that are not due are not counted.
    pub due: i64,
    pub dead: i64,
}

pub async fn count(pool: &PgPool, now: Timestamp) -> sqlx::Result<JobCounts> {
    sqlx::query_as!(
        JobCounts,
        r#"SELECT
             (SELECT count(*) FROM jobs WHERE state = 'queued' AND run_at <= $1) AS "due!",
             (SELECT count(*) FROM jobs WHERE state = 'dead') AS "dead!""#,
        now,
    )
    .fetch_one(pool)
    .await
}

/// Deletes jobs that were done before `done_before`, a batch; says how many.
pub async fn prune(pool: &PgPool, done_before: Timestamp) -> sqlx::Result<u64> {
    let pruned = sqlx::query!(
        "DELETE FROM jobs
         WHERE id IN (SELECT id FROM jobs WHERE state = 'done' AND finished_at < $1 LIMIT $2)",
        done_before,
        PRUNE_BATCH,
    )
    .execute(pool)
    .await?;
    Ok(pruned.rows_affected())
}
