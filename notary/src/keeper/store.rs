//! The notary's tables.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Timestamp;
use event_log::Head;
use sqlx::{PgConnection, PgPool};
use thiserror::Error;

use crate::tree::{Hash, Tile, TileId, Tiles};

/// How long a statement, or the transaction of a checkpoint, may take.
const LIMIT: Duration = Duration::from_secs(10);
/// One notary writes at a time.
const LOCK: i64 = i64::from_be_bytes(*b"notary01");
/// The tree can be made again, and what must last is in the notary's file before: nobody waits for the disk here.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// A checkpoint as it is stored for readers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedCheckpoint {
    pub size: u64,
    pub root: Hash,
    /// The chain's value at that position.
    pub chain_hash: Hash,
    pub signed_at: Timestamp,
    /// The signed note.
    pub note: String,
}

impl SignedCheckpoint {
    /// Where the log was.
    pub const fn head(&self) -> Head {
        Head {
            position: self.size,
            hash: self.chain_hash,
        }
    }
}

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("the notary's tables")]
    Database(#[from] sqlx::Error),
    #[error("the notary's tables did not answer in time")]
    TimedOut,
    #[error("table {table} has a row that is none, at {key}")]
    InconsistentRow { table: &'static str, key: String },
}

struct CheckpointRow {
    size: i64,
    root: Vec<u8>,
    chain_hash: Vec<u8>,
    signed_at: Timestamp,
    note: String,
}

impl TryFrom<CheckpointRow> for SignedCheckpoint {
    type Error = StoreError;

    fn try_from(row: CheckpointRow) -> Result<Self, StoreError> {
        let wrong = || StoreError::InconsistentRow {
            table: "notary_checkpoints",
            key: row.size.to_string(),
        };
        Ok(Self {
            size: u64::try_from(row.size).map_err(|_| wrong())?,
            root: row.root.as_slice().try_into().map_err(|_| wrong())?,
            chain_hash: row.chain_hash.as_slice().try_into().map_err(|_| wrong())?,
            signed_at: row.signed_at,
            note: row.note,
        })
    }
}

/// The newest one.
pub(crate) async fn find_latest(pool: &PgPool) -> Result<Option<SignedCheckpoint>, StoreError> {
    let row = limited(
        sqlx::query_as!(
            CheckpointRow,
            "SELECT size, root, chain_hash, signed_at, note
         FROM notary_checkpoints
         ORDER BY size DESC
         LIMIT 1"
        )
        .fetch_optional(pool),
    )
    .await?;
    row.map(SignedCheckpoint::try_from).transpose()
}

/// The one of exactly this size.
pub(crate) async fn find(pool: &PgPool, size: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
    let row = limited(
        sqlx::query_as!(
            CheckpointRow,
            "SELECT size, root, chain_hash, signed_at, note
         FROM notary_checkpoints
         WHERE size = $1",
            bigint(size),
        )
        .fetch_optional(pool),
    )
    .await?;
    row.map(SignedCheckpoint::try_from).transpose()
}

/// Those of more than `after` events, the smallest first.
pub(crate) async fn list(pool: &PgPool, after: u64, limit: u32) -> Result<Vec<SignedCheckpoint>, StoreError> {
    let rows = limited(
        sqlx::query_as!(
            CheckpointRow,
            "SELECT size, root, chain_hash, signed_at, note
         FROM notary_checkpoints
         WHERE size > $1
         ORDER BY size
         LIMIT $2",
            bigint(after),
            i64::from(limit),
        )
        .fetch_all(pool),
    )
    .await?;
    rows.into_iter().map(SignedCheckpoint::try_from).collect()
}

struct TileRow {
    level: i16,
    index: i64,
    hashes: Vec<u8>,
}

impl TryFrom<TileRow> for Tile {
    type Error = StoreError;

    fn try_from(row: TileRow) -> Result<Self, StoreError> {
        let wrong = || StoreError::InconsistentRow {
            table: "notary_tiles",
            key: format!("{}/{}", row.level, row.index),
        };
        let (hashes, rest) = row.hashes.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            id: TileId {
                level: u32::try_from(row.level).map_err(|_| wrong())?,
                index: u64::try_from(row.index).map_err(|_| wrong())?,
            },
            hashes: hashes.to_vec(),
        })
    }
}

/// Those of the tiles that are there.
pub(crate) async fn find_tiles(pool: &PgPool, tiles: &BTreeSet<TileId>) -> Result<Tiles, StoreError> {
    let (levels, indexes) = columns(tiles.iter().copied());
    let rows = limited(
        sqlx::query_as!(
            TileRow,
            "SELECT t.level, t.index, t.hashes
         FROM notary_tiles t
         JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, index) USING (level, index)",
            &levels,
            &indexes,
        )
        .fetch_all(pool),
    )
    .await?;
    rows.into_iter().map(Tile::try_from).collect()
}

