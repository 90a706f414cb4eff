//! Writing a bundle: what the table holds, as it is. Whether that is as it was recorded is for whoever verifies it to say.

mod draft;
mod packer;
mod signed;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::{Timestamp, schema};
use event_log::stretches::stretch;
use futures::stream::{self, StreamExt as _};
use notary::VerifierKey;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use tokio::task::spawn_blocking;
use tokio_util::task::TaskTracker;

use crate::ArchiveError;
use crate::format::{FORMAT, FileEntry, Hash, HeadEntry, MANIFEST, Manifest, SCHEMA, SEGMENT_EVENTS, SegmentEntry};
pub(crate) use draft::Draft;
pub(crate) use packer::Packer;
pub(crate) use signed::Signed;

/// Stretches of the log that are read and packed at the same time.
const SIDE_BY_SIDE: usize = 2;

/// What an export is told.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// The last position, if not all is wanted.
    pub until: Option<u64>,
    pub made_at: Timestamp,
    /// The program and its version.
    pub made_by: String,
    /// What the log's checkpoints are verified with, if whoever exports knows it.
    pub key: Option<VerifierKey>,
}

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    pub events: u64,
    pub head: HeadEntry,
    pub segments: usize,
    pub checkpoints: usize,
    pub bytes: u64,
}

/// Exports the log, up to its end at the time of the call, into a new folder, or into a new file if the name ends in `.tar`.
/// Until everything is on the disk there is nothing of that name; an export that was broken off leaves a draft beside it, which
/// the next one clears away.
pub async fn export(pool: &PgPool, target: &Path, options: &ExportOptions) -> Result<Exported, ArchiveError> {
    // Before the log's end is read: what was signed by now has to be there, also if somebody has cut it off since.
    let signed = Signed::read(pool, options.until, options.key.clone()).await?;
    let head = head(pool, options.until).await?;
    let begin = target.to_owned();
    let draft = blocking(move || Draft::begin(&begin)).await?;
    let folder: Arc<Path> = Arc::from(draft.folder());
    let segments = segments(pool, &folder, head.position).await?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        made_at: options.made_at,
        made_by: options.made_by.clone(),
        events: segments.iter().map(|segment| segment.events).sum(),
        head,
        segments,
        files: vec![],
    };
    blocking(move || {
        let schema = serde_json::to_vec_pretty(&schema::document()).map_err(io::Error::from);
        finish(draft, manifest, schema, &signed)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    spawn_blocking(work).await.map_err(|_| ArchiveError::Panicked)?
}

/// Where the export ends.
async fn head(pool: &PgPool, until: Option<u64>) -> Result<HeadEntry, ArchiveError> {
    let last = until.map_or(i64::MAX, |until| i64::try_from(until).unwrap_or(i64::MAX));
    let row = sqlx::query!(
        "SELECT position, hash FROM events WHERE position <= $1 ORDER BY position DESC LIMIT 1",
        last,
    )
    .fetch_optional(pool)
    .await?;
    let head = row.map_or_else(HeadEntry::default, |row| HeadEntry {
        position: row.position.cast_unsigned(),
        hash: Hash(row.hash.try_into().unwrap_or_default()),
    });
    match until {
        Some(until) if until != head.position => Err(ArchiveError::BeyondTheEnd {
            until,
            head: head.position,
        }),
        _ => Ok(head),
    }
}

/// Reads and packs the log up to `last`, a few stretches at a time.
async fn segments(pool: &PgPool, folder: &Arc<Path>, last: u64) -> Result<Vec<SegmentEntry>, ArchiveError> {
    let tracker = TaskTracker::new();
    let starts = (0..last.div_ceil(SEGMENT_EVENTS)).map(|nth| nth * SEGMENT_EVENTS);
    let works = starts.map(|after| {
        let up_to = (after + SEGMENT_EVENTS).min(last);
        tracker.spawn(one_stretch(pool.clone(), Arc::clone(folder), (after, up_to)))
    });
    let mut packed = stream::iter(works).buffered(SIDE_BY_SIDE);
    let mut segments = vec![];
    while let Some(stretch) = packed.next().await {
        segments.append(&mut stretch.map_err(|_| ArchiveError::Panicked)??);
    }
    Ok(segments)
}

async fn one_stretch(pool: PgPool, folder: Arc<Path>, range: (u64, u64)) -> Result<Vec<SegmentEntry>, ArchiveError> {
    let mut packer = Packer::new(&folder);
    stretch(&pool, range, |event| packer.push(event)).await?;
    packer.finish()
}

/// Adds what a bundle has besides its segments, and gives it its name.
pub(crate) fn finish(
    draft: Draft,
    manifest: Manifest,
    schema: io::Result<Vec<u8>>,
    signed: &Signed,
) -> Result<Exported, ArchiveError> {
    let mut manifest = manifest;
    for (name, content) in [(SCHEMA, schema)].into_iter().chain(signed.files()) {
        manifest.files.push(write(draft.folder(), name, content)?);
    }
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from);
    let written = write(draft.folder(), MANIFEST, text)?;
    let files = manifest.files.iter().map(|file| (&file.file, file.bytes));
    let segments = manifest.segments.iter().map(|segment| (&segment.file, segment.bytes));
    let parts: Vec<(&String, u64)> = [(&written.file, written.bytes)]
        .into_iter()
        .chain(files)
        .chain(segments)
        .collect();
    let names: Vec<String> = parts.iter().map(|(name, _)| (*name).clone()).collect();
    let bytes = parts.iter().map(|(_, bytes)| bytes).sum();
    draft.become_bundle(&names)?;
    Ok(Exported {
        events: manifest.events,
        head: manifest.head,
        segments: manifest.segments.len(),
        checkpoints: signed.count(),
        bytes,
    })
}

fn write(folder: &Path, name: &str, content: io::Result<Vec<u8>>) -> Result<FileEntry, ArchiveError> {
    let path: PathBuf = folder.join(name);
    let written = content.and_then(|content| {
        fs::write(&path, &content)?;
        fs::File::open(&path)?.sync_all()?;
        Ok(content)
    });
    let content = written.map_err(|source| ArchiveError::file("write", &path, source))?;
    Ok(FileEntry {
        file: name.to_owned(),
        bytes: content.len() as u64,
        sha256: Hash(Sha256::digest(&content).into()),
    })
}
