//! Statements: who is believed, and what they say.

use domain::{Channel, Currency, Money, TicketId, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const JWKS: &str = include_str!("testing/jwks.json");
const KEY: &[u8] = include_bytes!("testing/es256.pem");

fn ticket() -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(7))
}

fn at() -> Timestamp {
    Timestamp::from_timestamp(1_900_000_000, 0).expect("in range")
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn claims() -> Value {
    json!({
        "iss": "https://iap.example", "aud": "boxoffice", "iat": 1_900_000_000, "transaction": "2000000123",
        "ticket_id": ticket(), "channel": "android", "statement": "purchased", "amount_minor": 1_000, "currency": "USD",
        "storefront": "US",
    })
}

fn sign(claims: &Value, kid: &str) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(kid.to_owned());
    let key = EncodingKey::from_ec_pem(KEY).expect("a key");
    jsonwebtoken::encode(&header, claims, &key).expect("signed")
}

fn keys() -> StoreKeys {
    StoreKeys::new("https://iap.example", JWKS).expect("keys")
}

#[test]
fn the_backends_statements_are_believed() {
    let signed = sign(&claims(), "es");
    let expected = Statement {
        transaction: "2000000123".to_owned(),
        ticket_id: ticket(),
        channel: Channel::Android,
        stated_at: at(),
        kind: StatementKind::Purchased { amount: usd(1_000) },
    };
    assert_eq!(keys().verify(&signed), Ok(expected.clone()));
    assert_eq!(parse(signed.as_bytes()), Ok(expected), "also later, without the key");
}

#[test]
fn nobody_elses_are() {
    let forged = [
        sign(&claims(), "unknown"),
        sign(&with("iss", json!("https://other.example")), "es"),
        sign(&with("aud", json!("another")), "es"),
        tampered(&sign(&claims(), "es")),
        SandboxStore::new(&"secret".into()).purchase(ticket(), Channel::Ios, usd(1_000), at()),
        "no statement".to_owned(),
        "x".repeat(STATEMENT_BYTES_MAX + 1),
    ];
    for statement in forged {
        assert_eq!(
            keys().verify(&statement),
            Err(StatementError::BadSignature),
            "{statement}"
        );
    }
}

fn with(name: &str, value: Value) -> Value {
    let mut changed = claims();
    changed[name] = value;
    changed
}

/// The same signature under other claims.
fn tampered(statement: &str) -> String {
    let other = sign(&with("amount_minor", json!(1)), "es");
    let claims = other.split('.').nth(1).expect("claims");
    let mut parts: Vec<&str> = statement.split('.').collect();
    parts[1] = claims;
    parts.join(".")
}

#[test]
fn what_says_nothing_is_unreadable() {
    for wrong in [
        with("channel", json!("web")),
        with("transaction", json!("")),
        with("currency", Value::Null),
        with("statement", json!("renewed")),
    ] {
        let verified = keys().verify(&sign(&wrong, "es"));
        assert!(matches!(verified, Err(StatementError::Unreadable(_))), "{verified:?}");
    }
}

#[test]
fn the_sandbox_states_the_same_of_the_same_purchase() {
    let store = SandboxStore::new(&"secret".into());
    let buy = |store: &SandboxStore| store.purchase(ticket(), Channel::Ios, usd(1_000), at());
    assert_eq!(buy(&store), buy(&SandboxStore::new(&"secret".into())));
    let bought = store.verify(&buy(&store)).expect("its own");
    let refunded = store
        .verify(&store.refund(ticket(), Channel::Ios, at()))
        .expect("its own");
    assert_eq!(bought.transaction, refunded.transaction);
    assert_eq!(refunded.kind, StatementKind::Refunded);
    let other = SandboxStore::new(&"another secret".into());
    assert_eq!(other.verify(&buy(&store)), Err(StatementError::BadSignature));
}

#[test]
fn a_set_without_a_usable_key_is_refused() {
    assert!(matches!(StoreKeys::new("iss", "{"), Err(KeysError::Unreadable(_))));
    assert!(matches!(
        StoreKeys::new("iss", r#"{"keys": []}"#),
        Err(KeysError::Empty)
    ));
}
