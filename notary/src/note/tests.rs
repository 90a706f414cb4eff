//! Against the examples of the specifications, and against another implementation.

use ::signed_note::{Note, StandardVerifier, VerifierList};

use super::*;
use crate::tree::EMPTY_ROOT;

/// The example of the first implementation of signed notes, with its keys.
const POEM: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const POET: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const POETS_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

/// The example of `tlog-checkpoint`.
const SOFA: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

fn key(name: &str) -> SigningKey {
    SigningKey::log(name.parse().unwrap(), &[7; 32])
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: "shop.example/log".to_owned(),
        size: 20_852_163,
        root: [0xab; 32],
    }
}

#[test]
fn the_published_example_is_read_verified_and_made() {
    let note: SignedNote = POEM.parse().unwrap();
    assert_eq!(note.to_string(), POEM);
    let poet: VerifierKey = POET.parse().unwrap();
    assert_eq!(poet.to_string(), POET);
    note.verify(&poet).unwrap();
    let secret: SigningKey = POETS_SECRET.parse().unwrap();
    assert_eq!((secret.reveal().as_str(), secret.verifier()), (POETS_SECRET, poet));
    let mut made = SignedNote::unsigned(note.text().to_owned());
    made.add(secret.sign(made.text()));
    assert_eq!(made.to_string(), POEM);
}