fn columns(tiles: impl Iterator<Item = TileId>) -> (Vec<i16>, Vec<i64>) {
    tiles
        .map(|tile| (i16::try_from(tile.level).unwrap_or(i16::MAX), bigint(tile.index)))
        .unzip()
}

/// Stores what has grown, and the checkpoint that was signed of it. `false` if another notary was here since `before`.
pub(crate) async fn save(
    pool: &PgPool,
    before: u64,
    changed: &[Tile],
    signed: Option<&SignedCheckpoint>,
) -> Result<bool, StoreError> {
    limited(save_all(pool, before, changed, signed)).await
}

async fn save_all(
    pool: &PgPool,
    before: u64,
    changed: &[Tile],
    signed: Option<&SignedCheckpoint>,
) -> Result<bool, StoreError> {
    let mut transaction = pooling::begin_with(pool, BEGIN).await?;
    if !is_ours(&mut transaction, before).await? {
        transaction.rollback().await?;
        return Ok(false);
    }
    save_tiles(&mut transaction, changed).await?;
    if let Some(signed) = signed {
        insert(&mut transaction, signed).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

async fn is_ours(transaction: &mut PgConnection, before: u64) -> Result<bool, StoreError> {
    let is_ours = sqlx::query_scalar!(
        r#"
        SELECT pg_try_advisory_xact_lock($1)
            AND coalesce((SELECT max(size) FROM notary_checkpoints), 0) <= $2 AS "is_ours!"
        "#,
        LOCK,
        bigint(before),
    )
    .fetch_one(transaction)
    .await?;
    Ok(is_ours)
}

async fn save_tiles(transaction: &mut PgConnection, changed: &[Tile]) -> Result<(), StoreError> {
    let (levels, indexes) = columns(changed.iter().map(|tile| tile.id));
    let hashes: Vec<Vec<u8>> = changed.iter().map(|tile| tile.hashes.concat()).collect();
    sqlx::query!(
        "INSERT INTO notary_tiles (level, index, hashes)
         SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
         ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes",
        &levels,
        &indexes,
        &hashes,
    )
    .execute(transaction)
    .await?;
    Ok(())
}

async fn insert(transaction: &mut PgConnection, signed: &SignedCheckpoint) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO notary_checkpoints (size, root, chain_hash, signed_at, note)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (size) DO NOTHING",
        bigint(signed.size),
        &signed.root[..],
        &signed.chain_hash[..],
        signed.signed_at,
        signed.note,
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Puts the note with more signatures in the place of the one with fewer.
pub(crate) async fn set_note(pool: &PgPool, size: u64, note: &str) -> Result<(), StoreError> {
    let update = sqlx::query!(
        "UPDATE notary_checkpoints SET note = $2 WHERE size = $1",
        bigint(size),
        note
    );
    limited(update.execute(pool)).await.map(drop)
}

/// Of the checkpoints that were signed in this time, the last one of each minute stays. It sorts them once, however many
/// there are: a shop signs one a second, and keeps half a million a year.
pub(crate) async fn thin_out(pool: &PgPool, from: Timestamp, to: Timestamp) -> Result<u64, StoreError> {
    let thin_out = sqlx::query!(
        r#"
        DELETE FROM notary_checkpoints
        USING (
            SELECT
                size,
                row_number() OVER (PARTITION BY date_trunc('minute', signed_at, 'UTC') ORDER BY size DESC) AS nth
            FROM notary_checkpoints
            WHERE signed_at >= $1 AND signed_at < $2
        ) AS in_minute
        WHERE notary_checkpoints.size = in_minute.size AND in_minute.nth > 1
        "#,
        from,
        to,
    );
    Ok(limited(thin_out.execute(pool)).await?.rows_affected())
}

/// Forgets the tree, and every checkpoint of it.
pub(crate) async fn clear(pool: &PgPool) -> Result<(), StoreError> {
    let mut transaction = pooling::begin(pool).await?;
    sqlx::query!("DELETE FROM notary_checkpoints")
        .execute(&mut *transaction)
        .await?;
    sqlx::query!("DELETE FROM notary_tiles")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// A step that takes too long has failed.
async fn limited<T, E: Into<StoreError>>(step: impl Future<Output = Result<T, E>>) -> Result<T, StoreError> {
    match tokio::time::timeout(LIMIT, step).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(StoreError::TimedOut),
    }
}

fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
