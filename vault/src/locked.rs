//! A text under lock: sealed with a key of its own, which is wrapped with the vault key.

use rand::RngCore as _;
use secrecy::zeroize::Zeroizing;
use thiserror::Error;
use uuid::Uuid;

use crate::aead::{self, KEY_BYTES, NONCE_BYTES, bound_to};
use crate::{KeyId, VaultKey};

/// How texts are locked here.
pub const VERSION: u16 = 1;
const DATA_KEY: &str = "boxoffice/vault/1/key";

/// A text that is legible again. It is wiped when it is dropped.
pub type Plain = Zeroizing<Vec<u8>>;

/// What a text is for: one that was sealed for something else does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// What a person says of themselves to others.
    Profile,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Self::Profile => "boxoffice/vault/1/profile",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    pub nonce: [u8; NONCE_BYTES],
    /// As long as the text, and 16 bytes by which a change is seen.
    pub ciphertext: Vec<u8>,
}

/// The key of a text, to be kept apart from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedKey {
    /// The vault key that unwraps it.
    pub vault_key: KeyId,
    pub sealed: Sealed,
}

/// Both halves of a text under lock. Neither says anything without the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Locked {
    pub version: u16,
    pub text: Sealed,
    pub key: WrappedKey,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum OpenError {
    #[error("it was locked with the vault key {0}, which is not the one here")]
    OtherKey(KeyId),
    #[error("it was locked in version {0}, which is not known here")]
    OtherVersion(u16),
    #[error("it was changed, or is somebody else's")]
    Damaged,
}

impl VaultKey {
    /// Locks a text of this person with a new key.
    pub fn lock(&self, person: Uuid, purpose: Purpose, text: &[u8]) -> Locked {
        let mut data_key = Zeroizing::new([0; KEY_BYTES]);
        rand::rng().fill_bytes(data_key.as_mut_slice());
        Locked {
            version: VERSION,
            text: aead::seal(&data_key, &bound_to(purpose.label(), person), text),
            key: self.wrap(person, data_key.as_slice()),
        }
    }

    pub fn open(&self, person: Uuid, purpose: Purpose, locked: &Locked) -> Result<Plain, OpenError> {
        if locked.version != VERSION {
            return Err(OpenError::OtherVersion(locked.version));
        }
        let data_key = self.unwrap(person, &locked.key)?;
        let data_key: &[u8; KEY_BYTES] = data_key.as_slice().try_into().map_err(|_| OpenError::Damaged)?;
        aead::open(data_key, &bound_to(purpose.label(), person), &locked.text).ok_or(OpenError::Damaged)
    }

    /// The same key of this person under another vault key: their text stays as it is, and opens with that one.
    pub fn rewrap(&self, person: Uuid, key: &WrappedKey, to: &Self) -> Result<WrappedKey, OpenError> {
        let data_key = self.unwrap(person, key)?;
        Ok(to.wrap(person, &data_key))
    }

    fn wrap(&self, person: Uuid, data_key: &[u8]) -> WrappedKey {
        WrappedKey {
            vault_key: self.id(),
            sealed: aead::seal(self.bytes(), &bound_to(DATA_KEY, person), data_key),
        }
    }

    fn unwrap(&self, person: Uuid, key: &WrappedKey) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if key.vault_key != self.id() {
            return Err(OpenError::OtherKey(key.vault_key));
        }
        aead::open(self.bytes(), &bound_to(DATA_KEY, person), &key.sealed).ok_or(OpenError::Damaged)
    }
}
