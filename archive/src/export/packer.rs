//! Packs a stretch of the log into files: one segment after the other, each compressed while it is written.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use event_log::stretches::RawEvent;
use sha2::{Digest as _, Sha256};
use zstd::Encoder;

use crate::ArchiveError;
use crate::format::{Hash, LEVEL, SEGMENT_EVENTS, SEGMENT_TEXT, SegmentEntry, segment_name, write_line};

pub(crate) struct Packer<'a> {
    folder: &'a Path,
    open: Option<Open>,
    done: Vec<SegmentEntry>,
    /// The first thing that went wrong. Nothing is packed after it.
    failed: Option<ArchiveError>,
    line: Vec<u8>,
}

/// A segment in the making.
struct Open {
    entry: SegmentEntry,
    encoder: Encoder<'static, HashingFile>,
}

impl<'a> Packer<'a> {
    pub(crate) const fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            open: None,
            done: vec![],
            failed: None,
            line: vec![],
        }
    }

    pub(crate) fn push(&mut self, event: &RawEvent<'_>) {
        if self.failed.is_none() {
            self.failed = self.try_push(event).err();
        }
    }

    fn try_push(&mut self, event: &RawEvent<'_>) -> Result<(), ArchiveError> {
        let position = event.leaf.position;
        self.line.clear();
        write_line(&mut self.line, event).map_err(|reason| ArchiveError::Unwritable { position, reason })?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::begin(self.folder, position)?,
        };
        open.add(&self.line, event)
            .map_err(|source| self.failed_at(&open.entry, source))?;
        if open.is_full() {
            self.close(open)
        } else {
            self.open = Some(open);
            Ok(())
        }
    }

    fn close(&mut self, open: Open) -> Result<(), ArchiveError> {
        let Open { mut entry, encoder } = open;
        let closed = encoder.finish().and_then(HashingFile::close);
        (entry.bytes, entry.sha256) = closed.map_err(|source| self.failed_at(&entry, source))?;
        self.done.push(entry);
        Ok(())
    }

    /// What the stretch came to.
    pub(crate) fn finish(mut self) -> Result<Vec<SegmentEntry>, ArchiveError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        if let Some(open) = self.open.take() {
            self.close(open)?;
        }
        Ok(self.done)
    }

    fn failed_at(&self, entry: &SegmentEntry, source: io::Error) -> ArchiveError {
        ArchiveError::file("write", &self.folder.join(&entry.file), source)
    }
}

impl Open {
    fn begin(folder: &Path, first: u64) -> Result<Self, ArchiveError> {
        let file = segment_name(first);
        let path = folder.join(&file);
        let encoder = File::create(&path).and_then(|file| {
            let mut encoder = Encoder::new(HashingFile::new(file), LEVEL)?;
            encoder.include_checksum(true)?;
            Ok(encoder)
        });
        Ok(Self {
            entry: SegmentEntry {
                file,
                first,
                last: first,
                events: 0,
                text_bytes: 0,
                bytes: 0,
                sha256: Hash::default(),
                hash: Hash::default(),
            },
            encoder: encoder.map_err(|source| ArchiveError::file("write", &path, source))?,
        })
    }

    fn add(&mut self, line: &[u8], event: &RawEvent<'_>) -> io::Result<()> {
        self.encoder.write_all(line)?;
        self.entry.events += 1;
        self.entry.text_bytes += line.len() as u64;
        self.entry.last = event.leaf.position;
        self.entry.hash = Hash(event.hash);
        Ok(())
    }

    const fn is_full(&self) -> bool {
        self.entry.events >= SEGMENT_EVENTS || self.entry.text_bytes >= SEGMENT_TEXT
    }
}

/// A file, and what its bytes come to.
struct HashingFile {
    file: File,
    sha256: Sha256,
    bytes: u64,
}

impl HashingFile {
    fn new(file: File) -> Self {
        Self {
            file,
            sha256: Sha256::new(),
            bytes: 0,
        }
    }

    fn close(self) -> io::Result<(u64, Hash)> {
        self.file.sync_all()?;
        Ok((self.bytes, Hash(self.sha256.finalize().into())))
    }
}

impl Write for HashingFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let length = self.file.write(buffer)?;
        self.sha256.update(&buffer[..length]);
        self.bytes += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
