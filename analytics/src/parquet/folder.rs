//! The folder of an export: how far it is, and who works on it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ExportError;

const STATE: &str = "_boxoffice.json";
const LOCK: &str = "_lock";
/// Files in the making. Readers of Parquet pass over names that begin with an underscore.
const PARTIAL: &str = "_partial";
const VERSION: u32 = 1;

/// What the folder holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    version: u32,
    /// The position it began behind.
    pub(super) after: u64,
    /// Everything behind that and up to here is in the folder.
    pub(super) reached: u64,
    /// The chain's value there, in hex.
    pub(super) hash: String,
}

impl State {
    pub(super) fn new(after: u64, reached: u64, hash: String) -> Self {
        Self {
            version: VERSION,
            after,
            reached,
            hash,
        }
    }
}

/// A folder that nobody else exports into.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ExportError {
    let path = path.display().to_string();
    move |source| ExportError::File { path, source }
}

impl Folder {
    /// Makes the folder, if it is not there, and keeps others out of it until it is dropped.
    pub(super) fn open(path: &Path) -> Result<Self, ExportError> {
        fs::create_dir_all(path).map_err(failed(path))?;
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(failed(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(ExportError::Busy(path.display().to_string())),
            Err(fs::TryLockError::Error(source)) => return Err(failed(&lock_path)(source)),
        }
        let folder = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        // What a crash has left.
        let partial = folder.partial();
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(failed(&partial))?;
        }
        fs::create_dir_all(&partial).map_err(failed(&partial))?;
        Ok(folder)
    }

    fn partial(&self) -> PathBuf {
        self.path.join(PARTIAL)
    }

    /// How far the folder is; `None` for a new one.
    pub(super) fn state(&self) -> Result<Option<State>, ExportError> {
        let path = self.path.join(STATE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path)(error)),
        };
        let state = serde_json::from_slice(&text).map_err(|error| failed(&path)(error.into()))?;
        Ok(Some(state))
    }

    /// A file in the making, by a number of its own.
    pub(super) fn begin(&self, number: usize) -> Result<(PathBuf, File), ExportError> {
        let path = self.partial().join(format!("{number}.parquet"));
        let file = File::create(&path).map_err(failed(&path))?;
        Ok((path, file))
    }

    /// Puts files that are whole where readers look for them, and then says that they are there. Files of the same name are
    /// of a try that was broken off before it could say so: they are written over.
    pub(super) fn finish(&self, files: &[(PathBuf, PathBuf)], state: &State) -> Result<(), ExportError> {
        let mut folders = vec![self.path.clone()];
        for (partial, name) in files {
            let path = self.path.join(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(failed(folder))?;
                folders.extend(
                    folder
                        .ancestors()
                        .take_while(|one| *one != self.path)
                        .map(Path::to_owned),
                );
            }
            fs::rename(partial, &path).map_err(failed(&path))?;
        }
        folders.sort_unstable();
        folders.dedup();
        for folder in &folders {
            sync(folder)?;
        }
        self.write(state)?;
        sync(&self.path)
    }

    fn write(&self, state: &State) -> Result<(), ExportError> {
        let (partial, path) = (self.partial().join(STATE), self.path.join(STATE));
        let text = serde_json::to_vec_pretty(state).map_err(|error| failed(&path)(error.into()))?;
        let mut file = File::create(&partial).map_err(failed(&partial))?;
        file.write_all(&text).map_err(failed(&partial))?;
        file.sync_all().map_err(failed(&partial))?;
        fs::rename(&partial, &path).map_err(failed(&path))
    }

    /// Nothing is in the making any more.
    pub(super) fn close(self) -> Result<(), ExportError> {
        let partial = self.partial();
        fs::remove_dir_all(&partial).map_err(failed(&partial))
    }
}

/// Makes a folder's names last.
fn sync(folder: &Path) -> Result<(), ExportError> {
    let opened = File::open(folder).map_err(failed(folder))?;
    opened.sync_all().map_err(failed(folder))
}
