//! Keys of the log and of witnesses, in the form in which they are handed around.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{Cosigned, Signature};

/// Bytes of a name, as everybody takes it who has to write its length into one byte.
const NAME_BYTES_MAX: usize = 255;
const PRIVATE: &str = "PRIVATE+KEY+";
/// The signature types of `signed-note`: a log's, and a witness's.
const ED25519: u8 = 0x01;
const COSIGNATURE: u8 = 0x04;
/// The first line of what a witness signs.
const COSIGNED: &str = "cosignature/v1";

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum KeyError {
    #[error("a key's name is 1 to {NAME_BYTES_MAX} bytes without spaces and plus signs")]
    BadName,
    #[error("a verifier key is `<name>+<id>+<base64>`")]
    NoVerifierKey,
    #[error("a signing key is `PRIVATE+KEY+<name>+<id>+<base64>`")]
    NoSigningKey,
    #[error("the key's id does not go with its name and bytes: it was copied wrongly")]
    WrongId,
    #[error("the key is of a kind that is not known here")]
    UnknownKind,
}

/// Who signs: most often an address without its scheme.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KeyName(String);

impl KeyName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        let is_bad = |character: char| character.is_whitespace() || character.is_control() || character == '+';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(is_bad) {
            return Err(KeyError::BadName);
        }
        Ok(Self(name.to_owned()))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Log,
    Witness,
}

/// What others verify signatures with. Prints as what it is read from, and may be given to everybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierKey {
    name: KeyName,
    kind: Kind,
    key: VerifyingKey,
}

impl VerifierKey {
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, self.kind.byte(), self.key.as_bytes())
    }

    /// Whether it is a witness's, whose signatures carry the time.
    pub fn is_witness(&self) -> bool {
        self.kind == Kind::Witness
    }

    pub(super) fn verifies(&self, text: &str, signature: &Signature) -> bool {
        self.kind == Kind::Log && self.is_signed(text.as_bytes(), signature.bytes())
    }

    pub(super) fn verifies_cosignature(&self, text: &str, signature: &Signature) -> Option<Cosigned> {
        let (time, bytes) = signature.bytes().split_first_chunk::<8>()?;
        let at = u64::from_be_bytes(*time);
        let is_cosigned = self.kind == Kind::Witness && self.is_signed(cosigned(at, text).as_bytes(), bytes);
        is_cosigned.then_some(Cosigned { at })
    }

    fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else {
            return false;
        };
        self.key.verify_strict(message, &signature).is_ok()
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, bytes) = parts(text.trim()).ok_or(KeyError::NoVerifierKey)?;
        let (kind, key) = bytes.split_first().ok_or(KeyError::NoVerifierKey)?;
        let kind = Kind::of(*kind)?;
        let key: &[u8; 32] = key.try_into().map_err(|_| KeyError::NoVerifierKey)?;
        if id != key_id(&name, kind.byte(), key) {
            return Err(KeyError::WrongId);
        }
        let key = VerifyingKey::from_bytes(key).map_err(|_| KeyError::NoVerifierKey)?;
        Ok(Self { name, kind, key })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[self.kind.byte()], &self.key.as_bytes()[..]].concat();
        write!(f, "{}+{}+{}", self.name(), hex(self.id()), STANDARD.encode(bytes))
    }
}

/// What signs. It shows itself to nobody but who asks for it by [`Self::reveal`].
#[derive(Clone)]
pub struct SigningKey {
    name: KeyName,
    kind: Kind,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// A log's key out of 32 bytes of chance.
    pub fn log(name: KeyName, seed: &[u8; 32]) -> Self {
        Self::new(name, Kind::Log, seed)
    }

    /// A witness's.
    pub fn witness(name: KeyName, seed: &[u8; 32]) -> Self {
        Self::new(name, Kind::Witness, seed)
    }

    /// A log's key that nobody has ever seen.
    pub fn random(name: KeyName) -> Self {
        Self::log(name, &rand::random())
    }

    fn new(name: KeyName, kind: Kind, seed: &[u8; 32]) -> Self {
        Self {
            name,
            kind,
            key: ed25519_dalek::SigningKey::from_bytes(seed),
        }
    }

    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    pub fn verifier(&self) -> VerifierKey {
        VerifierKey {
            name: self.name.clone(),
            kind: self.kind,
            key: self.key.verifying_key(),
        }
    }

    /// Signs a text whose every line ends, as a log does.
    pub(super) fn sign(&self, text: &str) -> Signature {
        let bytes = self.key.sign(text.as_bytes()).to_bytes();
        self.signature(bytes.to_vec())
    }

    /// Signs what was seen at a time, as a witness does.
    pub fn cosign(&self, text: &str, at: u64) -> Signature {
        let bytes = self.key.sign(cosigned(at, text).as_bytes()).to_bytes();
        self.signature([&at.to_be_bytes()[..], &bytes].concat())
    }

    fn signature(&self, bytes: Vec<u8>) -> Signature {
        Signature::new(self.name.clone(), self.verifier().id(), bytes)
    }

    /// The secret, as it is read from.
    pub fn reveal(&self) -> String {
        let bytes = [&[self.kind.byte()], &self.key.to_bytes()[..]].concat();
        let id = hex(self.verifier().id());
        format!("{PRIVATE}{}+{id}+{}", self.name(), STANDARD.encode(bytes))
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let rest = text.trim().strip_prefix(PRIVATE).ok_or(KeyError::NoSigningKey)?;
        let (name, id, bytes) = parts(rest).ok_or(KeyError::NoSigningKey)?;
        let (kind, seed) = bytes.split_first().ok_or(KeyError::NoSigningKey)?;
        let seed: &[u8; 32] = seed.try_into().map_err(|_| KeyError::NoSigningKey)?;
        let key = Self::new(name, Kind::of(*kind)?, seed);
        if key.verifier().id() == id {
            Ok(key)
        } else {
            Err(KeyError::WrongId)
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, …)", self.name())
    }
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Log => ED25519,
            Self::Witness => COSIGNATURE,
        }
    }

    const fn of(byte: u8) -> Result<Self, KeyError> {
        match byte {
            ED25519 => Ok(Self::Log),
            COSIGNATURE => Ok(Self::Witness),
            _ => Err(KeyError::UnknownKind),
        }
    }
}

/// `<name>+<id>+<base64>`; the base64 may have plus signs of its own.
fn parts(text: &str) -> Option<(KeyName, [u8; 4], Vec<u8>)> {
    let (name, rest) = text.split_once('+')?;
    let (id, encoded) = rest.split_once('+')?;
    let id = Some(id).filter(|id| id.len() == 8)?;
    let id = u32::from_str_radix(id, 16).ok()?.to_be_bytes();
    Some((name.parse().ok()?, id, STANDARD.decode(encoded).ok()?))
}

fn key_id(name: &KeyName, kind: u8, key: &[u8; 32]) -> [u8; 4] {
    let hash = Sha256::new()
        .chain_update(name.as_str())
        .chain_update([b'\n', kind])
        .chain_update(key)
        .finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

fn cosigned(at: u64, text: &str) -> String {
    format!("{COSIGNED}\ntime {at}\n{text}")
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
