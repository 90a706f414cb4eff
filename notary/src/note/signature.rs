//! One line of signatures: `— <name> <base64 of key id and signature>`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::KeyName;

const BEGIN: &str = "\u{2014} ";

/// A signature as it stands in a note, verified or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    name: KeyName,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

/// What a witness says by its signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cosigned {
    /// When it had seen nothing newer, in seconds since 1970.
    pub at: u64,
}

impl Signature {
    pub(super) const fn new(name: KeyName, key_id: [u8; 4], bytes: Vec<u8>) -> Self {
        Self { name, key_id, bytes }
    }

    /// `None` if the line is none of a note's.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(BEGIN)?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (key_id, bytes) = decoded.split_first_chunk::<4>()?;
        Some(Self {
            name: name.parse().ok()?,
            key_id: *key_id,
            bytes: bytes.to_vec(),
        })
    }

    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    pub const fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_by_same_key(&self, other: &Self) -> bool {
        self.name == other.name && self.key_id == other.key_id
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id[..], &self.bytes].concat();
        write!(f, "{BEGIN}{} {}", self.name.as_str(), STANDARD.encode(bytes))
    }
}
