//! The vault key: the one secret that is not in the database.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngCore as _;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::aead::KEY_BYTES;

const PREFIX: &str = "VAULT+KEY+";
const ID_LABEL: &[u8] = b"boxoffice/vault/1/id\0";
const ID_BYTES: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum KeyError {
    #[error("a vault key is `VAULT+KEY+<id>+<base64>`")]
    NoVaultKey,
    #[error("the key's id does not go with its bytes: it was copied wrongly")]
    WrongId,
}

/// By which rows say which vault key they need. It says nothing of the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; ID_BYTES]);

impl KeyId {
    pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }

    fn of(key: &[u8; KEY_BYTES]) -> Self {
        let hash = Sha256::new().chain_update(ID_LABEL).chain_update(key).finalize();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&hash[..ID_BYTES]);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Wraps the keys of texts. Printed as its id.
pub struct VaultKey {
    secret: SecretBox<[u8; KEY_BYTES]>,
    id: KeyId,
}

impl VaultKey {
    pub fn random() -> Self {
        Self::filled(|bytes| rand::rng().fill_bytes(bytes))
    }

    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The secret, as it is read from.
    pub fn reveal(&self) -> SecretString {
        let encoded = Zeroizing::new(STANDARD.encode(self.bytes()));
        SecretString::from(format!("{PREFIX}{}+{}", self.id, *encoded))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.secret.expose_secret()
    }

    fn filled(fill: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
        let secret = SecretBox::init_with_mut(fill);
        let id = KeyId::of(secret.expose_secret());
        Self { secret, id }
    }
}

impl FromStr for VaultKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let rest = text.trim().strip_prefix(PREFIX).ok_or(KeyError::NoVaultKey)?;
        // The base64 may have plus signs of its own.
        let (id, encoded) = rest.split_once('+').ok_or(KeyError::NoVaultKey)?;
        let decoded = STANDARD.decode(encoded).map_err(|_| KeyError::NoVaultKey)?;
        let decoded = Zeroizing::new(decoded);
        let bytes: &[u8; KEY_BYTES] = decoded.as_slice().try_into().map_err(|_| KeyError::NoVaultKey)?;
        let key = Self::filled(|secret| secret.copy_from_slice(bytes));
        if key.id.to_string() == id {
            Ok(key)
        } else {
            Err(KeyError::WrongId)
        }
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultKey({}, …)", self.id)
    }
}