#[test]
fn the_published_checkpoint_is_read() {
    let note: SignedNote = SOFA.parse().unwrap();
    assert_eq!(note.to_string(), SOFA);
    assert_eq!(note.signatures()[1].name(), "witness.example.com/w1");
    let checkpoint: Checkpoint = note.text().parse().unwrap();
    assert_eq!(
        (checkpoint.origin.as_str(), checkpoint.size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    assert_eq!(checkpoint.to_string(), note.text());
}

#[test]
fn what_we_sign_another_implementation_verifies() {
    let key = key("shop.example/log");
    let signed = checkpoint().sign(&key).to_string();
    let theirs = Note::from_bytes(signed.as_bytes()).unwrap();
    let judge = StandardVerifier::new(&key.verifier().to_string()).unwrap();
    let (verified, others) = theirs.verify(&VerifierList::new(vec![Box::new(judge)])).unwrap();
    assert_eq!((verified.len(), others.len()), (1, 0));
    let opened = Checkpoint::open(&signed, &key.verifier()).unwrap();
    assert_eq!(opened.checkpoint, checkpoint());
}

#[test]
fn a_checkpoint_is_believed_of_its_own_log_alone() {
    let key = key("shop.example/log");
    let signed = checkpoint().sign(&key).to_string();
    let changed = signed.replace("20852163", "20852164");
    let wrong = CheckpointError::Note(NoteError::WrongSignature("shop.example/log".to_owned()));
    assert_eq!(Checkpoint::open(&changed, &key.verifier()), Err(wrong));
    let stranger = SigningKey::log("shop.example/log".parse().unwrap(), &[8; 32]);
    let unsigned = CheckpointError::Note(NoteError::NotSignedBy("shop.example/log".to_owned()));
    assert_eq!(Checkpoint::open(&signed, &stranger.verifier()), Err(unsigned));
    let of_another = Checkpoint {
        origin: "other.example".to_owned(),
        ..checkpoint()
    };
    let other_log = Checkpoint::open(&of_another.sign(&key).to_string(), &key.verifier());
    assert!(matches!(other_log, Err(CheckpointError::OtherLog { .. })));
}

#[test]
fn a_witness_says_when_it_saw_a_checkpoint() {
    let log = key("shop.example/log");
    let witness = SigningKey::witness("witness.example/w1".parse().unwrap(), &[9; 32]);
    let mut note = checkpoint().sign(&log);
    note.add(witness.cosign(note.text(), 1_679_315_147));
    note.add(witness.cosign(note.text(), 1_679_315_148));
    assert_eq!(note.signatures().len(), 2, "one signature of a key is enough");
    let read: SignedNote = note.to_string().parse().unwrap();
    read.verify(&log.verifier()).unwrap();
    let cosigned = read.verify_cosignature(&witness.verifier()).unwrap();
    assert_eq!(cosigned.at, 1_679_315_147);
    assert!(
        read.verify(&witness.verifier()).is_err(),
        "it does not speak for the log"
    );
    let verifier: VerifierKey = witness.verifier().to_string().parse().unwrap();
    assert!(verifier.is_witness() && verifier == witness.verifier());
}

#[test]
fn what_is_no_note_is_refused_by_what_is_wrong_with_it() {
    let line = POEM.lines().last().unwrap();
    let of = |note: &str| note.parse::<SignedNote>();
    assert_eq!(of(""), Err(NoteError::NoSignatures));
    assert_eq!(of("text\n"), Err(NoteError::NoSignatures));
    assert_eq!(of(POEM.trim_end()), Err(NoteError::NoSignatures));
    assert_eq!(of("text\n\nPeter said so\n"), Err(NoteError::MalformedSignature(1)));
    assert_eq!(
        of(&format!("text\n\n{line}\n\u{2014} a b\n")),
        Err(NoteError::MalformedSignature(2))
    );
    assert_eq!(of(&format!("te\rxt\n\n{line}\n")), Err(NoteError::ControlCharacter));
    let many = format!("text\n\n{}", format!("{line}\n").repeat(SIGNATURES_MAX + 1));
    assert_eq!(of(&many), Err(NoteError::TooManySignatures));
    assert_eq!(of(&"long\n".repeat(100_000)), Err(NoteError::TooLong));
    // An empty line may be in the text: the last one counts.
    assert_eq!(of(&format!("one\n\ntwo\n\n{line}\n")).unwrap().text(), "one\n\ntwo\n");
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let of = |text: &str| text.parse::<Checkpoint>();
    let root = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, EMPTY_ROOT);
    assert!(of(&format!("log\n0\n{root}\n")).is_ok());
    assert!(of(&format!("log\n0\n{root}\nsomebody's extension\n")).is_ok());
    for wrong in [
        format!("log\n0\n{root}"),
        format!("log\n00\n{root}\n"),
        format!("log\n+1\n{root}\n"),
        format!("log\n-1\n{root}\n"),
        format!("\n0\n{root}\n"),
        format!("log\n0\n{root}\n\nmore\n"),
        "log\n0\nAAAA\n".to_owned(),
        "log\n0\n".to_owned(),
    ] {
        assert!(matches!(of(&wrong), Err(CheckpointError::Malformed(_))), "{wrong}");
    }
}

#[test]
fn a_key_that_was_copied_wrongly_is_noticed_and_a_secret_is_not_shown() {
    assert_eq!(
        POET.replace("c74f", "c74e").parse::<VerifierKey>(),
        Err(KeyError::WrongId)
    );
    assert_eq!(
        POET.replace("Peter", "Pater").parse::<VerifierKey>(),
        Err(KeyError::WrongId)
    );
    assert_eq!("Peter".parse::<VerifierKey>(), Err(KeyError::NoVerifierKey));
    assert_eq!(POET.parse::<SigningKey>().map(drop), Err(KeyError::NoSigningKey));
    for name in ["", "two words", "one+two", &"long".repeat(64)] {
        assert_eq!(name.parse::<KeyName>(), Err(KeyError::BadName));
    }
    let shown = format!("{:?}", POETS_SECRET.parse::<SigningKey>().unwrap());
    assert!(shown.contains("PeterNeumann") && !shown.contains("AYEKF"), "{shown}");
    let (one, other) = (
        SigningKey::random("a".parse().unwrap()),
        SigningKey::random("a".parse().unwrap()),
    );
    assert_ne!(one.reveal(), other.reveal());
}
