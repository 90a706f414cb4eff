//! Webhooks out: in the log's order, signed, each receiver at its own pace, and nothing lost.

use std::time::Duration;

use outbound::webhooks::WebhookSettings;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ADMIN, ALICE, BOB, HOST, Mood, Receiver, Shop, TestApp, text};

/// Receivers on this machine, which are asked again soon.
pub(crate) fn settings() -> WebhookSettings {
    WebhookSettings {
        allow_private: true,
        timeout: Duration::from_secs(20),
        backoff_first: Duration::from_millis(20),
        backoff_max: Duration::from_millis(100),
        ..WebhookSettings::default()
    }
}

pub(crate) async fn start(options: PgConnectOptions, webhooks: WebhookSettings) -> TestApp {
    let shop = Shop {
        webhooks,
        ..Shop::default()
    };
    TestApp::start_as(options, shop).await
}

pub(crate) async fn subscribe(app: &TestApp, receiver: &Receiver, more: Value) -> Value {
    let mut body = json!({"url": receiver.url});
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    app.post("/v1/subscriptions")
        .by(ADMIN)
        .json(&body)
        .send()
        .await
        .expect(201)
}

pub(crate) fn path(subscription: &Value) -> String {
    format!("/v1/subscriptions/{}", text(&subscription["id"]))
}

pub(crate) async fn tell(app: &TestApp, subscription: &Value, verb: &str, body: Value) -> Value {
    let call = app.post(format!("{}/{verb}", path(subscription))).by(ADMIN);
    call.json(&body).send().await.expect(200)
}

