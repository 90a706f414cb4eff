//! The queue side: store, claim, record the end.
//!
//! A worker owns a claimed job until its lease ends by the database's clock; after that another may take it. So a job
//! whose worker died runs again, as often as a job may be tried, and one whose worker is merely slow may run twice.

use std::time::Duration;

use domain::Timestamp;
use rand::Rng;
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::job::later;
use crate::{Job, JobError, JobResult, NewJob, Outcome, ProcessSettings};

/// No wait between two tries is longer.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// From so many tries on, a job may be one that kills its worker, and all that run beside it. So of these only one runs
/// at a time in each lane, the oldest: the others are not claimed, and their tries do not count.
const SUSPECT_ATTEMPTS: i32 = 3;
/// A longer text of an error is cut.
const ERROR_CHARS_MAX: usize = 1_000;

/// Adds jobs. The same job again (kind, subject and cause) is the same job, so it is not added twice.
pub(crate) async fn store(connection: &mut PgConnection, new: &[NewJob], now: Timestamp) -> sqlx::Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let columns = columns(new, now)?;
    sqlx::query!(
        "INSERT INTO jobs (kind, key, payload, caused_by, correlation_id, run_at)
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::jsonb[], $4::bigint[], $5::uuid[], $6::timestamptz[])
         ON CONFLICT (kind, key) DO NOTHING",
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

/// Jobs as arrays, one for each column.
pub(super) struct Columns {
    pub(super) kinds: Vec<String>,
    pub(super) keys: Vec<String>,
    pub(super) payloads: Vec<serde_json::Value>,
    pub(super) causes: Vec<i64>,
    pub(super) correlations: Vec<Uuid>,
    pub(super) run_at: Vec<Timestamp>,
}

/// `at_once`: when those run that are to be done as soon as can be.
pub(super) fn columns(new: &[NewJob], at_once: Timestamp) -> sqlx::Result<Columns> {
    let payloads = new.iter().map(|new| serde_json::to_value(&new.job));
    Ok(Columns {
        kinds: new.iter().map(|new| new.job.kind().to_owned()).collect(),
        keys: new.iter().map(NewJob::key).collect(),
        payloads: payloads
            .collect::<Result<_, _>>()
            .map_err(|error| sqlx::Error::Encode(error.into()))?,
        causes: new.iter().map(|new| new.caused_by.cast_signed()).collect(),
        correlations: new.iter().map(|new| new.correlation_id).collect(),
        run_at: new.iter().map(|new| new.run_at.unwrap_or(at_once)).collect(),
    })
}

/// Which jobs a worker takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lane {
    /// Jobs that ask the provider: see [`Job::PROVIDER_KINDS`].
    Provider,
    /// Letters: see [`Job::MAIL_KINDS`].
    Mail,
    /// All others, which need the log alone.
    Log,
}

/// Servers for mail take their time, some of them on purpose.
const MAIL_LEASE: Duration = Duration::from_mins(1);

impl Lane {
    pub(crate) const ALL: [Self; 3] = [Self::Log, Self::Provider, Self::Mail];

    /// How long a worker of this lane owns a job.
    pub(crate) fn lease(self, settings: &ProcessSettings) -> Duration {
        match self {
            Self::Mail => settings.lease.max(MAIL_LEASE),
            Self::Provider | Self::Log => settings.lease,
        }
    }

    /// Kinds, and whether they are this lane's or the other lanes'.
    fn kinds(self) -> (Vec<String>, bool) {
        let [provider, mail] = [&Job::PROVIDER_KINDS[..], &Job::MAIL_KINDS[..]];
        let (kinds, are_own) = match self {
            Self::Provider => (provider.to_vec(), true),
            Self::Mail => (mail.to_vec(), true),
            Self::Log => ([provider, mail].concat(), false),
        };
        (kinds.into_iter().map(str::to_owned).collect(), are_own)
    }
}

/// A job that this worker owns until its lease ends.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) payload: serde_json::Value,
    pub(crate) caused_by: u64,
    pub(crate) correlation_id: Uuid,
    /// This try counted: 1 for the first.
    pub(crate) attempts: i32,
    pub(crate) outages: i32,
}

