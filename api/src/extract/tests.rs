//! Bodies, keys, paths and queries: what is taken, and how what is wrong is named.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::IntoResponse;
use domain::UserId;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{IdempotencyKey, JsonBody, Moment, NoBody, Paging, Query, fingerprint};
use crate::ApiError;
use crate::shapes::MoneyBody;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    name: String,
    price: MoneyBody,
    #[serde(default)]
    seats: Vec<u8>,
    #[serde(default)]
    at: Option<Moment>,
}

const GOOD: &str = r#"{"name":"x","price":{"amount_minor":1000,"currency":"USD"}}"#;

fn request(content_type: Option<&str>, body: impl Into<Body>) -> Request {
    let mut builder = http::Request::post("/");
    if let Some(content_type) = content_type {
        builder = builder.header("content-type", content_type);
    }
    builder.body(body.into()).unwrap()
}

async fn order(body: impl Into<Body>) -> Result<Order, ApiError> {
    let request = request(Some("application/json"), body);
    JsonBody::from_request(request, &()).await.map(|body| body.0)
}

/// `(status, code, pointer of the first wrong field)`
async fn told(error: ApiError) -> (u16, String, Option<String>) {
    let response = error.into_response();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let pointer = body["errors"][0]["pointer"].as_str().map(str::to_owned);
    (status, body["code"].as_str().unwrap().to_owned(), pointer)
}

async fn refusal(body: impl Into<Body>) -> (u16, String, Option<String>) {
    told(order(body).await.unwrap_err()).await
}

fn verdict(status: u16, code: &str, pointer: Option<&str>) -> (u16, String, Option<String>) {
    (status, code.to_owned(), pointer.map(str::to_owned))
}

#[tokio::test]
async fn a_good_body_is_parsed() {
    let parsed = order(GOOD).await.unwrap();
    assert_eq!(parsed.price.amount_minor, 1000);
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let bodies = [
        "",
        "{",
        "nonsense",
        "{\"name\":",
        "{'name':'x'}",
        "{\"name\":\"a\nb\"}",
        "[1,2",
        "{\"name\":\"\\ud800\",\"price\":{}}",
    ];
    for body in bodies {
        assert_eq!(refusal(body).await, verdict(400, "malformed_json", None), "{body}");
    }
    let trailing = format!("{GOOD} and more");
    assert_eq!(refusal(trailing).await, verdict(400, "malformed_json", None));
    let not_utf8: &[u8] = b"{\"name\":\"\xff\"}";
    assert_eq!(refusal(not_utf8).await, verdict(400, "malformed_json", None));
    let deep = "[".repeat(10_000);
    assert_ne!(refusal(deep).await.0, 500);
}

#[tokio::test]
async fn an_unknown_field_is_named() {
    let nested = r#"{"name":"x","price":{"amount_minor":1,"currency":"USD","tip":1}}"#;
    assert_eq!(refusal(nested).await, verdict(422, "unknown_field", Some("/price/tip")));
    let top = r#"{"name":"x","price":{"amount_minor":1,"currency":"USD"},"co/lour~s":1}"#;
    assert_eq!(refusal(top).await, verdict(422, "unknown_field", Some("/co~1lour~0s")));
}

