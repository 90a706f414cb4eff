//! What clients wrote down as acknowledged to them: on disk, line by line, before they did anything else.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use checker::Acknowledgement;

#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    file: Mutex<File>,
    lines: AtomicUsize,
}

impl Record {
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self {
            path,
            file: Mutex::new(file),
            lines: AtomicUsize::new(0),
        })
    }

    pub(super) fn write(&self, line: &Acknowledgement) -> Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        let mut file = self.file.lock().expect("no writer panics");
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        drop(file);
        self.lines.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    pub(super) fn lines(&self) -> usize {
        self.lines.load(Ordering::SeqCst)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
