//! A host changes a room that sells already.

use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ADMIN, ALICE, BOB, HOST, TestApp};

#[sqlx::test(migrations = "../migrations")]
async fn a_new_price_is_for_the_next_buyer(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let path = format!("/v1/rooms/{room}");
    let sold = app.buy(&room, ALICE, "a").await;

    let wish = json!({"title": "A night", "price": {"amount_minor": 1500, "currency": "USD"}, "capacity": 3});
    let answer = app.patch(&path).by(HOST).json(&wish).send().await;
    let (body, _) = answer.expect_written(200);
    assert_eq!(
        (&body["title"], &body["price"]["amount_minor"]),
        (&json!("A night"), &json!(1500))
    );
    assert_eq!(body["seats"], json!({"free": 2, "held": 0, "sold": 1}));
    let found = app.get("/v1/rooms?q=a%20night").send().await.expect(200);
    assert_eq!(found["data"][0]["id"], room.as_str());

    let old = app
        .get(format!("/v1/tickets/{sold}"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    assert_eq!(old["price"]["total"]["amount_minor"], 1000);
    let new = app.hold(&room, BOB, "b").await;
    let new = app.get(format!("/v1/tickets/{new}")).by(BOB).send().await.expect(200);
    assert_eq!(new["price"]["total"]["amount_minor"], 1500);

    let head = app.head().await;
    app.patch(&path).by(HOST).json(&wish).send().await.expect(200);
    assert_eq!(app.head().await, head, "the same wish again records nothing");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_change_that_would_wrong_a_buyer_is_refused(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let path = format!("/v1/rooms/{room}");
    let policy = json!({"refund_policy": {"kind": "none"}});
    app.patch(&path).by(HOST).json(&policy).send().await.expect(200);
    app.buy(&room, ALICE, "a").await;
    app.hold(&room, BOB, "b").await;
    let refused = [
        (json!({"capacity": 1}), 409, "capacity_below_sold"),
        (
            json!({"refund_policy": {"kind": "until_start"}}),
            409,
            "frozen_after_first_sale",
        ),
        (json!({"no_show_minutes": 20}), 409, "frozen_after_first_sale"),
        (json!({"title": ""}), 422, "invalid_field"),
        (
            json!({"price": {"amount_minor": 100, "currency": "EUR"}}),
            422,
            "invalid_field",
        ),
        (
            json!({"refund_policy": {"kind": "until_hours_before"}}),
            422,
            "invalid_field",
        ),
        (json!({"starts_at": "2030-01-01T00:00:00Z"}), 422, "unknown_field"),
    ];
    let head = app.head().await;
    for (wish, status, code) in refused {
        let answer = app.patch(&path).by(HOST).json(&wish).send().await;
        answer.expect_problem(status, code);
    }
    let stranger = app.patch(&path).by(ALICE).json(&json!({"capacity": 9})).send().await;
    stranger.expect_problem(403, "forbidden");
    assert_eq!(app.head().await, head, "what is refused changes nothing");
    app.post(format!("{path}/cancel")).by(HOST).send().await.expect(202);
    let over = app.patch(&path).by(HOST).json(&json!({"capacity": 9})).send().await;
    over.expect_problem(409, "room_over");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn sales_are_paused_and_resumed(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let paused = app.post(format!("/v1/rooms/{room}/pause_sales")).by(HOST).send().await;
    assert_eq!(paused.expect(200)["sales"]["status"], "paused");
    let hold = app.post(format!("/v1/rooms/{room}/tickets")).by(BOB).key("b");
    hold.send().await.expect_problem(409, "sales_paused");
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    let resumed = app
        .post(format!("/v1/rooms/{room}/resume_sales"))
        .by(ADMIN)
        .send()
        .await;
    assert_eq!(resumed.expect(200)["sales"]["status"], "open");
    app.hold(&room, BOB, "b").await;
    app.stop().await;
}
