//! A bundle where it lies: a folder, or a tar file of one.

mod tarball;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::ArchiveError;
use crate::format::{CHECKPOINTS, FORMAT, MANIFEST, MANIFEST_MAX, Manifest, SEGMENTS, segment_name};

pub(crate) use tarball::pack;
use tarball::{Place, index};

/// Only read. Nothing in it is believed before it is checked, so it names no files but those of the format.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    form: Form,
    manifest: Manifest,
}

#[derive(Debug)]
enum Form {
    Folder,
    /// Where each file begins in the tar file, and its length.
    Tar(BTreeMap<String, Place>),
}

impl Bundle {
    /// Finds the bundle and reads its manifest; nothing else is looked at yet.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let kind = fs::metadata(path).map_err(|source| ArchiveError::file("read", path, source))?;
        let form = if kind.is_dir() {
            Form::Folder
        } else {
            Form::Tar(index(path).map_err(|error| ArchiveError::no_bundle(path, &error))?)
        };
        let mut bundle = Self {
            path: path.to_owned(),
            form,
            manifest: Manifest::default(),
        };
        bundle.manifest = bundle.read_manifest()?;
        Ok(bundle)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether it brings what was signed of its log.
    pub fn has_checkpoints(&self) -> bool {
        self.lists(CHECKPOINTS)
    }

    /// Whether its manifest has a file of this name.
    pub(crate) fn lists(&self, name: &str) -> bool {
        self.manifest.files.iter().any(|entry| entry.file == name)
    }

    fn read_manifest(&self) -> Result<Manifest, ArchiveError> {
        let wrong = |reason: String| ArchiveError::no_bundle(&self.path, &reason);
        let bytes = match self.read(MANIFEST, MANIFEST_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(wrong(format!("there is no {MANIFEST}, which an export writes last")));
            }
            Err(source) => return Err(ArchiveError::file("read the manifest of", &self.path, source)),
        };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| wrong(format!("{MANIFEST} cannot be read: {error}")))?;
        if manifest.format != FORMAT {
            let found = &manifest.format;
            return Err(wrong(format!(
                "its format is {found:?}, and only {FORMAT:?} is known here"
            )));
        }
        let is_named = |name: &str| !name.contains(['/', '\\', '\0']) && name != "." && name != "..";
        let foreign = manifest.files.iter().find(|entry| !is_named(&entry.file));
        if let Some(entry) = foreign {
            return Err(wrong(format!(
                "{MANIFEST} names {:?}, which is no file of a bundle",
                entry.file
            )));
        }
        let foreign = manifest
            .segments
            .iter()
            .find(|entry| entry.file != segment_name(entry.first));
        if let Some(entry) = foreign {
            return Err(wrong(format!(
                "{MANIFEST} names {:?}, which is no segment's name",
                entry.file
            )));
        }
        Ok(manifest)
    }

    /// A whole file, if it is not longer than `limit`.
    pub(crate) fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader(name)?
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            let reason = format!("{name} is longer than {limit} bytes");
            return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
        }
        Ok(bytes)
    }

    pub(crate) fn reader(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        match &self.form {
            Form::Folder => Ok(Box::new(File::open(self.path.join(name))?)),
            Form::Tar(places) => {
                let place = places.get(name).ok_or(ErrorKind::NotFound)?;
                Ok(Box::new(place.open(&self.path)?))
            }
        }
    }

    /// Every file there is.
    pub(crate) fn names(&self) -> io::Result<BTreeSet<String>> {
        match &self.form {
            Form::Tar(places) => Ok(places.keys().cloned().collect()),
            Form::Folder => {
                let mut names = BTreeSet::new();
                for folder in ["", SEGMENTS] {
                    let entries = match fs::read_dir(self.path.join(folder)) {
                        Err(error) if error.kind() == ErrorKind::NotFound => continue,
                        entries => entries?,
                    };
                    for entry in entries {
                        let entry = entry?;
                        let name = entry.file_name().to_string_lossy().into_owned();
                        let is_root = folder.is_empty();
                        if !(is_root && name == SEGMENTS) {
                            names.insert(if is_root { name } else { format!("{folder}/{name}") });
                        }
                    }
                }
                Ok(names)
            }
        }
    }
}
