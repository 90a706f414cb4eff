//! What opens, and everything that does not.

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::aead;
use crate::{KeyError, KeyId, Locked, OpenError, Purpose, Sealed, VERSION, VaultKey, WrappedKey};

const ALICE: Uuid = Uuid::from_u128(0xa11ce);
const BOB: Uuid = Uuid::from_u128(0xb0b);
const NAME: &[u8] = "Alice Liddell, 愛麗絲".as_bytes();

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn key(text: &str) -> VaultKey {
    text.parse().unwrap()
}

/// The vector of draft-irtf-cfrg-xchacha, appendix A.3.1.
#[test]
fn the_cipher_is_the_published_one() {
    let key = array("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    let associated = bytes("50515253c0c1c2c3c4c5c6c7");
    let sealed = Sealed {
        nonce: array("404142434445464748494a4b4c4d4e4f5051525354555657"),
        ciphertext: bytes(concat!(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb",
            "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452",
            "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
            "21f9664c97637da9768812f615c68b13b52e",
            "c0875924c1c7987947deafd8780acf49",
        )),
    };
    let plain = aead::open(&key, &associated, &sealed).unwrap();
    let sunscreen = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                     sunscreen would be it.";
    assert_eq!(plain.as_slice(), sunscreen.as_bytes());
}

#[test]
fn what_was_locked_opens_for_its_person_alone() {
    let vault = VaultKey::random();
    let locked = vault.lock(ALICE, Purpose::Profile, NAME);
    assert_eq!(vault.open(ALICE, Purpose::Profile, &locked).unwrap().as_slice(), NAME);
    assert_eq!(vault.open(BOB, Purpose::Profile, &locked), Err(OpenError::Damaged));
    let again = key(vault.reveal().expose_secret());
    assert_eq!(again.open(ALICE, Purpose::Profile, &locked).unwrap().as_slice(), NAME);
}

#[test]
fn each_text_has_a_key_of_its_own() {
    let vault = VaultKey::random();
    let first = vault.lock(ALICE, Purpose::Profile, NAME);
    let second = vault.lock(ALICE, Purpose::Profile, NAME);
    for crossed in [
        Locked {
            key: second.key.clone(),
            ..first.clone()
        },
        Locked {
            text: second.text.clone(),
            ..first.clone()
        },
    ] {
        assert_eq!(vault.open(ALICE, Purpose::Profile, &crossed), Err(OpenError::Damaged));
    }
    assert!(first.text.nonce != second.text.nonce && first.key.sealed.nonce != second.key.sealed.nonce);
}

/// Rows and a key as version 1 made them: they open for ever.
#[test]
fn what_was_locked_before_opens() {
    let vault = key("VAULT+KEY+c6b1ccf274ef0842+97Z9jFovp2MLuM50dpQnMuJ9hnWTUgBE36FliL2tRqI=");
    let locked = Locked {
        version: VERSION,
        text: Sealed {
            nonce: array("9161bd2b9d98841ae793fdff22e5111fe49de32220158a15"),
            ciphertext: bytes("09a4a2ec2bd6a92c261204aaa0cf24320e667c5bed8c8273be145113ae538ec67833cbfa6fe5b6ae"),
        },
        key: WrappedKey {
            vault_key: KeyId::from_bytes(array("c6b1ccf274ef0842")),
            sealed: Sealed {
                nonce: array("fe025911c3dbb8d8771761ea0865a43fc1a12800508de5d7"),
                ciphertext: bytes(concat!(
                    "35588766f66a46fb98351d047b624d02efb5318687dddf80",
                    "3f1843723641172bf4dfe0346230fa206646c193b27d3063",
                )),
            },
        },
    };
    let opened = vault.open(ALICE, Purpose::Profile, &locked).unwrap();
    assert_eq!(opened.as_slice(), NAME);
}

/// Somebody who may write to the database exchanges whole rows of two people, text and key.
#[test]
fn rows_of_another_person_do_not_open() {
    let vault = VaultKey::random();
    let bobs = vault.lock(BOB, Purpose::Profile, b"Bob");
    assert_eq!(vault.open(ALICE, Purpose::Profile, &bobs), Err(OpenError::Damaged));
}

#[test]
fn another_vault_key_and_another_version_are_named() {
    let (vault, other) = (VaultKey::random(), VaultKey::random());
    let locked = vault.lock(ALICE, Purpose::Profile, NAME);
    let refused = other.open(ALICE, Purpose::Profile, &locked);
    assert_eq!(refused, Err(OpenError::OtherKey(vault.id())));
    // Who forges the id has not got the key.
    let mut forged = locked.clone();
    forged.key.vault_key = other.id();
    assert_eq!(other.open(ALICE, Purpose::Profile, &forged), Err(OpenError::Damaged));
    let newer = Locked { version: 2, ..locked };
    let refused = vault.open(ALICE, Purpose::Profile, &newer);
    assert_eq!(refused, Err(OpenError::OtherVersion(2)));
}

#[test]
fn a_key_that_was_wrapped_anew_opens_the_same_text_with_the_new_vault_key_alone() {
    let (old, new) = (VaultKey::random(), VaultKey::random());
    let locked = old.lock(ALICE, Purpose::Profile, NAME);
    let rewrapped = Locked {
        key: old.rewrap(ALICE, &locked.key, &new).unwrap(),
        ..locked.clone()
    };
    assert_eq!(new.open(ALICE, Purpose::Profile, &rewrapped).unwrap().as_slice(), NAME);
    assert_eq!(
        old.open(ALICE, Purpose::Profile, &rewrapped),
        Err(OpenError::OtherKey(new.id()))
    );
    // Neither somebody else's, nor what was wrapped anew already, nor what was changed.
    assert_eq!(old.rewrap(BOB, &locked.key, &new), Err(OpenError::Damaged));
    assert_eq!(
        old.rewrap(ALICE, &rewrapped.key, &new),
        Err(OpenError::OtherKey(new.id()))
    );
    let mut damaged = locked.key;
    damaged.sealed.ciphertext[0] ^= 1;
    assert_eq!(old.rewrap(ALICE, &damaged, &new), Err(OpenError::Damaged));
}

#[test]
fn a_key_is_read_as_it_was_written_and_a_wrong_copy_is_told() {
    let vault = VaultKey::random();
    let secret = vault.reveal();
    let secret = secret.expose_secret();
    assert_eq!(key(&format!(" {secret}\n")).id(), vault.id());
    let (head, encoded) = secret.rsplit_once('+').unwrap_or_default();
    assert!(!format!("{vault:?}").contains(encoded));
    let other = VaultKey::random().reveal();
    let (_, others) = other.expose_secret().split_at("VAULT+KEY+0123456789abcdef+".len());
    let (start, _) = secret.split_at("VAULT+KEY+0123456789abcdef+".len());
    let mixed = format!("{start}{others}").parse::<VaultKey>().unwrap_err();
    assert_eq!(mixed, KeyError::WrongId);
    for wrong in ["", "hunter2", head, "VAULT+KEY+0123456789abcdef+AAAA"] {
        assert_eq!(wrong.parse::<VaultKey>().unwrap_err(), KeyError::NoVaultKey, "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_changed_byte_anywhere_is_seen(
        text in prop::collection::vec(any::<u8>(), 0..400),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let vault = VaultKey::random();
        let locked = vault.lock(ALICE, Purpose::Profile, &text);
        let opened = vault.open(ALICE, Purpose::Profile, &locked).unwrap();
        prop_assert_eq!(opened.as_slice(), &text[..]);
        let mut changed = locked.clone();
        let parts: [&mut [u8]; 4] = [
            &mut changed.text.nonce,
            &mut changed.text.ciphertext,
            &mut changed.key.sealed.nonce,
            &mut changed.key.sealed.ciphertext,
        ];
        let mut all: Vec<&mut u8> = parts.into_iter().flatten().collect();
        let at = at.index(all.len());
        *all[at] ^= flip;
        prop_assert_eq!(vault.open(ALICE, Purpose::Profile, &changed), Err(OpenError::Damaged));
    }
}