/// Takes due jobs, oldest first. The try counts from here, so that a job that kills its worker dies in the end: whoever
/// claims it beyond its last try buries it. A try that was none is taken back when its end is recorded.
pub(crate) async fn claim(
    pool: &PgPool,
    lane: Lane,
    now: Timestamp,
    lease: Duration,
    limit: i64,
) -> sqlx::Result<Vec<Claimed>> {
    let (kinds, are_own) = lane.kinds();
    let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    let rows = sqlx::query!(
        "UPDATE jobs
         SET attempts = attempts + 1,
             locked_until = clock_timestamp() + $2::bigint * interval '1 millisecond'
         WHERE id IN (
             SELECT id FROM jobs
             WHERE state = 'queued' AND run_at <= $1 AND (locked_until IS NULL OR locked_until < clock_timestamp())
               AND (kind = ANY($4)) = $5
               AND (attempts < $6 OR id = (
                   SELECT min(id) FROM jobs
                   WHERE state = 'queued' AND run_at <= $1 AND attempts >= $6 AND (kind = ANY($4)) = $5
               ))
             ORDER BY run_at, id
             LIMIT $3
             FOR UPDATE SKIP LOCKED
         )
         RETURNING id, kind, payload, caused_by, correlation_id, attempts, outages",
        now,
        lease_ms,
        limit,
        &kinds,
        are_own,
        SUSPECT_ATTEMPTS,
    )
    .fetch_all(pool)
    .await?;
    let claimed = rows.into_iter().map(|row| Claimed {
        id: row.id,
        kind: row.kind,
        payload: row.payload,
        caused_by: row.caused_by.cast_unsigned(),
        correlation_id: row.correlation_id,
        attempts: row.attempts,
        outages: row.outages,
    });
    Ok(claimed.collect())
}

/// When the next queued job that nobody owns is due. Suspects are not looked at: one may be due, and yet have to wait for
/// another to end.
pub(crate) async fn next_run_at(pool: &PgPool, lane: Lane) -> sqlx::Result<Option<Timestamp>> {
    let (kinds, are_own) = lane.kinds();
    sqlx::query_scalar!(
        "SELECT run_at FROM jobs
         WHERE state = 'queued' AND (locked_until IS NULL OR locked_until < clock_timestamp())
           AND (kind = ANY($1)) = $2 AND attempts < $3
         ORDER BY run_at
         LIMIT 1",
        &kinds,
        are_own,
        SUSPECT_ATTEMPTS,
    )
    .fetch_optional(pool)
    .await
}

/// Writes down how a try ended, with the jobs that follow from it. `true` if the job is dead now. A timer that was set
/// again meanwhile (its cause is another one) stays queued and rings again.
pub(crate) async fn record(
    pool: &PgPool,
    claimed: &Claimed,
    result: &JobResult,
    now: Timestamp,
    settings: &ProcessSettings,
) -> sqlx::Result<bool> {
    match result {
        Ok(Outcome::Done) => end(pool, &[Ended::of(claimed, now)]).await.map(|()| false),
        Ok(Outcome::Then(next)) => finish(pool, claimed, next, now).await.map(|()| false),
        Ok(Outcome::RetryAt(at)) => wait(pool, claimed, *at).await.map(|()| false),
        Err(JobError::Outage(error)) => {
            let wait = backoff(settings.backoff_first, claimed.outages);
            retry_outage(pool, claimed, error, later(now, wait))
                .await
                .map(|()| false)
        }
        Err(JobError::Retry(error)) if claimed.attempts < settings.attempts_max => {
            let wait = backoff(settings.backoff_first, claimed.attempts.saturating_sub(1));
            retry(pool, claimed, error, later(now, wait)).await.map(|()| false)
        }
        Err(JobError::Retry(error) | JobError::Fail(error)) => bury(pool, claimed, error, now).await.map(|()| true),
    }
}

