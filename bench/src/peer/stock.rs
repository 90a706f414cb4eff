//! Stock cqrs-es 0.5 on stock postgres-es 0.5: the same rule, the same payloads and metadata as ours.
//!
//! A client that meets a conflict loads and decides again at once, as its documentation says.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Result, bail};
use cqrs_es::AggregateError;
use domain::{Room, RoomError, RoomEvent, RoomId};
use event_log::Metadata;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use postgres_es::{PostgresCqrs, postgres_cqrs, postgres_snapshot_cqrs};
use sqlx::PgPool;

use super::room::{StockCommand, StockRoom};
use crate::load::{Answer, Course, Run, drive, fingerprint, hold, host_metadata, metadata, room_id, schedule};

/// Events between two snapshots.
const SNAPSHOT_SIZE: usize = 100;
/// Cents.
const PRICE_MINOR: i64 = 1_000;
/// Rooms that are being scheduled at a time.
const SCHEDULING: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Variant {
    Events,
    Snapshots,
}

/// The stock framework.
#[derive(Clone)]
pub(crate) struct Stock {
    cqrs: Arc<PostgresCqrs<StockRoom>>,
    pool: PgPool,
}

/// What became of a hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Held {
    Done { conflicts: u32 },
    SoldOut,
}

impl Stock {
    pub(crate) fn new(pool: PgPool, variant: Variant) -> Self {
        let cqrs = match variant {
            Variant::Events => postgres_cqrs(pool.clone(), vec![], ()),
            Variant::Snapshots => postgres_snapshot_cqrs(pool.clone(), vec![], SNAPSHOT_SIZE, ()),
        };
        Self {
            cqrs: Arc::new(cqrs),
            pool,
        }
    }

    pub(crate) async fn close(self) {
        self.pool.close().await;
    }

    pub(crate) async fn schedule(&self, count: u64, capacity: u32) -> Result<()> {
        stream::iter(0..count)
            .map(|number| async move {
                let room = room_id(number);
                let command = scheduled(room, capacity)?;
                self.execute(room, || command.clone(), &host_metadata()).await
            })
            .buffer_unordered(SCHEDULING)
            .try_for_each(|_| async { Ok(()) })
            .await
    }

    /// Clients hold seats of rooms `0..rooms` in turn.
    pub(crate) async fn hold(&self, rooms: u64, course: Course) -> Result<Run> {
        let stock = self.clone();
        drive(course, move |number| {
            let stock = stock.clone();
            async move {
                let wish = || StockCommand::Hold(hold(number, fingerprint()));
                match stock.execute(room_id(number % rooms), wish, &metadata(number)).await? {
                    Held::Done { conflicts } => Ok(Answer::DoneAfter(conflicts)),
                    Held::SoldOut => bail!("a room of the measurement is too small"),
                }
            }
        })
        .await
    }

    /// Decides until no other client was faster.
    pub(crate) async fn execute(
        &self,
        room: RoomId,
        command: impl Fn() -> StockCommand,
        metadata: &Metadata,
    ) -> Result<Held> {
        let (id, metadata) = (room.to_string(), texts(metadata));
        let mut conflicts = 0;
        loop {
            let outcome = self.cqrs.execute_with_metadata(&id, command(), metadata.clone()).await;
            match outcome {
                Ok(()) => return Ok(Held::Done { conflicts }),
                Err(AggregateError::AggregateConflict) => conflicts += 1,
                Err(AggregateError::UserError(RoomError::SoldOut { .. })) => return Ok(Held::SoldOut),
                Err(other) => bail!("the stock store failed: {other}"),
            }
        }
    }
}

/// The command that records what ours would.
fn scheduled(room: RoomId, capacity: u32) -> Result<StockCommand> {
    let events = Room::default().decide(schedule(room, capacity, PRICE_MINOR))?;
    match events.into_iter().next() {
        Some(RoomEvent::RoomScheduled(scheduled)) => Ok(StockCommand::Schedule(Box::new(scheduled))),
        _ => bail!("a room is not scheduled"),
    }
}

/// The same metadata as ours.
fn texts(metadata: &Metadata) -> HashMap<String, String> {
    let mut texts = HashMap::from([
        ("actor_id".to_owned(), metadata.actor_id.clone()),
        ("correlation_id".to_owned(), metadata.correlation_id.to_string()),
    ]);
    if let Some(key) = &metadata.idempotency_key_sha256 {
        texts.insert("idempotency_key_sha256".to_owned(), key.clone());
    }
    texts
}
