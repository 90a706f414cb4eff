//! A folder.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::PublishError;
use super::place::Publication;

pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn name(&self) -> String {
        format!("in {}", self.path.display())
    }

    pub(super) async fn read(&self) -> Result<Option<String>, PublishError> {
        let path = self.path.join(Publication::LATEST);
        blocking(move || match fs::read_to_string(path) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// The newest, and the one that stays unless there is one of this minute.
    pub(super) async fn write(&self, publication: &Publication, stays: bool) -> Result<(), PublishError> {
        let latest = self.path.join(Publication::LATEST);
        let lasting = stays.then(|| self.path.join(publication.lasting()));
        let note = publication.note.clone();
        blocking(move || {
            for path in lasting.iter().chain([&latest]) {
                write_whole(path, &note)?;
            }
            Ok(())
        })
        .await
    }
}

fn write_whole(path: &Path, note: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, PublishError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(std::io::Error::other)??)
}
