//! Failures that others suffered when they sold, by the thread that tells of each (`rules.md` §5): here they do not happen.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ADMIN, ALICE, BOB, HOST, OTHER_HOST, Person, TestApp};

const CROWD: [Person; 5] = [ALICE, BOB, OTHER_HOST, HOST, ADMIN];

/// `(held, everybody else's code)`
async fn rush(app: &TestApp, room: &str, key: &str) -> (Vec<String>, BTreeSet<String>) {
    let path = format!("/v1/rooms/{room}/tickets");
    let holds = CROWD.iter().map(|person| app.post(&path).by(*person).key(key).send());
    let (mut held, mut refused) = (vec![], BTreeSet::new());
    for answer in join_all(holds).await {
        if answer.status == 201 {
            held.push(answer.body["id"].as_str().expect("an id").to_owned());
        } else {
            refused.insert(answer.code().to_owned());
        }
    }
    (held, refused)
}

async fn seats(app: &TestApp, room: &str) -> Value {
    let position = app.head().await;
    let path = format!("/v1/rooms/{room}?min_position={position}");
    app.get(path).send().await.expect(200)["seats"].clone()
}

fn of(capacity: u32) -> impl FnOnce(&mut Value) {
    move |room| room["capacity"] = json!(capacity)
}

#[sqlx::test(migrations = "../migrations")]
async fn eventyay_1359_the_last_seat_has_one_winner(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", of(1)).await;
    let (held, refused) = rush(&app, &room, "rush").await;
    assert_eq!(held.len(), 1);
    assert_eq!(refused, BTreeSet::from(["sold_out".to_owned()]));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn attendize_472_the_whole_capacity_sells_in_a_rush(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", of(4)).await;
    let (held, _) = rush(&app, &room, "rush").await;
    assert_eq!(held.len(), 4);
    assert_eq!(seats(&app, &room).await, json!({"free": 0, "held": 4, "sold": 0}));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn attendize_473_stock_is_never_negative_whatever_the_host_changes(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", of(5)).await;
    let path = format!("/v1/rooms/{room}");
    let shrink = app.patch(&path).by(HOST).json(&json!({"capacity": 2})).send();
    let ((held, _), shrunk) = tokio::join!(rush(&app, &room, "rush"), shrink);
    // The change came before the third hold, or it was refused.
    match shrunk.status.as_u16() {
        200 => assert!(held.len() <= 2, "{held:?}"),
        _ => shrunk.expect_problem(409, "capacity_below_sold"),
    }
    let room = app
        .get(format!("{path}?min_position={}", app.head().await))
        .send()
        .await
        .expect(200);
    let count = |kind: &str| room["seats"][kind].as_u64().expect("a count");
    assert_eq!(
        Some(count("free") + count("held") + count("sold")),
        room["capacity"].as_u64()
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn attendize_1000_every_held_seat_comes_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", of(5)).await;
    let (held, _) = rush(&app, &room, "rush").await;
    assert_eq!(held.len(), 5);
    app.let_holds_lapse();
    let all_free = json!({"free": 5, "held": 0, "sold": 0});
    app.eventually(ALICE, &format!("/v1/rooms/{room}"), |room| room["seats"] == all_free)
        .await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn attendize_940_a_refunded_ticket_stays_refunded_when_its_room_is_cancelled(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", of(2)).await;
    let (refunded, kept) = (app.buy(&room, ALICE, "a").await, app.buy(&room, BOB, "b").await);
    let refund = app
        .post(format!("/v1/tickets/{refunded}/refunds"))
        .by(HOST)
        .key("r")
        .send();
    let cancel = app.post(format!("/v1/rooms/{room}/cancel")).by(HOST).send();
    let (_, cancelled) = tokio::join!(refund, cancel);
    cancelled.expect(202);
    for (ticket, buyer) in [(refunded, ALICE), (kept, BOB)] {
        let is_done = |ticket: &Value| ticket["refunds"][0]["state"] == "done";
        let ticket = app.eventually(buyer, &format!("/v1/tickets/{ticket}"), is_done).await;
        assert_eq!(ticket["state"], "refunded");
        assert_eq!(
            ticket["refunds"].as_array().map(Vec::len),
            Some(1),
            "once, whoever came first"
        );
        assert_eq!(ticket["refunds"][0]["amount"], ticket["price"]["total"]);
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn pretix_1166_a_payment_confirmed_twice_issues_one_ticket(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", of(2)).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    app.confirm(&payment, json!({"webhook": "twice"})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    let again = app.start_payment(&ticket, ALICE, "a").await;
    assert_eq!(again["state"], "captured", "the same request is the same payment");
    let events = app
        .get(format!("/v1/log/events?aggregate=ticket-{ticket}"))
        .by(ADMIN)
        .send()
        .await
        .expect(200);
    let issued = |event: &&Value| event["event_type"] == "ticket_issued";
    let events = events["data"].as_array().expect("events");
    assert_eq!(events.iter().filter(issued).count(), 1, "{events:?}");
    app.stop().await;
}
