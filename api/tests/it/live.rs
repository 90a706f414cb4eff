//! Live changes: told as they happen, to whom they concern, and again to who was away.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use http::Request;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tower::ServiceExt;

use crate::support::{ALICE, BOB, HOST, Person, TestApp};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Listening {
    body: BodyDataStream,
    text: String,
}

/// `(event, id, data)`
pub(crate) type Message = (String, u64, Value);

impl Listening {
    pub(crate) async fn to(app: &TestApp, path: &str, by: Option<Person>, last: Option<u64>) -> Self {
        let mut request = Request::get(path);
        if let Some(person) = by {
            request = request.header("authorization", format!("Bearer {}", app.token(person)));
        }
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = app.router().oneshot(request).await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.text = rest;
                let line = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let Some(event) = line("event:") else { continue };
                let id = line("id:").and_then(|id| id.parse().ok()).expect("a position");
                let data = serde_json::from_str(line("data:").expect("data")).expect("JSON");
                return Some((event.to_owned(), id, data));
            }
            let bytes = tokio::time::timeout(PATIENCE, self.body.next())
                .await
                .expect("something is told in time");
            let bytes = bytes?.expect("the stream goes on");
            self.text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    pub(crate) async fn until(&mut self, kind: &str) -> Message {
        loop {
            let message = self.next().await.expect("the stream goes on");
            if message.2["type"] == kind {
                return message;
            }
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn everybody_hears_of_a_room_and_nobody_is_named(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let path = format!("/v1/rooms/{room}/events");
    let mut stream = Listening::to(&app, &path, None, None).await;
    let (ready, since, _) = stream.next().await.expect("a first message");
    assert_eq!(ready, "ready");

    let ticket = app.hold(&room, ALICE, "a").await;
    let (event, held_at, held) = stream.next().await.expect("a message");
    assert_eq!(event, "change");
    assert_eq!(held, json!({"type": "seat_held", "position": held_at, "room_id": room}));
    assert!(held_at > since);
    app.post(format!("/v1/tickets/{ticket}/release"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    app.patch(format!("/v1/rooms/{room}"))
        .by(HOST)
        .json(&json!({"capacity": 9}))
        .send()
        .await
        .expect(200);
    stream.until("seat_released").await;
    let (_, revised_at, _) = stream.until("room_revised").await;

    // Who was away hears it again, once, and in order.
    drop(stream);
    let mut again = Listening::to(&app, &path, None, Some(held_at)).await;
    let kinds = [again.next().await, again.next().await].map(|message| message.expect("a message").2["type"].clone());
    assert_eq!(kinds, ["seat_released", "room_revised"]);
    app.hold(&room, BOB, "b").await;
    let (_, position, _) = again.until("seat_held").await;
    assert!(position > revised_at);

    let unknown = app
        .get("/v1/rooms/00000000-0000-7000-8000-000000000404/events")
        .send()
        .await;
    unknown.expect_problem(404, "not_found");
    let bad = app.get(&path).header("last-event-id", "yesterday").send().await;
    bad.expect_problem(422, "invalid_field");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_person_hears_of_what_is_theirs_and_of_nothing_else(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(1)).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    app.post(format!("/v1/rooms/{room}/waiting_list/me"))
        .by(BOB)
        .key("b")
        .send()
        .await
        .expect(201);
    let mut alices = Listening::to(&app, "/v1/me/events", Some(ALICE), None).await;
    let mut bobs = Listening::to(&app, "/v1/me/events", Some(BOB), None).await;
    assert_eq!(bobs.next().await.expect("a message").0, "ready");

    let payment = app.start_payment(&ticket, ALICE, "a").await;
    app.confirm(&payment, json!({})).await.expect(200);
    let (_, _, issued) = alices.until("ticket_issued").await;
    assert_eq!(issued["ticket_id"], ticket.as_str());
    let refund = app
        .post(format!("/v1/tickets/{ticket}/refunds"))
        .by(HOST)
        .key("r")
        .send()
        .await;
    refund.expect(201);
    alices.until("refund_completed").await;

    // All that Bob hears of this is the offer.
    let (_, _, offer) = bobs.next().await.expect("a message");
    assert_eq!((&offer["type"], &offer["room_id"]), (&json!("seat_held"), &json!(room)));
    let mine = app
        .get(format!("/v1/rooms/{room}/waiting_list/me"))
        .by(BOB)
        .send()
        .await
        .expect(200);
    assert_eq!(offer["ticket_id"], mine["offer"]["ticket_id"]);

    app.cancel.cancel();
    while alices.next().await.is_some() {}
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_cannot_follow_is_cut(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let mut stream = Listening::to(&app, &format!("/v1/rooms/{room}/events"), None, None).await;
    for number in 0..300 {
        let capacity = json!({"capacity": 10 + number % 2});
        app.patch(format!("/v1/rooms/{room}"))
            .by(HOST)
            .json(&capacity)
            .send()
            .await
            .expect(200);
    }
    let mut heard = 0;
    while stream.next().await.is_some() {
        heard += 1;
    }
    assert!(heard < 300, "cut, and to come back after message {heard}");
    app.stop().await;
}
