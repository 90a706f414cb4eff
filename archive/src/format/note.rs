//! A line of the checkpoints: a signed note, and how many events it is about.

use std::io::{self, BufRead, Read as _, Write as _};

use serde::{Deserialize, Serialize};
use zstd::Encoder;

use super::{LEVEL, NOTE_LINE_MAX};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteLine {
    pub(crate) size: u64,
    pub(crate) note: String,
}

/// The whole file.
pub(crate) fn write_notes(notes: &[NoteLine]) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(vec![], LEVEL)?;
    encoder.include_checksum(true)?;
    for note in notes {
        serde_json::to_writer(&mut encoder, note)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()
}

/// The next line of the text; `None` at its end.
pub(crate) fn read_note(text: &mut dyn BufRead) -> io::Result<Option<NoteLine>> {
    let mut line = vec![];
    let length = text.take(NOTE_LINE_MAX).read_until(b'\n', &mut line)?;
    if length == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line does not end"));
    }
    Ok(serde_json::from_slice(&line).map(Some)?)
}
