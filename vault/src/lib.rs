//! Sealing what is known of a person, so that it can be forgotten: each text has a data key of its own, which is wrapped with a
//! vault key that lies outside the database. Whoever has the rows and not the vault key reads nothing, and a text whose data key
//! was deleted is gone wherever copies of it are left.
//!
//! Invariants: a text and a data key open for the person, the purpose and the version that they were made for, and for nothing
//! else; no data key and no nonce is used for two texts; nothing secret is printed, and memory that held it is wiped.
//!
//! No database and no clock: where the rows are is the business of whoever keeps them.

mod aead;
mod key;
mod locked;
#[cfg(test)]
mod tests;

pub use key::{KeyError, KeyId, VaultKey};
pub use locked::{Locked, OpenError, Plain, Purpose, Sealed, VERSION, WrappedKey};
