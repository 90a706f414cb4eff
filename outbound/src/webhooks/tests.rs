//! Messages and signatures, as receivers check them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use event_log::RecordedEvent;
use serde_json::{Value, json};

use super::{Message, Secret};

fn event() -> RecordedEvent {
    RecordedEvent {
        position: 17,
        aggregate_type: "ticket".to_owned(),
        aggregate_id: "0192f000-0000-7000-8000-000000000001".to_owned(),
        sequence: 3,
        event_type: "ticket_issued".to_owned(),
        event_version: "1".to_owned(),
        payload: r#"{"type":"ticket_issued","issued_at":"2026-11-24T20:00:00Z"}"#.to_owned(),
        metadata: r#"{"actor_id":"somebody","correlation_id":"0192f000-0000-7000-8000-000000000002"}"#.to_owned(),
        recorded_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        hash: [0xab; 32],
    }
}

/// The example of the Standard Webhooks scheme.
#[test]
fn signatures_are_those_of_the_scheme() {
    let secret = Secret::from_bytes(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
    let signature = secret.sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        br#"{"test": 2432232314}"#,
    );
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(secret.reveal(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
}

#[test]
fn no_secret_is_printed_and_no_two_are_alike() {
    let secret = Secret::random();
    assert!(!format!("{secret:?}").contains(&secret.reveal()[6..]));
    assert_ne!(secret, Secret::random());
}

#[test]
fn a_message_holds_what_the_log_holds_and_nothing_of_who_acted() {
    let message = Message::about(&event()).unwrap();
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    let expected = json!({
        "type": "ticket_issued",
        "version": "1",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "position": 17,
        "aggregate": {"type": "ticket", "id": "0192f000-0000-7000-8000-000000000001", "sequence": 3},
        "data": {"type": "ticket_issued", "issued_at": "2026-11-24T20:00:00Z"},
    });
    assert_eq!(body, expected);
}

#[test]
fn the_same_event_is_the_same_message_and_another_event_in_its_place_is_not() {
    assert_eq!(Message::about(&event()).unwrap(), Message::about(&event()).unwrap());
    assert_eq!(Message::about(&event()).unwrap().id, "evt_17_abababababababab");
    let forked = RecordedEvent {
        hash: [1; 32],
        ..event()
    };
    assert_ne!(
        Message::about(&event()).unwrap().id,
        Message::about(&forked).unwrap().id
    );
}
