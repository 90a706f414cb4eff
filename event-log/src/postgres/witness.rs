//! A witness outside the database: the last event this node has seen, in a file of its own.
//!
//! A server that took over behind the last one, or was restored from a backup, has lost its tail; nothing in the database
//! tells. The file does, up to the second between two writes; a process that lived through it remembers everything itself.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use sqlx::PgPool;
use thiserror::Error;

use super::read;
use crate::Head;

/// The log no longer holds what was seen there.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the log was forked: at position {} it held {} and holds {}", .seen.position, hex(&.seen.hash), found_text(.found.as_ref()))]
pub struct Fork {
    pub seen: Head,
    pub found: Option<[u8; 32]>,
}

impl Fork {
    /// Compares what was seen with what is stored at its position.
    pub(super) fn between(seen: Head, found: Option<&[u8]>) -> Option<Self> {
        let found = found.map(read::hash);
        let is_same = seen.position == 0 || found == Some(seen.hash);
        (!is_same).then_some(Self { seen, found })
    }
}

/// The file. Whoever writes it has the data folder to itself.
#[derive(Clone, Debug)]
pub struct Witness {
    path: PathBuf,
}

impl Witness {
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was seen last; the start of the log if there is no file.
    pub fn read(&self) -> io::Result<Head> {
        let text = match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Head::EMPTY),
            text => text?,
        };
        parse(&text).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "the witness file cannot be read"))
    }

    /// Whole or not at all, and on the disk when this returns.
    pub fn write(&self, head: Head) -> io::Result<()> {
        let draft = self.path.with_extension("draft");
        let mut file = File::create(&draft)?;
        writeln!(file, "{} {}", head.position, hex(&head.hash))?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Compares the file with the log.
    pub async fn check(&self, pool: &PgPool) -> Result<Option<Fork>, WitnessError> {
        let seen = self.read()?;
        let found = sqlx::query_scalar!(
            "SELECT hash FROM events WHERE position = $1",
            seen.position.cast_signed()
        )
        .fetch_optional(pool)
        .await?;
        Ok(Fork::between(seen, found.as_deref()))
    }
}

#[derive(Debug, Error)]
pub enum WitnessError {
    #[error("the witness file")]
    File(#[from] io::Error),
    #[error("the log")]
    Log(#[from] sqlx::Error),
}

fn parse(text: &str) -> Option<Head> {
    let (position, hash) = text.trim().split_once(' ')?;
    if hash.len() != 64 || !hash.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (nth, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hash.get(2 * nth..2 * nth + 2)?, 16).ok()?;
    }
    Some(Head {
        position: position.parse().ok()?,
        hash: bytes,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn found_text(found: Option<&[u8; 32]>) -> String {
    found.map_or_else(|| "nothing".to_owned(), |hash| hex(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let folder = std::env::temp_dir().join(format!("boxoffice-witness-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let witness = Witness::at(folder.join("witness"));
        assert_eq!(witness.read().unwrap(), Head::EMPTY);
        let head = Head {
            position: 7,
            hash: [0xa1; 32],
        };
        witness.write(head).unwrap();
        assert_eq!(witness.read().unwrap(), head);
        fs::write(witness.path(), "nonsense").unwrap();
        assert!(
            witness.read().is_err(),
            "a file that says nothing is no proof that nothing was lost"
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
