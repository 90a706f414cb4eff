//! The task that sees the log's end when others write it, compares it with what was seen before, and keeps the witness.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::standing::{Shared, Standing};
use super::witness::{Fork, Witness};
use super::{read, statement};
use crate::Head;

/// How often a node that follows looks where the log ends: two index look-ups, which cost less than being notified, and
/// nothing at all on the leader.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A look that takes longer has failed.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// So much may be lost to the witness when the process and the database die at the same moment.
const WITNESS_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Watch {
    pub(super) pool: PgPool,
    pub(super) shared: Arc<Shared>,
    pub(super) witness: Option<Witness>,
    /// What the witness says by now.
    pub(super) written: Head,
    pub(super) cancel: CancellationToken,
}

impl Watch {
    pub(super) async fn run(self) {
        let mut written = self.written;
        let mut written_at = Instant::now();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => break,
                _ = ticks.tick() => {}
            }
            if matches!(*self.shared.standing().borrow(), Standing::Following { .. }) {
                self.look().await;
            }
            // Also when the log was forked: what was seen is what a restart must not forget.
            if written_at.elapsed() >= WITNESS_EVERY {
                written = self.keep(written).await;
                written_at = Instant::now();
            }
        }
        self.keep(written).await;
    }

    async fn look(&self) {
        let seen = self.shared.seen();
        let look = statement::look(&self.pool, seen.position);
        // A database that is away is somebody else's story to tell.
        let Ok(Ok(found)) = tokio::time::timeout(LOOK_LIMIT, look).await else {
            return;
        };
        if let Some(fork) = Fork::between(seen, found.at_seen.as_deref()) {
            error!("{fork}");
            self.shared.set_fork(Some(fork));
            return;
        }
        if self.shared.fork().is_some() {
            self.shared.set_fork(None);
        }
        self.shared.announce(Head {
            position: found.position.unwrap_or(0).cast_unsigned(),
            hash: found.hash.as_deref().map_or(Head::EMPTY.hash, read::hash),
        });
    }

    /// Writes down what was seen last. What could not be written is tried again.
    async fn keep(&self, written: Head) -> Head {
        let seen = self.shared.seen();
        let Some(witness) = self.witness.clone().filter(|_| seen.position > written.position) else {
            return written;
        };
        let kept = tokio::task::spawn_blocking(move || witness.write(seen)).await;
        match kept {
            Ok(Ok(())) => return seen,
            Ok(Err(error)) => warn!("the witness of the log's end cannot be written: {error}"),
            Err(error) => warn!("the witness of the log's end was not written: {error}"),
        }
        written
    }
}
