//! The very rows that ours recorded, copied into the same table by `COPY … BINARY`: what PostgreSQL itself can do.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt as _;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

use crate::harness::{Latencies, Sample, per_second};
use crate::world::Database;

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands after the last row.
const TRAILER: &[u8] = &(-1_i16).to_be_bytes();
const COPY: &str = "COPY events FROM STDIN (FORMAT binary)";
/// Rows in one transaction.
const BATCH: usize = 1_000;
const WITHOUT_KEYS: &str = "ALTER TABLE events DROP CONSTRAINT events_pkey; DROP INDEX events_position";
const WITH_KEYS: &str = "
    SET LOCAL maintenance_work_mem = '256MB';
    ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (aggregate_type, aggregate_id, sequence);
    CREATE UNIQUE INDEX events_position ON events (position);
    ANALYZE events";

/// Rows in PostgreSQL's binary form, in batches that are each a whole `COPY`.
#[derive(Debug)]
pub(crate) struct Rows {
    batches: Vec<Vec<u8>>,
    count: usize,
}

impl Rows {
    /// The first `limit` events of a log.
    pub(crate) async fn read(database: &Database, limit: usize) -> Result<Self> {
        let mut connection = database.connect().await?;
        let statement =
            format!("COPY (SELECT * FROM events ORDER BY position LIMIT {limit}) TO STDOUT (FORMAT binary)");
        let stored = connection
            .copy_out_raw(&statement)
            .await?
            .try_fold(Vec::new(), |mut all, part| async move {
                all.extend_from_slice(&part);
                Ok(all)
            })
            .await?;
        connection.close().await?;
        Self::split(&stored)
    }

    fn split(stored: &[u8]) -> Result<Self> {
        let mut rest = stored.strip_prefix(HEADER).context("not a binary copy")?;
        let mut rows = Self {
            batches: vec![],
            count: 0,
        };
        let mut batch = HEADER.to_vec();
        while let Some(length) = row_length(rest)? {
            let (row, after) = rest.split_at(length);
            batch.extend_from_slice(row);
            rows.count += 1;
            if rows.count.is_multiple_of(BATCH) {
                batch.extend_from_slice(TRAILER);
                rows.batches.push(std::mem::replace(&mut batch, HEADER.to_vec()));
            }
            rest = after;
        }
        // A part of a batch would be slower than a whole one: leave it out.
        rows.count -= rows.count % BATCH;
        Ok(rows)
    }

    /// Copies them all over one connection, a commit each batch.
    pub(crate) async fn write(&self, database: &Database) -> Result<Sample> {
        let mut connection = database.connect().await?;
        connection.execute("SET ROLE boxoffice_sequencer").await?;
        let started = Instant::now();
        let mut samples_us = Vec::with_capacity(self.batches.len());
        for batch in &self.batches {
            let batch_started = Instant::now();
            copy(&mut connection, batch).await?;
            samples_us.push(u32::try_from(batch_started.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        let elapsed = started.elapsed();
        connection.close().await?;
        let written = database.number("SELECT count(*) FROM events").await?;
        ensure!(usize::try_from(written) == Ok(self.count), "not every row was copied");
        let latencies = Latencies::new(samples_us);
        Ok(Sample {
            value: per_second(self.count, elapsed),
            p50_ms: latencies.percentile_ms(50),
            p99_ms: latencies.percentile_ms(99),
        })
    }

    /// Copies them all in one transaction, and makes the table's keys behind them.
    pub(crate) async fn restore(&self, database: &Database) -> Result<Sample> {
        let mut connection = database.connect().await?;
        let started = Instant::now();
        let mut transaction = connection.begin().await?;
        transaction.execute(WITHOUT_KEYS).await?;
        transaction.execute("SET LOCAL ROLE boxoffice_sequencer").await?;
        let mut copy = transaction.copy_in_raw(COPY).await?;
        copy.send(HEADER).await?;
        for batch in &self.batches {
            copy.send(&batch[HEADER.len()..batch.len() - TRAILER.len()]).await?;
        }
        copy.send(TRAILER).await?;
        copy.finish().await?;
        transaction.execute("RESET ROLE").await?;
        transaction.execute(WITH_KEYS).await?;
        transaction.commit().await?;
        let elapsed = started.elapsed();
        connection.close().await?;
        Ok(Sample::plain(per_second(self.count, elapsed)))
    }
}

async fn copy(connection: &mut PgConnection, batch: &[u8]) -> Result<()> {
    let mut copy = connection.copy_in_raw(COPY).await?;
    copy.send(batch).await?;
    copy.finish().await?;
    Ok(())
}

/// The bytes of the row that `rest` begins with; `None` at the trailer.
fn row_length(rest: &[u8]) -> Result<Option<usize>> {
    let count = rest.first_chunk().copied().map(i16::from_be_bytes).context("cut off")?;
    if count < 0 {
        return Ok(None);
    }
    let mut length = 2;
    for _ in 0..count {
        let size = rest.get(length..).and_then(|field| field.first_chunk().copied());
        let size = i32::from_be_bytes(size.context("cut off")?);
        length += 4 + usize::try_from(size.max(0)).unwrap_or(0);
    }
    ensure!(length <= rest.len(), "cut off");
    Ok(Some(length))
}