#[sqlx::test(migrations = "../migrations")]
async fn every_event_arrives_once_in_its_order_signed(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options, settings()).await;
    let receiver = Receiver::start().await;
    let subscription = subscribe(&app, &receiver, json!({"description": "The warehouse"})).await;
    let secret = text(&subscription["secret"]).to_owned();
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    let head = app.head().await;
    receiver
        .until("all is told", |receiver| receiver.positions().last() == Some(&head))
        .await;
    assert_eq!(
        receiver.positions(),
        (1..=head).collect::<Vec<_>>(),
        "in order, without a gap"
    );
    let log = app.get("/v1/log/events").by(ADMIN).send().await.expect(200);
    for (delivery, event) in receiver.taken().iter().zip(log["data"].as_array().unwrap()) {
        assert!(delivery.is_signed_with(&secret));
        assert_eq!(delivery.body["type"], event["event_type"]);
        assert_eq!(delivery.body["timestamp"], event["recorded_at"]);
        assert_eq!(delivery.body["data"], event["payload"]);
        assert_eq!(delivery.body["aggregate"]["id"], event["aggregate_id"]);
        assert!(delivery.id.starts_with(&format!("evt_{}_", event["position"])));
    }
    let read = app
        .eventually(ADMIN, &path(&subscription), |body| body["lag"]["positions"] == 0)
        .await;
    assert_eq!(read["position"], head);
    assert_eq!(
        (&read["state"], &read["description"]),
        (&json!("active"), &json!("The warehouse"))
    );
    assert_eq!(read.get("secret"), None, "it is shown once");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_filter_lets_through_what_was_asked_for(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options, settings()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    let (some, all) = (Receiver::start().await, Receiver::start().await);
    let filter = json!({"after": 0, "event_types": ["ticket_issued", "seat_sold"]});
    let subscription = subscribe(&app, &some, filter).await;
    subscribe(&app, &all, json!({})).await;
    app.eventually(ADMIN, &path(&subscription), |body| body["lag"]["positions"] == 0)
        .await;
    let types: Vec<_> = some
        .taken()
        .iter()
        .map(|delivery| delivery.body["type"].clone())
        .collect();
    assert_eq!(types, ["seat_sold", "ticket_issued"]);
    assert!(
        all.seen().is_empty(),
        "without `after` it is told what comes from now on"
    );
    let call = app.call(http::Method::PATCH, path(&subscription)).by(ADMIN);
    let revised = call
        .json(&json!({"event_types": ["room_opened"]}))
        .send()
        .await
        .expect(200);
    assert_eq!(revised["event_types"], json!(["room_opened"]));
    app.post(format!("/v1/rooms/{room}/open"))
        .by(HOST)
        .send()
        .await
        .expect(200);
    some.until("the room is open", |some| {
        some.taken()
            .last()
            .is_some_and(|last| last.body["type"] == "room_opened")
    })
    .await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_receiver_that_fails_gets_the_same_message_until_it_takes_it(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options, settings()).await;
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    receiver.becomes(Mood::Answers(503));
    let subscription = subscribe(&app, &receiver, json!({})).await;
    subscribe(&app, &other, json!({})).await;
    app.schedule(HOST, "room", |_| {}).await;
    let head = app.head().await;
    other
        .until("the other is told", |other| other.positions().last() == Some(&head))
        .await;
    receiver
        .until("it was asked three times", |receiver| receiver.seen().len() >= 3)
        .await;
    let ids: Vec<_> = receiver.seen().iter().map(|delivery| delivery.id.clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "nothing overtakes: {ids:?}");
    let is_failing = |body: &Value| body["failures"].as_u64() >= Some(3);
    let read = app.eventually(ADMIN, &path(&subscription), is_failing).await;
    assert_eq!(read["position"], 0);
    assert!(text(&read["last_error"]).contains("503"), "{read}");
    assert!(read["lag"]["positions"].as_u64() >= Some(1), "{read}");
    receiver.becomes(Mood::Takes);
    receiver
        .until("all is told", |receiver| receiver.positions().last() == Some(&head))
        .await;
    assert_eq!(receiver.positions(), (1..=head).collect::<Vec<_>>());
    let read = app
        .eventually(ADMIN, &path(&subscription), |body| body["failures"] == 0)
        .await;
    assert_eq!(read["last_error"], Value::Null);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn one_that_hangs_delays_nobody(_: PgPoolOptions, options: PgConnectOptions) {
    let hour = Duration::from_hours(1);
    let app = start(
        options,
        WebhookSettings {
            timeout: hour,
            ..settings()
        },
    )
    .await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.becomes(Mood::Hangs);
    subscribe(&app, &slow, json!({})).await;
    subscribe(&app, &quick, json!({})).await;
    app.schedule(HOST, "room", |_| {}).await;
    let head = app.head().await;
    slow.until("it is asked", |slow| slow.seen().len() == 1).await;
    quick
        .until("all is told", |quick| quick.positions().last() == Some(&head))
        .await;
    assert!(slow.taken().is_empty());
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dead_receiver_is_paused_and_resumed_without_loss(_: PgPoolOptions, options: PgConnectOptions) {
    let give_up_after = Duration::from_millis(200);
    let app = start(
        options,
        WebhookSettings {
            give_up_after,
            ..settings()
        },
    )
    .await;
    let receiver = Receiver::start().await;
    receiver.becomes(Mood::Answers(500));
    let subscription = subscribe(&app, &receiver, json!({})).await;
    app.schedule(HOST, "room", |_| {}).await;
    let read = app
        .eventually(ADMIN, &path(&subscription), |body| body["state"] == "paused")
        .await;
    assert_eq!(
        (&read["paused_reason"], &read["position"]),
        (&json!("failing"), &json!(0))
    );
    let asked = receiver.seen().len();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(receiver.seen().len(), asked, "nobody asks one that is paused");
    receiver.becomes(Mood::Takes);
    let resumed = tell(&app, &subscription, "resume", json!({})).await;
    assert_eq!((&resumed["state"], &resumed["failures"]), (&json!("active"), &json!(0)));
    let head = app.head().await;
    receiver
        .until("all is told", |receiver| receiver.positions().last() == Some(&head))
        .await;
    assert_eq!(receiver.positions(), (1..=head).collect::<Vec<_>>(), "nothing is lost");
    receiver.becomes(Mood::Answers(410));
    app.approve(BOB).await;
    let read = app
        .eventually(ADMIN, &path(&subscription), |body| body["state"] == "paused")
        .await;
    assert_eq!(read["paused_reason"], "gone");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn paused_and_rewound_it_is_told_again_under_the_same_names(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options.clone(), settings()).await;
    let receiver = Receiver::start().await;
    let subscription = subscribe(&app, &receiver, json!({})).await;
    app.schedule(HOST, "room", |_| {}).await;
    let first = app.head().await;
    receiver
        .until("all is told", |receiver| receiver.positions().last() == Some(&first))
        .await;
    let paused = tell(&app, &subscription, "pause", json!({})).await;
    assert_eq!(
        (&paused["state"], &paused["paused_reason"]),
        (&json!("paused"), &json!("operator"))
    );
    app.approve(BOB).await;
    let head = app.head().await;
    let read = app.get(path(&subscription)).by(ADMIN).send().await.expect(200);
    assert_eq!(read["lag"]["positions"], head - first);
    let rewound = tell(&app, &subscription, "rewind", json!({"position": 1})).await;
    assert_eq!((&rewound["position"], &rewound["state"]), (&json!(1), &json!("paused")));
    assert_eq!(receiver.seen().len() as u64, first, "paused, it is told nothing");
    // Whoever comes after a restart goes on from there.
    app.stop().await;
    let app = start(options, settings()).await;
    tell(&app, &subscription, "resume", json!({})).await;
    receiver
        .until("all is told", |receiver| receiver.positions().last() == Some(&head))
        .await;
    assert_eq!(receiver.positions(), (1..=first).chain(2..=head).collect::<Vec<_>>());
    let taken = receiver.taken();
    let named = |position| taken.iter().filter(move |delivery| delivery.position() == position);
    for position in 2..=first {
        let ids: Vec<_> = named(position).map(|delivery| &delivery.id).collect();
        assert_eq!((ids.len(), ids[0]), (2, ids[1]));
    }
    let call = app.post(format!("{}/rewind", path(&subscription))).by(ADMIN);
    let beyond = call.json(&json!({"position": head + 1})).send().await;
    beyond.expect_problem(422, "invalid_field");
    assert_eq!(beyond.pointer(), Some("/position"));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn two_secrets_sign_while_one_is_replaced(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options, settings()).await;
    let receiver = Receiver::start().await;
    let subscription = subscribe(&app, &receiver, json!({})).await;
    let old = text(&subscription["secret"]).to_owned();
    let new = tell(&app, &subscription, "rotate_secret", json!({})).await;
    let new = text(&new["secret"]).to_owned();
    assert_ne!(old, new);
    app.approve(HOST).await;
    receiver
        .until("it is told", |receiver| !receiver.taken().is_empty())
        .await;
    let delivery = receiver.taken().remove(0);
    assert_eq!(delivery.signatures.len(), 2);
    assert!(delivery.is_signed_with(&old) && delivery.is_signed_with(&new));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn subscriptions_are_listed_and_deleted_and_there_are_not_too_many(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options, settings()).await;
    let receiver = Receiver::start().await;
    let first = subscribe(&app, &receiver, json!({})).await;
    for _ in 1..64 {
        subscribe(&app, &receiver, json!({"event_types": ["room_opened"]})).await;
    }
    let body = json!({"url": receiver.url});
    let answer = app.post("/v1/subscriptions").by(ADMIN).json(&body).send().await;
    answer.expect_problem(409, "subscription_limit_reached");
    let page = app.get("/v1/subscriptions?limit=40").by(ADMIN).send().await.expect(200);
    assert_eq!(
        (page["data"].as_array().unwrap().len(), &page["data"][0]["id"]),
        (40, &first["id"])
    );
    let next = format!("/v1/subscriptions?limit=40&after={}", text(&page["next"]));
    let page = app.get(next).by(ADMIN).send().await.expect(200);
    assert_eq!(
        (page["data"].as_array().unwrap().len(), &page["next"]),
        (24, &Value::Null)
    );
    let delete = || app.call(http::Method::DELETE, path(&first)).by(ADMIN);
    delete().send().await.expect(204);
    delete().send().await.expect_problem(404, "not_found");
    app.get(path(&first))
        .by(ADMIN)
        .send()
        .await
        .expect_problem(404, "not_found");
    app.approve(HOST).await;
    assert!(
        receiver.seen().is_empty(),
        "one is deleted, and none of the others wants this"
    );
    for (field, value) in [
        ("event_types", json!(["Ticket Issued"])),
        ("description", json!("x".repeat(201))),
        ("after", json!(1_000_000)),
        ("url", json!("ftp://hooks.example.org/")),
    ] {
        let mut body = json!({"url": receiver.url});
        body[field] = value;
        let answer = app.post("/v1/subscriptions").by(ADMIN).json(&body).send().await;
        answer.expect_problem(422, "invalid_field");
        assert!(
            answer.pointer().unwrap().starts_with(&format!("/{field}")),
            "{}",
            answer.text
        );
    }
    app.stop().await;
}
