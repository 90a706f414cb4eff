//! What a bundle has besides its segments, and whether the manifest and the folder are of one mind.

use std::collections::BTreeSet;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::{Flaw, is_of_the_bundle};
use crate::format::{FileEntry, Hash, HeadEntry, MANIFEST};
use crate::{ArchiveError, Bundle};

const READ_BYTES: usize = 1 << 16;

/// What is wrong, if something is. The segments are in order up to `head`.
pub(super) fn check(bundle: &Bundle, head: HeadEntry) -> Result<Option<Flaw>, ArchiveError> {
    let manifest = bundle.manifest();
    if manifest.head != head {
        let (listed, found) = (manifest.head.position, head.position);
        let next = found.min(listed) + 1;
        let reason = format!("the manifest has the log end at {listed}, and the segments end at {found}");
        return Ok(Some(Flaw::at(next, reason)));
    }
    if manifest.events != head.position {
        let reason = format!(
            "the manifest counts {} events, and there are {}",
            manifest.events, head.position
        );
        return Ok(Some(Flaw::beside(reason)));
    }
    for entry in &manifest.files {
        if let Some(reason) = check_file(bundle, entry)? {
            return Ok(Some(Flaw::beside(format!("{} {reason}", entry.file))));
        }
    }
    let names = bundle
        .names()
        .map_err(|source| ArchiveError::file("list the files of", bundle.path(), source))?;
    let segments = manifest.segments.iter().map(|entry| entry.file.as_str());
    let files = manifest.files.iter().map(|entry| entry.file.as_str());
    let listed: BTreeSet<&str> = segments.chain(files).chain([MANIFEST]).collect();
    let foreign = names.iter().find(|name| !listed.contains(name.as_str()));
    Ok(foreign.map(|name| Flaw::beside(format!("{name} is not listed by the manifest"))))
}

fn check_file(bundle: &Bundle, entry: &FileEntry) -> Result<Option<&'static str>, ArchiveError> {
    let mut file = match bundle.reader(&entry.file) {
        Ok(file) => file,
        Err(error) if is_of_the_bundle(error.kind()) => return Ok(Some("is missing")),
        Err(source) => return Err(ArchiveError::file("read a file of", bundle.path(), source)),
    };
    let found = hash_of(&mut file).map_err(|source| ArchiveError::file("read a file of", bundle.path(), source))?;
    let is_same = found == (entry.bytes, entry.sha256);
    Ok((!is_same).then_some("is not the file that the manifest lists"))
}

fn hash_of(file: &mut impl Read) -> io::Result<(u64, Hash)> {
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut bytes = 0;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok((bytes, Hash(sha256.finalize().into())));
        }
        sha256.update(&buffer[..length]);
        bytes += length as u64;
    }
}
