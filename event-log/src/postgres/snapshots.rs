//! Writing snapshots, in the background and with patience.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::PostgresLog;
use super::json::JsonText;
use crate::hot::{Memo, Wish, Wishes};
use crate::{Snapshot, StreamId};

/// A snapshot that takes longer is given up. The next one is wished for when the stream has grown.
const SNAPSHOT_LIMIT: Duration = Duration::from_secs(30);
/// After each snapshot, the writer rests for so many times as long as it worked: it takes a small share of the machine from
/// those who buy, however fast streams grow.
const REST_PER_WORK: u32 = 9;
/// It rests no longer: what took so long was then a database that was away, and others wait for their snapshots.
const REST_MAX: Duration = Duration::from_secs(5);

/// For how long the state of the last snapshot stays in memory when no other one is wished for.
const MEMO_LIMIT: Duration = Duration::from_secs(10);

/// The one task that writes snapshots.
pub(super) struct SnapshotWriter {
    pub(super) log: Weak<PostgresLog>,
    pub(super) pool: PgPool,
    pub(super) wishes: Arc<Wishes>,
    pub(super) bytes_max: usize,
    pub(super) cancel: CancellationToken,
}

impl SnapshotWriter {
    pub(super) async fn run(self) {
        let cancel = self.cancel.clone();
        cancel.run_until_cancelled(self.write_all()).await;
    }

    async fn write_all(self) {
        let mut memo = Memo::default();
        loop {
            let wish = if let Ok(wish) = timeout(MEMO_LIMIT, self.wishes.next()).await {
                wish
            } else {
                memo.forget();
                self.wishes.next().await
            };
            let Some(log) = self.log.upgrade() else { return };
            let began_at = Instant::now();
            let outcome = match timeout(SNAPSHOT_LIMIT, self.write(&log, &wish, &mut memo)).await {
                Ok(outcome) => outcome,
                Err(_) => Err("it took too long".to_owned()),
            };
            drop(log);
            let took = began_at.elapsed();
            match outcome {
                Ok(name) => {
                    debug!(log.stream = %wish.stream, "the snapshot of {} was {name}", wish.stream);
                    metrics::counter!("boxoffice_snapshots_total", "outcome" => name).increment(1);
                    metrics::histogram!("boxoffice_snapshot_seconds").record(took);
                }
                Err(reason) => {
                    memo.forget();
                    warn!(log.stream = %wish.stream, "no snapshot of {}: {reason}", wish.stream);
                    metrics::counter!("boxoffice_snapshots_total", "outcome" => "failed").increment(1);
                }
            }
            tokio::time::sleep(REST_MAX.min(took * REST_PER_WORK)).await;
        }
    }

    /// Returns what became of it, for the metrics.
    async fn write(&self, log: &PostgresLog, wish: &Wish, memo: &mut Memo) -> Result<&'static str, String> {
        let made = wish
            .fulfil(log, self.bytes_max, memo)
            .await
            .map_err(|error| error.to_string())?;
        let Some(snapshot) = made else {
            return Ok("not_needed");
        };
        match keep(&self.pool, &wish.stream, &snapshot).await {
            Ok(true) => Ok("written"),
            Ok(false) => {
                memo.forget();
                Ok("overtaken")
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// `false` if the log does not hold the event it was taken at, any more: then nothing is kept.
///
/// A snapshot that is there already is replaced even by an older one: this one is right, which nobody says of the other.
pub(crate) async fn keep(pool: &PgPool, stream: &StreamId, snapshot: &Snapshot) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        INSERT INTO snapshots (
            aggregate_type, aggregate_id, last_sequence, current_snapshot, payload, format, position, hash, seal
        )
        SELECT $1, $2, $3, 1, $4, $5, $6, $7, $8
        WHERE EXISTS (
            SELECT FROM events
            WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $3 AND position = $6 AND hash = $7
        )
        ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE SET
            last_sequence = excluded.last_sequence,
            current_snapshot = snapshots.current_snapshot + 1,
            payload = excluded.payload,
            format = excluded.format,
            position = excluded.position,
            hash = excluded.hash,
            seal = excluded.seal,
            taken_at = now()
        "#,
        stream.aggregate_type,
        &*stream.aggregate_id,
        snapshot.last_sequence.cast_signed(),
        JsonText(&snapshot.payload) as JsonText<'_>,
        i64::from(snapshot.format),
        snapshot.position.cast_signed(),
        &snapshot.hash[..],
        &snapshot.seal(stream)[..],
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}
