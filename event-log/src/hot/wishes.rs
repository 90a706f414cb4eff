//! Which streams should get a snapshot: said while commands run, read by whoever writes snapshots.
//!
//! A wish names a stream and how its state is made from the log. No state is handed over: a snapshot is made of what is in
//! the log and of nothing else, so that nothing that was only decided can be in it.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Storable;
use futures::future::BoxFuture;
use tokio::sync::Notify;

use super::HotError;
use super::load::load;
use super::memo::Memo;
use crate::{EventLog, LogLimits, Snapshot, StreamId};

/// `None` if the log has nothing that is not in the last snapshot, or the state is longer than so many bytes.
type Make = for<'a> fn(
    &'a dyn EventLog,
    &'a StreamId,
    usize,
    &'a mut Memo,
) -> BoxFuture<'a, Result<Option<Snapshot>, HotError>>;

/// One stream that should get a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) stream: StreamId,
    make: Make,
}

impl Wish {
    pub(crate) fn new<A: Storable + 'static>(stream: StreamId) -> Self {
        Self {
            stream,
            make: |log, stream, bytes_max, memo| Box::pin(make::<A>(log, stream, bytes_max, memo)),
        }
    }

    /// Makes the snapshot of what the log holds now. What it holds is kept in the memo: to be forgotten if the log will not
    /// have it.
    pub(crate) async fn fulfil(
        &self,
        log: &dyn EventLog,
        bytes_max: usize,
        memo: &mut Memo,
    ) -> Result<Option<Snapshot>, HotError> {
        (self.make)(log, &self.stream, bytes_max, memo).await
    }
}

async fn make<A: Storable + 'static>(
    log: &dyn EventLog,
    stream: &StreamId,
    bytes_max: usize,
    memo: &mut Memo,
) -> Result<Option<Snapshot>, HotError> {
    let loaded = match memo.take::<A>(log, stream).await {
        Some(known) => known,
        None => load::<A>(log, stream).await?,
    };
    if loaded.version == loaded.snapshot {
        return Ok(None);
    }
    let write = move || serde_json::to_vec(&loaded.aggregate).map(|payload| (loaded, payload));
    let written = tokio::task::spawn_blocking(write).await;
    let (mut loaded, payload) = written
        .map_err(|error| HotError::Corrupt(error.to_string()))?
        .map_err(|error| HotError::Corrupt(error.to_string()))?;
    if payload.len() > bytes_max {
        return Ok(None);
    }
    let snapshot = Snapshot {
        last_sequence: loaded.version,
        position: loaded.position,
        hash: loaded.hash,
        format: A::STATE_FORMAT,
        payload,
    };
    loaded.snapshot = loaded.version;
    memo.keep(stream, loaded);
    Ok(Some(snapshot))
}

/// The wishes that wait. Bounded, and each stream waits once; what finds no place is wished again later.
pub(crate) struct Wishes {
    limit: usize,
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    queue: VecDeque<Wish>,
    streams: HashSet<StreamId>,
}

impl Wishes {
    pub(crate) fn new(limits: &LogLimits) -> Self {
        Self {
            limit: limits.snapshot_queue,
            waiting: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    /// Never waits.
    pub(super) fn add(&self, wish: Wish) {
        {
            let mut waiting = self.waiting();
            if waiting.streams.contains(&wish.stream) {
                return;
            }
            if waiting.queue.len() >= self.limit {
                metrics::counter!("boxoffice_snapshots_skipped_total").increment(1);
                return;
            }
            waiting.streams.insert(wish.stream.clone());
            waiting.queue.push_back(wish);
        }
        self.arrived.notify_one();
    }

    /// The wish that waited longest. For one task: others would miss what arrives.
    pub(crate) async fn next(&self) -> Wish {
        loop {
            let arrived = self.arrived.notified();
            if let Some(wish) = self.take() {
                return wish;
            }
            arrived.await;
        }
    }

    fn take(&self) -> Option<Wish> {
        let mut waiting = self.waiting();
        let wish = waiting.queue.pop_front()?;
        waiting.streams.remove(&wish.stream);
        Some(wish)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Wishes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wishes")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tests::hall::Hall;

    fn wish(number: usize) -> Wish {
        Wish::new::<Hall>(StreamId {
            aggregate_type: "hall",
            aggregate_id: Arc::from(number.to_string()),
        })
    }

    #[tokio::test]
    async fn each_stream_waits_once_and_only_so_many_wait() {
        let wishes = Wishes::new(&LogLimits {
            snapshot_queue: 2,
            ..LogLimits::default()
        });
        for number in [1, 1, 2, 3, 2] {
            wishes.add(wish(number));
        }
        assert_eq!(wishes.next().await.stream, wish(1).stream);
        wishes.add(wish(3));
        assert_eq!(wishes.next().await.stream, wish(2).stream);
        assert_eq!(wishes.next().await.stream, wish(3).stream);
        assert!(wishes.take().is_none());
    }
}
