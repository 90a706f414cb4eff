//! XChaCha20-Poly1305 with what each message is bound to. Nonces are by chance: 24 bytes never meet twice.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use rand::Rng as _;
use secrecy::zeroize::Zeroizing;
use uuid::Uuid;

use crate::Sealed;

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) const NONCE_BYTES: usize = 24;

/// What a message is bound to: a label that no other begins with, and whose it is.
pub(crate) fn bound_to(label: &str, person: Uuid) -> Vec<u8> {
    [label.as_bytes(), &[0], person.as_bytes()].concat()
}

pub(crate) fn seal(key: &[u8; KEY_BYTES], bound_to: &[u8], text: &[u8]) -> Sealed {
    let nonce: [u8; NONCE_BYTES] = rand::rng().random();
    let message = Payload {
        msg: text,
        aad: bound_to,
    };
    let ciphertext = XChaCha20Poly1305::new(key.into())
        .encrypt(&nonce.into(), message)
        .expect("the cipher takes 256 GiB, and a text is in memory as a whole");
    Sealed { nonce, ciphertext }
}

/// `None` if it was sealed with another key, is bound to something else, or was changed: which of these cannot be told.
pub(crate) fn open(key: &[u8; KEY_BYTES], bound_to: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
    let message = Payload {
        msg: &sealed.ciphertext,
        aad: bound_to,
    };
    let opened = XChaCha20Poly1305::new(key.into()).decrypt(&sealed.nonce.into(), message);
    opened.ok().map(Zeroizing::new)
}
