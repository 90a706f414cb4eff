//! The examples of `docs/LOG-FORMAT.md` for those who write a verifier of their own: made here, and checked byte for byte.

use std::fs;
use std::path::PathBuf;

use chrono::DateTime;
use domain::room::code_hash;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::note::{Checkpoint, SigningKey};
use crate::receipt::{Entry, FORMAT, Quota, Receipt, Refusal, Subject, Waiting};
use crate::tree::{
    Frontier, Hash, Tile, TileId, Tiles, consistency_ranges, inclusion_ranges, prove, root_of, verify_consistency,
};

const TICKET: &str = "01930000-0000-7000-8000-000000000001";
const ROOM: &str = "01930000-0000-7000-8000-00000000000a";
const EVENTS: u64 = 11;

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn entry(position: u64) -> Entry {
    let (stream, id, kind) = match position {
        1 => ("room", ROOM, "room_scheduled"),
        2 => ("room", ROOM, "seat_held"),
        3 => ("ticket", TICKET, "ticket_issued"),
        _ => ("room", ROOM, "seat_released"),
    };
    // Spaces, an escape and letters beyond ASCII: what counts are the bytes.
    let payload = format!(r#"{{"type":"{kind}", "ticket_id":"{TICKET}","n":{position},"title":"Nachtzüge \u00e9 €"}}"#);
    let metadata = format!(r#"{{"actor_id":"process:example","correlation_id":"{TICKET}"}}"#);
    Entry {
        position,
        aggregate_type: stream.to_owned(),
        aggregate_id: id.to_owned(),
        sequence: if position > 3 { position - 1 } else { position.min(2) },
        event_type: kind.to_owned(),
        event_version: "1".to_owned(),
        recorded_at: DateTime::from_timestamp_micros(
            1_796_000_000_000_001 + 1_000_003 * i64::try_from(position).unwrap(),
        )
        .unwrap(),
        payload_sha256: Sha256::digest(&payload).into(),
        payload: Some(payload),
        metadata_sha256: Sha256::digest(&metadata).into(),
        metadata: Some(metadata),
    }
}

fn leaves() -> Vec<Hash> {
    (1..=EVENTS).map(|position| entry(position).leaf().unwrap()).collect()
}

fn tiles() -> Tiles {
    let id = TileId { level: 0, index: 0 };
    std::iter::once(Tile { id, hashes: leaves() }).collect()
}

fn key() -> SigningKey {
    SigningKey::log("example.org/boxoffice".parse().unwrap(), &[0x11; 32])
}

fn witness() -> SigningKey {
    SigningKey::witness("witness.example.org/w1".parse().unwrap(), &[0x22; 32])
}

fn events() -> Value {
    let mut chain: Hash = [0; 32];
    let events = (1..=EVENTS).map(|position| {
        let entry = entry(position);
        let leaf = entry.leaf().unwrap();
        chain = Sha256::new()
            .chain_update([2])
            .chain_update(chain)
            .chain_update(leaf)
            .finalize()
            .into();
        let mut event = serde_json::to_value(entry).unwrap();
        event["leaf"] = json!(hex(&leaf));
        event["hash"] = json!(hex(&chain));
        event
    });
    events.collect()
}

fn tree() -> Value {
    let (leaves, tiles) = (leaves(), tiles());
    let mut frontier = Frontier::new();
    let mut roots = vec![json!({"size": 0, "root": hex(&frontier.root())})];
    for leaf in &leaves {
        frontier.push(*leaf);
        roots.push(json!({"size": frontier.size(), "root": hex(&frontier.root())}));
    }
    let inclusions = [(1, 1), (1, 8), (3, 7), (8, 8), (9, 11), (11, 11)].map(|(position, size)| {
        let proof = prove(&inclusion_ranges(position - 1, size), &tiles).unwrap();
        json!({"position": position, "size": size, "proof": proof.iter().map(|hash| hex(hash)).collect::<Vec<_>>()})
    });
    let consistencies = [(0, 5), (1, 8), (3, 7), (4, 8), (6, 11), (11, 11)].map(|(old, new)| {
        let proof = prove(&consistency_ranges(old, new), &tiles).unwrap();
        let roots = [old, new].map(|size| root_of(size, &tiles).unwrap());
        verify_consistency((old, &roots[0]), (new, &roots[1]), &proof).unwrap();
        json!({"from": old, "to": new, "proof": proof.iter().map(|hash| hex(hash)).collect::<Vec<_>>()})
    });
    json!({"roots": roots, "inclusion": inclusions, "consistency": consistencies})
}

fn checkpoint() -> String {
    let checkpoint = Checkpoint {
        origin: key().name().to_owned(),
        size: EVENTS,
        root: root_of(EVENTS, &tiles()).unwrap(),
    };
    let mut note = checkpoint.sign(&key());
    note.add(witness().cosign(note.text(), 1_796_000_100));
    note.to_string()
}

fn receipt(position: u64, subject: Subject) -> Receipt {
    let entry = entry(position);
    let is_refusal = matches!(subject, Subject::Refusal { .. });
    Receipt {
        format: FORMAT.to_owned(),
        subject,
        entry: if is_refusal { entry.sealed() } else { entry },
        proof: prove(&inclusion_ranges(position - 1, EVENTS), &tiles()).unwrap(),
        checkpoint: checkpoint(),
    }
}

fn of_ticket() -> Receipt {
    let ticket_id = TICKET.to_owned();
    receipt(3, Subject::Ticket { ticket_id })
}

const fn quota(seats: u32, held: u32, sold: u32) -> Quota {
    Quota { seats, held, sold }
}

/// A room of five seats, of which four are taken.
fn room() -> Refusal {
    Refusal {
        origin: key().name().to_owned(),
        room_id: ROOM.to_owned(),
        position: 9,
        sequence: 8,
        room: quota(5, 1, 3),
        waiting: None,
        tiers: vec![],
        code: None,
    }
}

fn refused(refusal: &Refusal, promo_code: Option<&str>) -> Receipt {
    let subject = Subject::Refusal {
        room_id: ROOM.to_owned(),
        statement: refusal.sign(&key()).to_string(),
        promo_code: promo_code.map(str::to_owned),
    };
    receipt(9, subject)
}

fn of_refusal() -> Receipt {
    let tiers = [("early", quota(2, 1, 1)), ("late", quota(3, 0, 2))];
    let refusal = Refusal {
        tiers: tiers.map(|(tier, quota)| (tier.to_owned(), quota)).into(),
        ..room()
    };
    refused(&refusal, None)
}

/// Sales are paused, and nobody more may wait for them.
fn of_full_line() -> Receipt {
    let refusal = Refusal {
        room: quota(2_000, 1, 3),
        waiting: Some(Waiting {
            line: 1_000,
            limit: 1_000,
            paid: 1,
        }),
        tiers: vec![("late".to_owned(), quota(3, 0, 2))],
        ..room()
    };
    refused(&refusal, None)
}

/// Known again without regard to case and outer spaces.
fn of_code() -> Receipt {
    let hash = code_hash(ROOM.parse().unwrap(), "FRÜHBUCHER");
    let refusal = Refusal {
        code: Some((hash.to_string(), quota(2, 1, 1))),
        ..room()
    };
    refused(&refusal, Some(" frühbucher "))
}

/// What is in the folder is what the program makes today, and for ever.
#[test]
fn the_vectors_are_as_they_were() {
    let keys = json!({"log": key().verifier().to_string(), "witness": witness().verifier().to_string()});
    let pretty = |value: Value| format!("{}\n", serde_json::to_string_pretty(&value).unwrap());
    let receipt = |receipt: Receipt| pretty(serde_json::to_value(receipt).unwrap());
    let files = [
        ("events.json", pretty(events())),
        ("tree.json", pretty(tree())),
        ("keys.json", pretty(keys)),
        ("checkpoint.txt", checkpoint()),
        ("receipt_ticket.json", receipt(of_ticket())),
        ("receipt_refusal.json", receipt(of_refusal())),
        ("receipt_full_line.json", receipt(of_full_line())),
        ("receipt_code.json", receipt(of_code())),
    ];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let writes = std::env::var("VECTORS_UPDATE").is_ok();
    for (name, made) in files {
        let path = folder.join(name);
        if writes {
            fs::write(&path, &made).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), made, "{name}");
    }
    of_ticket().verify(&key().verifier()).unwrap();
    of_full_line().verify(&key().verifier()).unwrap();
    of_code().verify(&key().verifier()).unwrap();
    let verified = of_refusal().verify(&key().verifier()).unwrap();
    verified.note.verify_cosignature(&witness().verifier()).unwrap();
}
