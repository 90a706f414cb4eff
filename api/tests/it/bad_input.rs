//! Bad input: each case gets its status, its code and the field that is wrong; nothing is recorded; never a 5xx.

use http::Method;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::bad_cases::{NO_POINTER, REQUESTS, ROOM_FIELDS};
use crate::support::{ALICE, BOB, HOST, TestApp};

/// `x*3` becomes `xxx`.
fn lengthened(json: &str) -> String {
    let Some((before, rest)) = json.split_once("x*") else {
        return json.to_owned();
    };
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    let count = rest[..digits].parse().expect("a number of letters");
    format!("{before}{}{}", "x".repeat(count), &rest[digits..])
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_field_of_a_room_is_named(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    app.approve(HOST).await;
    let head = app.head().await;
    for (field, json, code, pointer) in ROOM_FIELDS {
        let mut room = app.room();
        room[field] = serde_json::from_str(&lengthened(json)).unwrap();
        let answer = app.post("/v1/rooms").by(HOST).key("room").json(&room).send().await;
        let told = (answer.status.as_u16(), answer.code(), answer.pointer());
        assert_eq!(told, (422, *code, Some(*pointer)), "{field}: {json}: {}", answer.text);
    }
    for field in ["title", "starts_at", "price", "capacity"] {
        let mut room: Value = app.room();
        room.as_object_mut().unwrap().remove(field);
        let answer = app.post("/v1/rooms").by(HOST).key("room").json(&room).send().await;
        answer.expect_problem(422, "invalid_field");
        assert_eq!(answer.pointer(), Some(format!("/{field}").as_str()));
    }
    assert_eq!(app.head().await, head, "nothing is recorded");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_body_that_is_no_request_is_refused(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    app.approve(HOST).await;
    let head = app.head().await;
    let schedule = || app.post("/v1/rooms").by(HOST).key("room");
    let huge = app.room().to_string().replace("1000", "1e999");
    let cases = [
        (schedule().text("{\"title\": "), 400, "malformed_json"),
        (schedule().text(""), 400, "malformed_json"),
        (schedule().text(vec![0xff, 0xfe]), 400, "malformed_json"),
        (schedule().text("[".repeat(60_000)), 400, "malformed_json"),
        (schedule().text("[]"), 422, "invalid_field"),
        (schedule().text("null"), 422, "invalid_field"),
        (schedule().text("\"room\""), 422, "invalid_field"),
        (schedule().text(huge), 422, "invalid_field"),
        (schedule().text(" ".repeat(64 * 1024 + 1)), 413, "body_too_large"),
        (schedule(), 415, "unsupported_media_type"),
        (
            schedule().header("content-type", "text/plain"),
            415,
            "unsupported_media_type",
        ),
        (
            app.post("/v1/rooms").by(HOST).json(&app.room()),
            400,
            "idempotency_key_missing",
        ),
        (
            app.post("/v1/rooms")
                .by(HOST)
                .header("idempotency-key", "short")
                .json(&app.room()),
            422,
            "invalid_field",
        ),
    ];
    for (call, status, code) in cases {
        call.send().await.expect_problem(status, code);
    }
    let foreign = app.post("/v1/rooms").by(BOB).key("room").json(&app.room()).send().await;
    foreign.expect_problem(403, "host_not_approved");
    assert_eq!(app.head().await, head, "nothing is recorded");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn bad_requests_are_told_what_is_wrong(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    let head = app.head().await;
    for (request, json, status, code, pointer) in REQUESTS {
        let (method, path) = request.split_once(' ').unwrap();
        let path = path
            .replace("{room}", &room)
            .replace("{ticket}", &ticket)
            .replace("{unknown}", "00000000-0000-7000-8000-000000000404");
        let method: Method = method.parse().unwrap();
        let mut call = app.call(method.clone(), path).by(ALICE).key("bad");
        if method != Method::GET {
            call = call.text(lengthened(json));
        }
        let answer = call.send().await;
        let told = (
            answer.status.as_u16(),
            answer.code(),
            answer.pointer().unwrap_or(NO_POINTER),
        );
        assert_eq!(told, (*status, *code, *pointer), "{request} {json}: {}", answer.text);
    }
    assert_eq!(app.head().await, head, "nothing is recorded");
    app.stop().await;
}