#[tokio::test]
async fn a_wrong_value_is_named() {
    let amount = |amount: &str| format!(r#"{{"name":"x","price":{{"amount_minor":{amount},"currency":"USD"}}}}"#);
    let amounts = [
        "10.5",
        "1.0",
        "1e3",
        "\"10\"",
        "null",
        "9223372036854775808",
        "1e999",
        "-1e999",
        "true",
    ];
    for text in amounts {
        let told = refusal(amount(text)).await;
        assert_eq!(
            told,
            verdict(422, "invalid_field", Some("/price/amount_minor")),
            "{text}"
        );
    }
    let cases = [
        (r#"{"name":1,"price":{"amount_minor":1,"currency":"USD"}}"#, "/name"),
        (
            r#"{"name":"x","price":{"amount_minor":1,"currency":"XXX"}}"#,
            "/price/currency",
        ),
        (
            r#"{"name":"x","price":{"amount_minor":1,"currency":"usd"}}"#,
            "/price/currency",
        ),
        (r#"{"name":"x","price":{"amount_minor":1}}"#, "/price/currency"),
        (r#"{"price":{"amount_minor":1,"currency":"USD"}}"#, "/name"),
        (r#"{"name":"x","price":7}"#, "/price"),
        (
            r#"{"name":"x","name":"y","price":{"amount_minor":1,"currency":"USD"}}"#,
            "/name",
        ),
        (
            r#"{"name":"x","price":{"amount_minor":1,"currency":"USD"},"seats":[1,256]}"#,
            "/seats/1",
        ),
        (
            r#"{"name":"x","price":{"amount_minor":1,"currency":"USD"},"at":"tomorrow"}"#,
            "/at",
        ),
        (
            r#"{"name":"x","price":{"amount_minor":1,"currency":"USD"},"at":"+99999-01-01T00:00:00Z"}"#,
            "/at",
        ),
        (
            r#"{"name":"a\u0000b","price":{"amount_minor":1,"currency":"USD"}}"#,
            "/name",
        ),
        (r#"{"name":"x","price":[1,"USD"]}"#, "/price"),
        (r#"["x",{"amount_minor":1,"currency":"USD"},[],null]"#, ""),
        ("[]", ""),
        ("null", ""),
    ];
    for (body, pointer) in cases {
        assert_eq!(
            refusal(body).await,
            verdict(422, "invalid_field", Some(pointer)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn only_json_is_taken_and_only_so_much_of_it() {
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/json; charset=latin1"),
        Some(""),
    ] {
        let refused = JsonBody::<Order>::from_request(request(content_type, GOOD), &()).await;
        let told = told(refused.unwrap_err()).await;
        assert_eq!(told, verdict(415, "unsupported_media_type", None), "{content_type:?}");
    }
    for content_type in [
        "application/json; charset=UTF-8",
        "APPLICATION/JSON",
        "application/vnd.x+json",
    ] {
        let taken = JsonBody::<Order>::from_request(request(Some(content_type), GOOD), &()).await;
        assert!(taken.is_ok(), "{content_type}");
    }
    let large = format!("{GOOD}{}", " ".repeat(64 * 1024));
    assert_eq!(refusal(large).await, verdict(413, "body_too_large", None));
    let just_fits = format!("{GOOD}{}", " ".repeat(64 * 1024 - GOOD.len()));
    assert!(order(just_fits).await.is_ok());
}

#[tokio::test]
async fn no_body_is_no_body_or_an_empty_object() {
    assert!(NoBody::from_request(request(None, ""), &()).await.is_ok());
    assert!(
        NoBody::from_request(request(Some("application/json"), "{}"), &())
            .await
            .is_ok()
    );
    let refused = NoBody::from_request(request(Some("application/json"), r#"{"a":1}"#), &()).await;
    assert_eq!(
        told(refused.unwrap_err()).await,
        verdict(422, "unknown_field", Some("/a"))
    );
    let refused = NoBody::from_request(request(Some("application/json"), "[]"), &()).await;
    assert_eq!(
        told(refused.unwrap_err()).await,
        verdict(422, "invalid_field", Some(""))
    );
    let refused = NoBody::from_request(request(None, "{}"), &()).await;
    assert_eq!(
        told(refused.unwrap_err()).await,
        verdict(415, "unsupported_media_type", None)
    );
}

async fn key(value: Option<&[u8]>) -> Result<IdempotencyKey, ApiError> {
    let mut builder = http::Request::post("/");
    if let Some(value) = value {
        builder = builder.header("idempotency-key", value);
    }
    let (mut parts, ()) = builder.body(()).unwrap().into_parts();
    IdempotencyKey::from_request_parts(&mut parts, &()).await
}

#[tokio::test]
async fn a_key_has_8_to_128_visible_characters() {
    assert_eq!(
        told(key(None).await.unwrap_err()).await,
        verdict(400, "idempotency_key_missing", None)
    );
    let long = "k".repeat(129);
    for wrong in [
        &b""[..],
        b"1234567",
        b"with blank",
        b"caf\xc3\xa9-caf\xc3\xa9",
        long.as_bytes(),
    ] {
        let told = told(key(Some(wrong)).await.unwrap_err()).await;
        assert_eq!(told, verdict(422, "invalid_field", Some("/headers/Idempotency-Key")));
    }
    assert!(key(Some(b"12345678")).await.is_ok());
    assert!(key(Some("k".repeat(128).as_bytes())).await.is_ok());
}

#[tokio::test]
async fn a_key_names_one_thing_of_one_user_at_one_path() {
    let (one, other) = (
        key(Some(b"key-number-1")).await.unwrap(),
        key(Some(b"key-number-2")).await.unwrap(),
    );
    let (alice, bob) = (
        UserId::from_uuid(Uuid::from_u128(1)),
        UserId::from_uuid(Uuid::from_u128(2)),
    );
    assert_eq!(one.id(alice, "/v1/rooms"), one.id(alice, "/v1/rooms"));
    assert_ne!(one.id(alice, "/v1/rooms"), other.id(alice, "/v1/rooms"));
    assert_ne!(one.id(alice, "/v1/rooms"), one.id(bob, "/v1/rooms"));
    assert_ne!(one.id(alice, "/v1/rooms"), one.id(alice, "/v1/me/payouts"));
}

#[tokio::test]
async fn a_fingerprint_is_of_the_meaning_not_of_the_spelling() {
    let spelled = r#" { "price": {"currency":"USD", "amount_minor":1000}, "name":"\u0078", "seats": [], "at": null } "#;
    let print = |order: Order| fingerprint("/v1/x", &order).unwrap();
    assert_eq!(print(order(GOOD).await.unwrap()), print(order(spelled).await.unwrap()));
    let dearer = GOOD.replace("1000", "1001");
    assert_ne!(print(order(GOOD).await.unwrap()), print(order(dearer).await.unwrap()));
}

async fn paging(query: &str) -> Result<Paging, ApiError> {
    let uri = format!("/?{query}");
    let (mut parts, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
    Query::from_request_parts(&mut parts, &()).await.map(|query| query.0)
}

#[tokio::test]
async fn a_query_is_parsed_whole_or_refused() {
    let parsed = paging("limit=200&after=17&min_position=4").await.unwrap();
    assert_eq!(
        (parsed.limit, parsed.after, parsed.min_position),
        (200, Some(17), Some(4))
    );
    assert_eq!(paging("").await.unwrap().limit, 50);
    let cases = [
        ("limit=0", "/query/limit"),
        ("limit=201", "/query/limit"),
        ("limit=-1", "/query/limit"),
        ("limit=99999999999999999999", "/query/limit"),
        ("limit=ten", "/query/limit"),
        ("limit=5&limit=6", "/query/limit"),
        ("limit=%00", "/query/limit"),
        ("after=x", "/query/after"),
        ("after=18446744073709551615", "/query/after"),
        ("min_position=1.5", "/query/min_position"),
        ("colour=red", "/query/colour"),
    ];
    for (query, pointer) in cases {
        let told = told(paging(query).await.unwrap_err()).await;
        assert_eq!(told, verdict(422, "invalid_field", Some(pointer)), "{query}");
    }
}

#[test]
fn a_moment_is_written_in_utc_with_milliseconds() {
    let moment: Moment = "2026-11-24T21:00:00.123456+01:00".parse().unwrap();
    assert_eq!(serde_json::to_value(moment).unwrap(), json!("2026-11-24T20:00:00.123Z"));
}

/// A client that promises more than it sends is a bad request; that we are overloaded would not be true.
#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let endless = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
    let moment = std::time::Duration::from_millis(20);
    let error = super::raw_body::read_body_within(moment, endless, 100).await;
    assert!(matches!(error, Err(ApiError::MalformedJson { .. })), "{error:?}");
}
