//! PostgreSQL's binary COPY format: a signature, rows of length-prefixed fields, an end mark.

use crate::CheckError;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Flags and the length of an extension, which no version has.
const HEADER: usize = SIGNATURE.len() + 8;
/// Read so many bytes are forgotten together.
const COMPACT_AT: usize = 1 << 20;
const END: u16 = 0xffff;
/// 2000-01-01, from where PostgreSQL counts time, in microseconds since 1970.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// What has arrived and is not read yet.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    at: usize,
    has_header: bool,
}

impl Rows {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.at >= COMPACT_AT {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next row that has arrived whole.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, CheckError> {
        if !self.has_header {
            if self.bytes.len() < HEADER {
                return Ok(None);
            }
            if !self.bytes.starts_with(SIGNATURE) {
                return Err(CheckError::Copy("no signature"));
            }
            self.has_header = true;
            self.at = HEADER;
        }
        let rest = &self.bytes[self.at..];
        let Some(length) = row_length(rest)? else {
            return Ok(None);
        };
        self.at += length;
        Ok(Some(Row { rest: &rest[2..length] }))
    }
}

/// How long the row is that `bytes` begins with; `None` if it has not arrived, or was the last.
fn row_length(bytes: &[u8]) -> Result<Option<usize>, CheckError> {
    let Some(fields) = bytes.first_chunk().copied().map(u16::from_be_bytes) else {
        return Ok(None);
    };
    if fields == END {
        return Ok(None);
    }
    let mut length = 2;
    for _ in 0..fields {
        let Some(field) = bytes.get(length..).and_then(|rest| rest.first_chunk().copied()) else {
            return Ok(None);
        };
        let field = usize::try_from(i32::from_be_bytes(field)).map_err(|_| CheckError::Copy("a null"))?;
        length += 4 + field;
    }
    Ok((bytes.len() >= length).then_some(length))
}

/// Fields, read one after the other.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    rest: &'a [u8],
}

impl<'a> Row<'a> {
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], CheckError> {
        let (length, rest) = self.rest.split_first_chunk().ok_or(CheckError::Copy("a short row"))?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| CheckError::Copy("a null"))?;
        let (field, rest) = rest.split_at_checked(length).ok_or(CheckError::Copy("a short field"))?;
        self.rest = rest;
        Ok(field)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, CheckError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| CheckError::Copy("a text that is not UTF-8"))
    }

    pub(crate) fn bigint(&mut self) -> Result<i64, CheckError> {
        let bytes = self.bytes()?.try_into();
        bytes.map(i64::from_be_bytes).map_err(|_| CheckError::Copy("no bigint"))
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, CheckError> {
        Ok(self.bytes()? != [0])
    }

    /// A time in microseconds since 1970.
    pub(crate) fn micros(&mut self) -> Result<i64, CheckError> {
        Ok(self.bigint()?.saturating_add(EPOCH_MICROS))
    }
}
