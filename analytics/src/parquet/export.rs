//! Reads the log in stretches, and writes them to files: a batch of stretches at a time is finished together.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use chrono::NaiveDate;
use event_log::{EventLog, stretches};
use futures::StreamExt as _;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::ExportError;
use super::folder::{Folder, State};
use super::part::{Stretch, Types};

/// Positions of a stretch.
const STRETCH: u64 = 20_000;
/// Positions of a batch, and files that are open at the same time: a batch ends with the stretch that reaches either.
const BATCH: u64 = 1_000_000;
const FILES: usize = 400;
/// Rows that a file keeps in memory until it writes them out together.
const ROW_GROUP: usize = 100_000;

/// What is to be exported, and where to.
#[derive(Clone, Debug)]
pub struct ExportPlan {
    pub folder: PathBuf,
    /// The first position of a new folder. A folder that is there goes on behind what it holds.
    pub from: Option<u64>,
}

/// What an export did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExportReport {
    pub from: u64,
    /// Everything up to here is in the folder.
    pub reached: u64,
    pub files: usize,
    /// It was cancelled before the log's end.
    pub is_stopped: bool,
}

/// Exports what the log holds now and the folder does not. `progress` is told each position up to which files are whole.
pub async fn export(
    log: &dyn EventLog,
    pool: &PgPool,
    plan: &ExportPlan,
    progress: impl Fn(u64) + Send + Sync,
    cancel: &CancellationToken,
) -> Result<ExportReport, ExportError> {
    let folder = Folder::open(&plan.folder)?;
    let mut state = begin(log, &folder, plan).await?;
    let head = log.head().await?.position;
    let types = Arc::new(Types::known());
    let mut report = ExportReport {
        from: state.reached,
        reached: state.reached,
        files: 0,
        is_stopped: false,
    };
    progress(state.reached);
    while state.reached < head {
        if cancel.is_cancelled() {
            report.is_stopped = true;
            break;
        }
        let up_to = head.min(state.reached.saturating_add(BATCH));
        let batch = Batch::new(state.reached, Arc::clone(&types));
        let batch = read(pool, &folder, batch, up_to, &progress).await?;
        let files = batch.finish(&folder, &mut state)?;
        report.files += files;
        report.reached = state.reached;
    }
    folder.close()?;
    Ok(report)
}

/// Where an export goes on, if the log is still the one that the folder was made of.
async fn begin(log: &dyn EventLog, folder: &Folder, plan: &ExportPlan) -> Result<State, ExportError> {
    let Some(state) = folder.state()? else {
        let after = plan.from.map_or(0, |from| from.saturating_sub(1));
        let state = State::new(after, after, String::new());
        // Where it begins is said before there is a file: whoever goes on after a crash begins there, or is refused.
        folder.finish(&[], &state)?;
        return Ok(state);
    };
    if let Some(asked) = plan.from.filter(|from| *from != state.reached + 1) {
        let reached = state.reached;
        return Err(ExportError::From { reached, asked });
    }
    if state.reached > state.after {
        let seen = log.read_all(state.reached - 1, 1).await?;
        let is_same = seen
            .first()
            .is_some_and(|event| event.position == state.reached && hex(&event.hash) == state.hash);
        if !is_same {
            return Err(ExportError::Forked(state.reached));
        }
    }
    Ok(state)
}

async fn read(
    pool: &PgPool,
    folder: &Folder,
    mut batch: Batch,
    up_to: u64,
    progress: &(impl Fn(u64) + Send + Sync),
) -> Result<Batch, ExportError> {
    let types = Arc::clone(&batch.types);
    let show = move |stretch: &mut Stretch, event: &stretches::RawEvent<'_>| stretch.push(&types, event);
    let range = (batch.after, up_to);
    let mut stretches = pin!(stretches::fold(pool.clone(), range, STRETCH, Stretch::new, show));
    while let Some(stretch) = stretches.next().await {
        let stretch = stretch?;
        if let Some((position, reason)) = stretch.unknown {
            return Err(ExportError::Unknown { position, reason });
        }
        batch.open(folder, &stretch)?;
        // Encoding and packing is work for a processor of its own, beside those that read.
        let written = tokio::task::spawn_blocking(move || batch.write(stretch).map(|()| batch));
        batch = written.await.map_err(|_| ExportError::Panicked)??;
        progress(batch.to);
        if batch.files.len() >= FILES {
            break;
        }
    }
    Ok(batch)
}

/// Files that are finished together.
struct Batch {
    after: u64,
    to: u64,
    hash: [u8; 32],
    types: Arc<Types>,
    files: BTreeMap<(NaiveDate, usize), Open>,
}

struct Open {
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl Batch {
    fn new(after: u64, types: Arc<Types>) -> Self {
        Self {
            after,
            to: after,
            hash: [0; 32],
            types,
            files: BTreeMap::new(),
        }
    }

    /// Begins the files that a stretch needs.
    fn open(&mut self, folder: &Folder, stretch: &Stretch) -> Result<(), ExportError> {
        for (day, number) in stretch.parts.keys() {
            if self.files.contains_key(&(*day, *number)) {
                continue;
            }
            let (path, file) = folder.begin(self.files.len())?;
            let schema = Arc::clone(&self.types.get(*number).schema);
            let writer = ArrowWriter::try_new(file, schema, Some(properties()?))?;
            self.files.insert((*day, *number), Open { path, writer });
        }
        Ok(())
    }

    fn write(&mut self, stretch: Stretch) -> Result<(), ExportError> {
        for (part, rows) in stretch.parts {
            if let Some(open) = self.files.get_mut(&part).filter(|_| rows.count() > 0) {
                let rows = rows.finish().map_err(parquet::errors::ParquetError::from)?;
                open.writer.write(&rows)?;
            }
        }
        (self.to, self.hash) = (stretch.to, stretch.hash);
        Ok(())
    }

    /// Closes the files, puts them where they belong, and says so. They are named by the first position of their batch, which a
    /// repeated export of the same positions gives them again.
    fn finish(self, folder: &Folder, state: &mut State) -> Result<usize, ExportError> {
        let mut files = Vec::with_capacity(self.files.len());
        for ((day, number), open) in self.files {
            let file = open.writer.into_inner()?;
            file.sync_all().map_err(|source| ExportError::File {
                path: open.path.display().to_string(),
                source,
            })?;
            let event_type = &self.types.get(number).event_type;
            let name = format!("day={day}/type={event_type}/{:019}.parquet", self.after + 1);
            files.push((open.path, Path::new(&name).to_owned()));
        }
        let next = State::new(state.after, self.to, hex(&self.hash));
        folder.finish(&files, &next)?;
        *state = next;
        Ok(files.len())
    }
}

fn properties() -> Result<WriterProperties, ExportError> {
    let level = ZstdLevel::try_new(1)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_created_by("boxoffice".to_owned());
    Ok(properties.build())
}

fn hex(hash: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
