//! Which text somebody agreed to: the SHA-256 of it. The text itself is the shop's to keep.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

const BYTES: usize = 32;

/// Written as 64 hex digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TermsHash([u8; BYTES]);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be a SHA-256 in 64 hex digits")]
pub struct NoHash;

impl TermsHash {
    /// Of the text's bytes as they are.
    pub fn of(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }
}

impl FromStr for TermsHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let digits = text.as_bytes();
        if digits.len() != BYTES.saturating_mul(2) {
            return Err(NoHash);
        }
        let mut hash = [0; BYTES];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NoHash)?;
            if pair.starts_with('+') {
                return Err(NoHash);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NoHash)?;
        }
        Ok(Self(hash))
    }
}

impl TryFrom<String> for TermsHash {
    type Error = NoHash;

    fn try_from(text: String) -> Result<Self, NoHash> {
        text.parse()
    }
}

impl From<TermsHash> for String {
    fn from(hash: TermsHash) -> Self {
        hash.to_string()
    }
}

impl fmt::Display for TermsHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TermsHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TermsHash({self})")
    }
}
