//! Receipts of a small log, and what becomes of them in the hands of forgers.

use chrono::DateTime;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::note::{Checkpoint, SignedNote, SigningKey};
use crate::tree::{Frontier, Hash, NodeSource, inclusion_ranges, prove};

const TICKET: &str = "01930000-0000-7000-8000-000000000001";
const ROOM: &str = "01930000-0000-7000-8000-00000000000a";

fn key() -> SigningKey {
    SigningKey::log("shop.example/log".parse().unwrap(), &[1; 32])
}

fn entry(position: u64, aggregate_type: &str, aggregate_id: &str, event_type: &str, payload: &str) -> Entry {
    let metadata = r#"{"actor_id":"somebody"}"#;
    Entry {
        position,
        aggregate_type: aggregate_type.to_owned(),
        aggregate_id: aggregate_id.to_owned(),
        sequence: position,
        event_type: event_type.to_owned(),
        event_version: "1".to_owned(),
        recorded_at: DateTime::from_timestamp_micros(1_796_000_000_123_456).unwrap(),
        payload: Some(payload.to_owned()),
        payload_sha256: Sha256::digest(payload).into(),
        metadata: Some(metadata.to_owned()),
        metadata_sha256: Sha256::digest(metadata).into(),
    }
}

fn log() -> Vec<Entry> {
    vec![
        entry(1, "room", ROOM, "room_scheduled", r#"{"type":"room_scheduled"}"#),
        entry(
            2,
            "room",
            ROOM,
            "seat_held",
            &format!(r#"{{"type":"seat_held","ticket_id":"{TICKET}"}}"#),
        ),
        entry(3, "ticket", TICKET, "ticket_issued", r#"{"type":"ticket_issued"}"#),
        entry(4, "ticket", TICKET, "ticket_admitted", r#"{"type":"ticket_admitted"}"#),
        entry(5, "room", ROOM, "seat_sold", r#"{"type":"seat_sold"}"#),
    ]
}

struct Leaves(Vec<Hash>);

impl NodeSource for Leaves {
    fn node(&self, level: u32, index: u64) -> Option<Hash> {
        let from = usize::try_from(index << level).ok()?;
        let mut subtree = Frontier::new();
        subtree.extend(self.0.get(from..from + (1 << level))?.iter().copied());
        Some(subtree.root())
    }
}

fn receipt(position: u64, subject: Subject) -> Receipt {
    let leaves = Leaves(log().iter().map(|entry| entry.leaf().unwrap()).collect());
    let (size, index) = (5, position - 1);
    let mut frontier = Frontier::new();
    frontier.extend(leaves.0.iter().copied());
    let checkpoint = Checkpoint {
        origin: key().name().to_owned(),
        size,
        root: frontier.root(),
    };
    Receipt {
        format: FORMAT.to_owned(),
        subject,
        entry: log().swap_remove(usize::try_from(index).unwrap()),
        proof: prove(&inclusion_ranges(index, size), &leaves).unwrap(),
        checkpoint: checkpoint.sign(&key()).to_string(),
    }
}

fn of_ticket(position: u64) -> Receipt {
    let ticket_id = TICKET.to_owned();
    receipt(position, Subject::Ticket { ticket_id })
}

fn refusal() -> Refusal {
    Refusal {
        origin: key().name().to_owned(),
        room_id: ROOM.to_owned(),
        position: 5,
        sequence: 5,
        room: Quota {
            seats: 1,
            held: 0,
            sold: 1,
        },
        waiting: None,
        tiers: vec![],
        code: None,
    }
}

fn of_refusal(refusal: &Refusal) -> Receipt {
    of_refused_code(refusal, None)
}

fn of_refused_code(refusal: &Refusal, promo_code: Option<&str>) -> Receipt {
    let subject = Subject::Refusal {
        room_id: ROOM.to_owned(),
        statement: refusal.sign(&key()).to_string(),
        promo_code: promo_code.map(str::to_owned),
    };
    let mut receipt = receipt(5, subject);
    receipt.entry = receipt.entry.sealed();
    receipt
}

#[test]
fn a_receipt_is_kept_as_a_file_and_holds() {
    let file = serde_json::to_string_pretty(&of_ticket(3)).unwrap();
    let read: Receipt = serde_json::from_str(&file).unwrap();
    assert_eq!(read, of_ticket(3));
    let verified = read.verify(&key().verifier()).unwrap();
    assert_eq!((verified.checkpoint.size, verified.refusal), (5, None));
    of_ticket(2)
        .verify(&key().verifier())
        .expect("a hold is a ticket's beginning");
    assert!(serde_json::from_str::<Receipt>(&file.replacen('{', "{\"more\": 1,", 1)).is_err());
}

#[test]
fn whatever_is_changed_in_a_receipt_is_noticed() {
    let verify = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = of_ticket(3);
        change(&mut receipt);
        receipt.verify(&key().verifier())
    };
    let not_in_log = |found: Result<Verified, ReceiptError>| matches!(found, Err(ReceiptError::NotInLog { .. }));
    assert!(not_in_log(verify(&|receipt| receipt.entry.position = 4)));
    assert!(not_in_log(verify(&|receipt| receipt.entry.position = 0)));
    assert!(not_in_log(verify(&|receipt| receipt.entry.sequence += 1)));
    assert!(not_in_log(verify(
        &|receipt| receipt.entry.recorded_at += chrono::TimeDelta::microseconds(1)
    )));
    assert!(not_in_log(verify(
        &|receipt| receipt.entry.event_version = "2".to_owned()
    )));
    assert!(not_in_log(verify(&|receipt| receipt.proof[0][0] ^= 1)));
    let payload = verify(&|receipt| receipt.entry.payload = Some("{}".to_owned()));
    assert_eq!(payload, Err(ReceiptError::OtherContent("payload")));
    let metadata = verify(&|receipt| receipt.entry.metadata = Some("{}".to_owned()));
    assert_eq!(metadata, Err(ReceiptError::OtherContent("metadata")));
    let another = verify(&|receipt| {
        receipt.subject = Subject::Ticket {
            ticket_id: ROOM.to_owned(),
        };
    });
    assert!(matches!(another, Err(ReceiptError::OtherSubject(_))));
    let format = verify(&|receipt| receipt.format = "boxoffice/receipt/2".to_owned());
    assert!(matches!(format, Err(ReceiptError::UnknownFormat(_))));
    let checkpoint = verify(&|receipt| receipt.checkpoint = receipt.checkpoint.replace("\n5\n", "\n6\n"));
    assert!(matches!(checkpoint, Err(ReceiptError::Checkpoint(_))));
    let admitted = of_ticket(4).verify(&key().verifier());
    assert!(
        matches!(admitted, Err(ReceiptError::OtherSubject(_))),
        "that gives nobody a ticket"
    );
    let stranger = SigningKey::log("shop.example/log".parse().unwrap(), &[2; 32]);
    assert!(of_ticket(3).verify(&stranger.verifier()).is_err());
}

#[test]
fn a_refusal_is_proved_without_showing_others_events() {
    let receipt = of_refusal(&refusal());
    assert!(receipt.entry.payload.is_none() && receipt.entry.metadata.is_none());
    let verified = receipt.verify(&key().verifier()).unwrap();
    assert_eq!(verified.refusal, Some(refusal()));
    let with_tiers = Refusal {
        room: Quota {
            seats: 9,
            held: 0,
            sold: 1,
        },
        tiers: vec![(
            "early".to_owned(),
            Quota {
                seats: 1,
                held: 1,
                sold: 0,
            },
        )],
        ..refusal()
    };
    let verified = of_refusal(&with_tiers).verify(&key().verifier()).unwrap();
    assert_eq!(verified.refusal, Some(with_tiers));
}

#[test]
fn a_statement_that_does_not_go_with_the_event_proves_nothing() {
    let verify = |refusal: &Refusal| of_refusal(refusal).verify(&key().verifier());
    let elsewhere = Refusal {
        position: 4,
        ..refusal()
    };
    assert_eq!(verify(&elsewhere), Err(ReceiptError::OtherStatement));
    let mut free = refusal();
    free.room.seats = 2;
    assert_eq!(verify(&free), Err(ReceiptError::SeatsWereFree));
    let other_log = Refusal {
        origin: "other.example".to_owned(),
        ..refusal()
    };
    let of_another = StatementError::OtherLog {
        expected: key().name().to_owned(),
        found: "other.example".to_owned(),
    };
    assert_eq!(verify(&other_log), Err(ReceiptError::Statement(of_another)));
    let mut forged = of_refusal(&refusal());
    if let Subject::Refusal { statement, .. } = &mut forged.subject {
        *statement = statement.replace("sold 1", "sold 2");
    }
    assert!(matches!(
        forged.verify(&key().verifier()),
        Err(ReceiptError::Statement(_))
    ));
    // A checkpoint is no statement, though the same key has signed it.
    let mut mixed = of_refusal(&refusal());
    let checkpoint = mixed.checkpoint.clone();
    if let Subject::Refusal { statement, .. } = &mut mixed.subject {
        *statement = checkpoint;
    }
    assert_eq!(
        mixed.verify(&key().verifier()),
        Err(ReceiptError::Statement(StatementError::Malformed))
    );
}

/// Nine seats, one sold.
fn roomy() -> Refusal {
    let mut refusal = refusal();
    refusal.room.seats = 9;
    refusal
}

#[test]
fn a_full_waiting_list_is_proved_and_one_with_room_is_not() {
    let with = |line, paid| Refusal {
        waiting: Some(Waiting { line, limit: 5, paid }),
        ..roomy()
    };
    let verify = |refusal: &Refusal| of_refusal(refusal).verify(&key().verifier());
    let full = verify(&with(5, 0)).unwrap().refusal.unwrap();
    assert_eq!((full.exhausted(), &full), (Some(Exhausted::WaitingList), &with(5, 0)));
    assert_eq!(verify(&with(4, 1)), Err(ReceiptError::SeatsWereFree));
    let spoken_for = verify(&with(4, 4)).unwrap().refusal.unwrap();
    assert_eq!(
        spoken_for.exhausted(),
        Some(Exhausted::Seats),
        "what is free is theirs who wait"
    );
    let mut forged = of_refusal(&with(4, 1));
    if let Subject::Refusal { statement, .. } = &mut forged.subject {
        *statement = statement.replace("waiting 4 limit 5", "waiting 5 limit 5");
    }
    let forged = forged.verify(&key().verifier());
    assert!(matches!(forged, Err(ReceiptError::Statement(_))));
}

#[test]
fn a_promo_code_that_was_used_up_is_proved_to_who_knows_it() {
    let hash = domain::room::code_hash(ROOM.parse().unwrap(), "HALF").to_string();
    let with = |seats| Refusal {
        code: Some((
            hash.clone(),
            Quota {
                seats,
                held: 1,
                sold: 1,
            },
        )),
        ..roomy()
    };
    let verify = |refusal: &Refusal, code: Option<&str>| of_refused_code(refusal, code).verify(&key().verifier());
    let used_up = verify(&with(2), Some(" half")).unwrap().refusal.unwrap();
    assert_eq!((used_up.exhausted(), &used_up), (Some(Exhausted::PromoCode), &with(2)));
    assert_eq!(verify(&with(3), Some("HALF")), Err(ReceiptError::CodeWasFree));
    for other in [Some("QUARTER"), None] {
        assert_eq!(verify(&with(2), other), Err(ReceiptError::OtherCode));
    }
    assert_eq!(verify(&refusal(), Some("HALF")), Err(ReceiptError::OtherCode));
    let full_room_all_the_same = Refusal {
        room: refusal().room,
        ..with(3)
    };
    assert_eq!(
        verify(&full_room_all_the_same, Some("HALF")),
        Err(ReceiptError::CodeWasFree),
        "the code is what the receipt is about"
    );
}

#[test]
fn a_statement_has_its_lines_in_their_order_and_no_other() {
    let text = refusal().sign(&key()).text().to_owned();
    for (more, is_read) in [
        ("", true),
        (
            "waiting 1 limit 5 paid 0\ntier a 1 held 0 sold 1\ncode 00 1 held 0 sold 1\n",
            true,
        ),
        ("tier a 1 held 0 sold 1\nwaiting 1 limit 5 paid 0\n", false),
        ("code 00 1 held 0 sold 1\ncode 01 1 held 0 sold 1\n", false),
        ("waiting 1 limit 5\n", false),
        ("seats 1 held 1 sold 0\n", false),
    ] {
        let note = SignedNote::signed(format!("{text}{more}"), &key()).to_string();
        let opened = Refusal::open(&note, &key().verifier());
        assert_eq!(opened.is_ok(), is_read, "{more}: {opened:?}");
    }
}
