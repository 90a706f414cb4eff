//! A bundle in the making: a folder beside the one it is to become, with a name that says so.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::ArchiveError;
use crate::bundle::pack;
use crate::format::{CHECKPOINTS, KEY, MANIFEST, SCHEMA, SEGMENTS};

const DRAFT: &str = ".draft";
const LOCK: &str = "lock";
const PACKED: &str = "bundle.tar";
/// Everything that may be in a draft.
const PARTS: [&str; 7] = [SEGMENTS, MANIFEST, SCHEMA, KEY, CHECKPOINTS, PACKED, LOCK];

pub(crate) struct Draft {
    folder: PathBuf,
    target: PathBuf,
    /// Held as long as somebody writes here.
    lock: File,
}

impl Draft {
    /// Makes the draft's folder, after clearing away what an export that was broken off has left there.
    pub(crate) fn begin(target: &Path) -> Result<Self, ArchiveError> {
        let target = std::path::absolute(target).map_err(|source| ArchiveError::file("find", target, source))?;
        if is_taken(&target) {
            return Err(ArchiveError::TargetExists(target));
        }
        let mut name = OsString::from(&target);
        name.push(DRAFT);
        let folder = PathBuf::from(name);
        let failed = |source| ArchiveError::file("write", &folder, source);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
            Err(_) if !is_ours(&folder).map_err(failed)? => return Err(ArchiveError::ForeignDraft(folder)),
            _ => {}
        }
        let lock = File::create(folder.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ArchiveError::TargetBusy(target)),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        clear(&folder).map_err(failed)?;
        fs::create_dir(folder.join(SEGMENTS)).map_err(failed)?;
        Ok(Self { folder, target, lock })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// All of it or nothing: the files are on the disk, and then they have their name.
    pub(crate) fn become_bundle(self, names: &[String]) -> Result<(), ArchiveError> {
        let Self { folder, target, lock } = self;
        if is_taken(&target) {
            return Err(ArchiveError::TargetExists(target));
        }
        let failed = |source| ArchiveError::file("write", &target, source);
        if target.extension().is_some_and(|extension| extension == "tar") {
            let packed = folder.join(PACKED);
            pack(&folder, names, &packed).map_err(failed)?;
            fs::rename(&packed, &target).map_err(failed)?;
            clear(&folder).and_then(|()| remove(&folder)).map_err(failed)?;
        } else {
            sync(&folder.join(SEGMENTS)).map_err(failed)?;
            fs::remove_file(folder.join(LOCK)).map_err(failed)?;
            sync(&folder).map_err(failed)?;
            fs::rename(&folder, &target).map_err(failed)?;
        }
        drop(lock);
        target.parent().map_or(Ok(()), sync).map_err(failed)
    }
}

/// Whether an export may have left it: it has nothing but what exports write.
fn is_ours(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if !PARTS.iter().any(|part| name == *part) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An empty folder is as good as none.
fn is_taken(target: &Path) -> bool {
    match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => target.symlink_metadata().is_ok(),
    }
}

/// Deletes what an export writes, and nothing else.
fn clear(folder: &Path) -> io::Result<()> {
    let segments = folder.join(SEGMENTS);
    for entry in fs::read_dir(&segments).into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "zst") {
            fs::remove_file(path)?;
        }
    }
    absent(fs::remove_dir(segments))?;
    for name in PARTS.iter().filter(|name| ![SEGMENTS, LOCK].contains(name)) {
        absent(fs::remove_file(folder.join(name)))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> io::Result<()> {
    fs::remove_file(folder.join(LOCK))?;
    fs::remove_dir(folder)
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// What was named in a folder is still named there after a crash.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
