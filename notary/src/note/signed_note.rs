//! A text and who signed it.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use thiserror::Error;

use super::{Cosigned, Signature, SigningKey, VerifierKey};

/// More than the 16 that everybody must take. A longer list is somebody's joke.
pub const SIGNATURES_MAX: usize = 64;
const BYTES_MAX: usize = 256 << 10;

/// A note as it is passed on: nothing in it is to be believed before a signature was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

/// Why a note is none, or is not believed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum NoteError {
    #[error("the note is longer than {BYTES_MAX} bytes")]
    TooLong,
    #[error("the note has more than {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    #[error("the note has a control character in it")]
    ControlCharacter,
    #[error("the note does not end with a blank line and signatures")]
    NoSignatures,
    #[error("signature line {0} of the note is malformed")]
    MalformedSignature(usize),
    #[error("the note is not signed by {0}")]
    NotSignedBy(String),
    #[error("the signature by {0} does not go with the note: it was changed, or is not theirs")]
    WrongSignature(String),
}

impl SignedNote {
    /// A text whose every line ends, signed.
    pub(crate) fn signed(text: String, key: &SigningKey) -> Self {
        let mut note = Self::unsigned(text);
        note.add(key.sign(note.text()));
        note
    }

    pub(super) fn unsigned(text: String) -> Self {
        Self {
            text,
            signatures: vec![],
        }
    }

    /// What is signed: with the newline at its end.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature, unless this key's is there already.
    pub fn add(&mut self, signature: Signature) {
        if !self.signatures.iter().any(|known| known.is_by_same_key(&signature)) {
            self.signatures.push(signature);
        }
    }

    /// Makes sure that the owner of `key` has signed this very text.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let signature = self.by(key)?;
        if key.verifies(&self.text, signature) {
            Ok(())
        } else {
            Err(NoteError::WrongSignature(key.name().to_owned()))
        }
    }

    /// The same for a witness; tells when it saw the text.
    pub fn verify_cosignature(&self, key: &VerifierKey) -> Result<Cosigned, NoteError> {
        let signature = self.by(key)?;
        key.verifies_cosignature(&self.text, signature)
            .ok_or_else(|| NoteError::WrongSignature(key.name().to_owned()))
    }

    fn by(&self, key: &VerifierKey) -> Result<&Signature, NoteError> {
        let mut signatures = self.signatures.iter();
        let found = signatures.find(|signature| signature.name() == key.name() && signature.key_id() == key.id());
        found.ok_or_else(|| NoteError::NotSignedBy(key.name().to_owned()))
    }
}

impl FromStr for SignedNote {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        if note.chars().any(|character| character < ' ' && character != '\n') {
            return Err(NoteError::ControlCharacter);
        }
        // The last empty line parts the text from the signatures.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let mut signatures = vec![];
        for (nth, line) in (1..).zip(lines.split('\n')) {
            if nth > SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(Signature::parse(line).ok_or(NoteError::MalformedSignature(nth))?);
        }
        Ok(Self {
            text: format!("{text}\n"),
            signatures,
        })
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_char('\n')?;
        for signature in &self.signatures {
            writeln!(f, "{signature}")?;
        }
        Ok(())
    }
}
