//! When the aggregates of one kind ask for a snapshot, and how much memory they take.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Storable;

use super::wishes::{Wish, Wishes};
use crate::{LogLimits, StreamId};

/// A stream that grows by this share of itself gets a snapshot: what is written for a long stream stays in proportion to
/// the stream.
const GROWTH: u64 = 4;
/// What leaves memory gets a snapshot if folding would read so many events again.
const WORTH_AT_LEAVE: u64 = 100;
/// What an aggregate takes beside its state.
const SLOT_BYTES: u64 = 1024;

/// Shared by the aggregates of one kind.
#[derive(Clone)]
pub(super) struct Keeper {
    /// `None` where a log keeps no snapshots.
    wishes: Option<Arc<Wishes>>,
    every: u64,
    make: fn(StreamId) -> Wish,
    bytes: Arc<AtomicU64>,
}

impl Keeper {
    pub(super) fn new<A: Storable + 'static>(limits: &LogLimits, wishes: Option<Arc<Wishes>>) -> Self {
        Self {
            wishes,
            every: limits.snapshot_every.max(1),
            make: Wish::new::<A>,
            bytes: Arc::default(),
        }
    }

    /// Bytes that the aggregates take, estimated.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn register(&self) -> Record {
        self.bytes.fetch_add(SLOT_BYTES, Ordering::Relaxed);
        Record {
            keeper: self.clone(),
            snapshot: 0,
            next: u64::MAX,
            bytes: SLOT_BYTES,
        }
    }

    /// At which version a stream with a snapshot at `snapshot` gets the next one.
    fn after(&self, snapshot: u64) -> u64 {
        snapshot + self.every.max(snapshot / GROWTH)
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("every", &self.every)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

/// What the keeper notes of one aggregate.
#[derive(Debug)]
pub(super) struct Record {
    keeper: Keeper,
    /// The version of the last snapshot that was found or asked for.
    snapshot: u64,
    /// From which version on another one is due.
    next: u64,
    bytes: u64,
}

impl Record {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// It was loaded from a snapshot at version `snapshot`, and made of so much JSON.
    pub(super) fn loaded(&mut self, snapshot: u64, bytes: u64) {
        self.snapshot = snapshot;
        self.next = self.keeper.after(snapshot);
        self.resize(SLOT_BYTES + bytes);
    }

    pub(super) fn grown(&mut self, bytes: u64) {
        self.resize(self.bytes + bytes);
    }

    fn resize(&mut self, bytes: u64) {
        if bytes >= self.bytes {
            self.keeper.bytes.fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else {
            self.keeper.bytes.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }

    /// Asks for a snapshot if one is due at this version.
    pub(super) fn ask_if_due(&mut self, version: u64, stream: impl FnOnce() -> StreamId) {
        if version >= self.next {
            self.ask(version, stream());
        }
    }

    /// The aggregate leaves memory: asks for a snapshot if that is worth it.
    pub(super) fn ask_at_leave(&mut self, version: u64, stream: StreamId) {
        if version >= self.snapshot + WORTH_AT_LEAVE {
            self.ask(version, stream);
        }
    }

    fn ask(&mut self, version: u64, stream: StreamId) {
        self.snapshot = version;
        self.next = self.keeper.after(version);
        if let Some(wishes) = &self.keeper.wishes {
            wishes.add((self.keeper.make)(stream));
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.keeper.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