async fn finish(pool: &PgPool, claimed: &Claimed, next: &[Job], now: Timestamp) -> sqlx::Result<()> {
    let next: Vec<NewJob> = next
        .iter()
        .map(|job| NewJob {
            job: job.clone(),
            caused_by: claimed.caused_by,
            correlation_id: claimed.correlation_id,
            run_at: None,
        })
        .collect();
    let mut transaction = pooling::begin(pool).await?;
    store(&mut transaction, &next, now).await?;
    end(&mut *transaction, &[Ended::of(claimed, now)]).await?;
    transaction.commit().await
}

/// A job that is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    id: i64,
    /// What it was claimed for.
    caused_by: i64,
    at: Timestamp,
}

impl Ended {
    pub(super) fn of(claimed: &Claimed, at: Timestamp) -> Self {
        Self {
            id: claimed.id,
            caused_by: claimed.caused_by.cast_signed(),
            at,
        }
    }
}

pub(super) async fn end(executor: impl PgExecutor<'_>, ended: &[Ended]) -> sqlx::Result<()> {
    let ids: Vec<i64> = ended.iter().map(|ended| ended.id).collect();
    let causes: Vec<i64> = ended.iter().map(|ended| ended.caused_by).collect();
    let times: Vec<Timestamp> = ended.iter().map(|ended| ended.at).collect();
    sqlx::query!(
        "UPDATE jobs AS job
         SET state = CASE WHEN job.caused_by = ended.caused_by THEN 'done' ELSE 'queued' END,
             finished_at = CASE WHEN job.caused_by = ended.caused_by THEN ended.at END,
             attempts = CASE WHEN job.caused_by = ended.caused_by THEN job.attempts ELSE 0 END,
             locked_until = NULL, last_error = NULL, outages = 0
         FROM UNNEST($1::bigint[], $2::bigint[], $3::timestamptz[]) AS ended (id, caused_by, at)
         WHERE job.id = ended.id",
        &ids,
        &causes,
        &times,
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Its time has not come: this was no try.
async fn wait(pool: &PgPool, claimed: &Claimed, at: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE jobs
         SET attempts = attempts - 1, outages = 0, locked_until = NULL,
             run_at = CASE WHEN caused_by = $3 THEN $2 ELSE run_at END
         WHERE id = $1 AND state = 'queued'",
        claimed.id,
        at,
        claimed.caused_by.cast_signed(),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// An outage is no try either.
async fn retry_outage(pool: &PgPool, claimed: &Claimed, error: &str, at: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE jobs
         SET attempts = attempts - 1, outages = outages + 1, run_at = $2, locked_until = NULL, last_error = $3
         WHERE id = $1 AND state = 'queued'",
        claimed.id,
        at,
        cut(error),
    )
    .execute(pool)
    .await?;
    Ok(())
}

async fn retry(pool: &PgPool, claimed: &Claimed, error: &str, at: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE jobs
         SET outages = 0, run_at = $2, locked_until = NULL, last_error = $3
         WHERE id = $1 AND state = 'queued'",
        claimed.id,
        at,
        cut(error),
    )
    .execute(pool)
    .await?;
    Ok(())
}

async fn bury(pool: &PgPool, claimed: &Claimed, error: &str, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE jobs
         SET state = 'dead', finished_at = $2, locked_until = NULL, last_error = $3
         WHERE id = $1 AND state = 'queued'",
        claimed.id,
        now,
        cut(error),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Doubles with each failure, up to [`BACKOFF_MAX`]; half of it is chance, so that jobs that failed together do not come
/// back together.
pub(crate) fn backoff(first: Duration, failures_before: i32) -> Duration {
    let doublings = u32::try_from(failures_before).unwrap_or(0).min(16);
    let full = first.saturating_mul(2_u32.saturating_pow(doublings)).min(BACKOFF_MAX);
    let half = full / 2;
    let jitter_ms = u64::try_from(half.as_millis()).unwrap_or(0);
    half + Duration::from_millis(rand::rng().random_range(0..=jitter_ms))
}

/// PostgreSQL texts hold no NUL, and nobody reads a megabyte of error.
pub(crate) fn cut(error: &str) -> String {
    error
        .chars()
        .filter(|char| *char != '\0')
        .take(ERROR_CHARS_MAX)
        .collect()
}
