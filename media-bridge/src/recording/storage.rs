//! Where recordings are: a folder outside the database, one in it for each recording. A file has its name only when it is
//! whole and on the disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use domain::room::{AudioFormat, RecordedFile};
use domain::{RecordingId, RoomId, Timestamp};
use sha2::{Digest as _, Sha256};

use super::manifest::{Heard, Manifest, Notes, PartManifest};
use super::part::{Part, extension};
use super::wav;

const MANIFEST: &str = "manifest.json";
const READ_BYTES: usize = 256 * 1024;

#[derive(Clone, Debug)]
pub struct Storage {
    folder: PathBuf,
}

/// What is there of a part that ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Collected {
    pub(super) began_at: Option<Timestamp>,
    pub(super) duration_ms: Option<u64>,
    pub(super) file: Option<RecordedFile>,
    /// `None`, if its recorder does not tell.
    pub(super) heard: Option<Vec<Heard>>,
}

impl Storage {
    /// Makes the folder if it does not exist.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        Ok(Self { folder })
    }

    /// The finished sound of a part.
    pub fn audio(&self, part: &Part, format: AudioFormat) -> PathBuf {
        self.recording(part.room, part.recording).join(file_name(part, format))
    }

    /// The manifest of a recording: who spoke when, in which part.
    pub fn manifest(&self, room: RoomId, recording: RecordingId) -> PathBuf {
        self.recording(room, recording).join(MANIFEST)
    }

    fn recording(&self, room: RoomId, recording: RecordingId) -> PathBuf {
        self.folder.join(room.to_string()).join(recording.to_string())
    }

    /// Where a part's sound is written, and what its recorder notes beside it.
    pub(crate) fn drafts(&self, part: &Part, format: AudioFormat) -> (PathBuf, PathBuf) {
        let folder = self.recording(part.room, part.recording);
        let audio = folder.join(format!("{}.partial", file_name(part, format)));
        (audio, folder.join(format!("{}.notes", part.stem())))
    }

    pub(crate) fn make_folder(&self, part: &Part) -> io::Result<()> {
        fs::create_dir_all(self.recording(part.room, part.recording))
    }

    /// When a file of this part was begun, if there is one.
    pub(super) fn leftover_since(&self, part: &Part, format: AudioFormat) -> Option<Timestamp> {
        let (draft, notes) = self.drafts(part, format);
        let file = [draft, self.audio(part, format)]
            .into_iter()
            .find(|path| path.exists())?;
        let said = Notes::read(&fs::read_to_string(notes).unwrap_or_default(), 0).began_at;
        let changed = || {
            fs::metadata(file)
                .and_then(|about| about.modified())
                .ok()
                .map(Into::into)
        };
        said.or_else(changed)
    }

    /// Closes what is there of a part, and measures it. The same again, after a crash at any place. `WouldBlock` while
    /// somebody still writes it.
    pub(super) fn collect(&self, part: &Part, format: AudioFormat) -> io::Result<Collected> {
        let (draft, notes) = self.drafts(part, format);
        let whole = self.audio(part, format);
        if draft.exists() {
            finish(&draft, &whole, format)?;
        }
        let mut collected = Collected::default();
        if whole.exists() {
            let file = measure(&whole)?;
            if format == AudioFormat::Wav {
                collected.duration_ms = Some(wav::duration_ms(file.bytes));
            }
            collected.file = Some(file);
        }
        if let Ok(text) = fs::read_to_string(notes) {
            let notes = Notes::read(&text, collected.duration_ms.unwrap_or(0));
            collected.began_at = notes.began_at;
            collected.heard = Some(notes.heard);
        }
        Ok(collected)
    }

    /// Writes a part into the manifest of its recording.
    pub(super) fn note(&self, part: &Part, about: PartManifest) -> io::Result<()> {
        let path = self.manifest(part.room, part.recording);
        self.make_folder(part)?;
        let known = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let mut manifest: Manifest = known.unwrap_or_else(|| Manifest::of(part, vec![]));
        manifest.parts.retain(|known| known.part != about.part);
        manifest.parts.push(about);
        manifest.parts.sort_by_key(|part| part.part);
        write_whole(&path, &serde_json::to_vec_pretty(&manifest)?)
    }

    /// The part is noted: what its recorder left beside it is not needed any more.
    pub(super) fn tidy(&self, part: &Part, format: AudioFormat) -> io::Result<()> {
        gone(fs::remove_file(self.drafts(part, format).1))
    }

    /// Everything of a recording.
    pub(super) fn erase(&self, room: RoomId, recording: RecordingId) -> io::Result<()> {
        gone(fs::remove_dir_all(self.recording(room, recording)))?;
        let _ = fs::remove_dir(self.folder.join(room.to_string())); // if that was the last one
        Ok(())
    }
}

pub(super) fn file_name(part: &Part, format: AudioFormat) -> String {
    format!("{}.{}", part.stem(), extension(format))
}

/// What is not there is gone.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives a draft its name, once it is whole. One without any sound is none.
fn finish(draft: &Path, whole: &Path, format: AudioFormat) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(draft)?;
    file.try_lock().map_err(|refusal| match refusal {
        TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
        TryLockError::Error(error) => error,
    })?;
    let bytes = file.metadata()?.len();
    if format == AudioFormat::Wav {
        if bytes <= wav::HEAD_BYTES {
            return fs::remove_file(draft);
        }
        wav::complete(&mut file, bytes)?;
    }
    file.sync_all()?;
    fs::rename(draft, whole)?;
    sync_folder(whole)
}

fn measure(path: &Path) -> io::Result<RecordedFile> {
    let mut file = File::open(path)?;
    file.sync_all()?;
    let (mut hash, mut bytes, mut page) = (Sha256::new(), 0, vec![0; READ_BYTES]);
    loop {
        let read = file.read(&mut page)?;
        if read == 0 {
            break;
        }
        hash.update(&page[..read]);
        bytes += read as u64;
    }
    let sha256 = format!("{:x}", hash.finalize());
    Ok(RecordedFile { bytes, sha256 })
}

fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

fn sync_folder(of: &Path) -> io::Result<()> {
    of.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
