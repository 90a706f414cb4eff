//! A bundle as one file: a plain tar, since its parts are compressed already. The manifest comes first.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Take, Write as _};
use std::path::Path;

use tar::{Archive, Builder, EntryType, Header};

/// Files of a bundle: more are none.
const FILES_MAX: usize = 10_000_000;

/// Where a file is in the tar file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    start: u64,
    length: u64,
}

impl Place {
    pub(super) fn open(self, path: &Path) -> io::Result<Take<File>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.start))?;
        Ok(file.take(self.length))
    }
}

/// Finds the files in a tar file. Their contents are skipped.
pub(super) fn index(path: &Path) -> io::Result<BTreeMap<String, Place>> {
    let mut archive = Archive::new(File::open(path)?);
    let mut places = BTreeMap::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        let name = entry.path()?.to_string_lossy().into_owned();
        let place = Place {
            start: entry.raw_file_position(),
            length: entry.size(),
        };
        let is_twice = places.insert(name.clone(), place).is_some();
        if is_twice || places.len() > FILES_MAX {
            return Err(io::Error::other(format!(
                "the tar file has {name} twice, or too many files"
            )));
        }
    }
    Ok(places)
}

/// Writes the files with these names into a tar file, in this order, and sees it on the disk.
pub(crate) fn pack(folder: &Path, names: &[String], target: &Path) -> io::Result<()> {
    let mut builder = Builder::new(io::BufWriter::new(File::create(target)?));
    for name in names {
        let file = File::open(folder.join(name))?;
        let mut header = Header::new_ustar();
        header.set_size(file.metadata()?.len());
        header.set_mode(0o644);
        header.set_entry_type(EntryType::Regular);
        builder.append_data(&mut header, name, file)?;
    }
    let mut writer = builder.into_inner()?;
    writer.flush()?;
    writer.into_inner()?.sync_all()
}
