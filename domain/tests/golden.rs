//! Every event type has a stored form that never changes: `golden/<aggregate>.<event type>.v<version>.json`.
//!
//! A renamed field or variant does not load its file any more; a new variant has none. Both fail here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cqrs_es::DomainEvent;
use cqrs_es::persist::SerializedEvent;
use domain::{AnyEvent, PayoutEvent, RoomEvent, ShopEvent, TicketEvent, UnknownEvent};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const ID: &str = "01890a5d-ac96-774b-bcce-000000000001";

struct Golden {
    name: String,
    aggregate: String,
    event_type: String,
    version: String,
    payload: Value,
}

impl Golden {
    fn decode(&self) -> Result<AnyEvent, UnknownEvent> {
        AnyEvent::decode(SerializedEvent {
            aggregate_id: ID.to_owned(),
            sequence: 1,
            aggregate_type: self.aggregate.clone(),
            event_type: self.event_type.clone(),
            event_version: self.version.clone(),
            payload: self.payload.clone(),
            metadata: json!({}),
        })
    }
}

fn goldens() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(folder).expect("the golden folder");
    files.map(|file| golden(&file.expect("a file").path())).collect()
}

fn golden(path: &Path) -> Golden {
    let name = path.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
    let parts: Vec<_> = name.split('.').collect();
    let [aggregate, event_type, version, "json"] = parts[..] else {
        panic!("{name}: expected <aggregate>.<event type>.v<version>.json");
    };
    let version = version.strip_prefix('v').expect("v<version>").to_owned();
    let (aggregate, event_type) = (aggregate.to_owned(), event_type.to_owned());
    let text = fs::read_to_string(path).expect("readable");
    let payload = serde_json::from_str(&text).expect("JSON");
    Golden {
        name,
        aggregate,
        event_type,
        version,
        payload,
    }
}

/// The names of all variants, from the only list that cannot be forgotten: what serde would accept.
fn variants<E: DeserializeOwned>() -> BTreeSet<String> {
    let refusal = match serde_json::from_str::<E>(r#"{"type":"?"}"#) {
        Ok(_) => panic!("? is an event type"),
        Err(error) => error.to_string(),
    };
    let (_, expected) = refusal.split_once("expected").expect("what is expected");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn names_with_golden(aggregate: &str, version: &str) -> BTreeSet<String> {
    let current = goldens()
        .into_iter()
        .filter(|golden| golden.aggregate == aggregate && golden.version == version);
    current.map(|golden| golden.event_type).collect()
}

#[test]
fn every_event_type_has_a_golden_of_its_version() {
    assert_eq!(variants::<RoomEvent>(), names_with_golden("room", "1"));
    assert_eq!(variants::<TicketEvent>(), names_with_golden("ticket", "1"));
    assert_eq!(variants::<PayoutEvent>(), names_with_golden("payout", "1"));
    assert_eq!(variants::<ShopEvent>(), names_with_golden("shop", "1"));
    assert_eq!(variants::<RoomEvent>().len(), 47);
}

#[test]
fn every_golden_loads_and_is_stored_the_same_way() {
    for golden in goldens() {
        let event = golden
            .decode()
            .unwrap_or_else(|error| panic!("{}: {error:?}", golden.name));
        let (event_type, version, stored) = match &event {
            AnyEvent::Room(_, event) => (event.event_type(), event.event_version(), to_value(event)),
            AnyEvent::Ticket(_, event) => (event.event_type(), event.event_version(), to_value(event)),
            AnyEvent::Payout(_, event) => (event.event_type(), event.event_version(), to_value(event)),
            AnyEvent::Shop(_, event) => (event.event_type(), event.event_version(), to_value(event)),
        };
        assert_eq!(event_type, golden.event_type, "{}", golden.name);
        assert_eq!(
            stored["type"], golden.event_type,
            "{}: the tag is the name",
            golden.name
        );
        if version == golden.version {
            assert_eq!(stored, golden.payload, "{}", golden.name);
        }
    }
}

fn to_value(event: &impl serde::Serialize) -> Value {
    serde_json::to_value(event).expect("an event serialises")
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_skipped() {
    let stored = |aggregate: &str, event_type: &str, payload: Value| Golden {
        name: String::new(),
        aggregate: aggregate.to_owned(),
        event_type: event_type.to_owned(),
        version: "1".to_owned(),
        payload,
    };
    let unknown_aggregate = stored("order", "room_ended", json!({})).decode();
    assert!(matches!(unknown_aggregate, Err(UnknownEvent::AggregateType(_))));
    let unknown_type = stored("room", "room_sank", json!({"type": "room_sank"})).decode();
    assert!(matches!(unknown_type, Err(UnknownEvent::Payload { .. })));
    let bad_payload = stored("room", "room_ended", json!({"type": "room_ended", "ended_at": 7})).decode();
    assert!(matches!(bad_payload, Err(UnknownEvent::Payload { .. })));
}
