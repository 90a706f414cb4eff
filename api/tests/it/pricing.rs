//! Price tiers and promo codes: each with a quota of its own within the room's.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ADMIN, ALICE, Answer, BOB, HOST, OTHER_HOST, Person, TestApp, text};

const CLEO: Person = OTHER_HOST;

fn usd(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "USD"})
}

/// Three seats at 10.00: one early at 8.00, any as a supporter at 25.00; half off by a code for two, all off by another.
fn priced(room: &mut Value) {
    room["capacity"] = json!(3);
    room["tiers"] = json!([
        {"tier": "early", "name": "Early bird", "price": usd(800), "quota": 1},
        {"tier": "supporter", "name": "Supporter", "price": usd(2_500), "quota": 3},
    ]);
    room["promo_codes"] = json!([
        {"code": "HALF", "label": "newsletter", "discount": {"basis_points": 5_000}, "quota": 2},
        {"code": "guest", "label": "guests", "discount": {"amount": usd(99_900)}, "quota": 1, "tier": "early"},
    ]);
}

async fn try_hold(app: &TestApp, room: &str, who: Person, key: &str, wish: Value) -> Answer {
    let path = format!("/v1/rooms/{room}/tickets");
    app.post(path).by(who).key(key).json(&wish).send().await
}

async fn hold(app: &TestApp, room: &str, who: Person, key: &str, wish: Value) -> Value {
    try_hold(app, room, who, key, wish).await.expect(201)
}

async fn room_now(app: &TestApp, room: &str) -> Value {
    let path = format!("/v1/rooms/{room}?min_position={}", app.head().await);
    app.get(path).send().await.expect(200)
}

fn counts(room: &Value, tier: usize) -> Value {
    let tier = &room["tiers"][tier];
    json!([tier["free"], tier["held"], tier["sold"]])
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tier_has_its_price_and_its_seats(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", priced).await;
    let shown = room_now(&app, &room).await;
    assert_eq!(
        (counts(&shown, 0), counts(&shown, 1)),
        (json!([1, 0, 0]), json!([3, 0, 0]))
    );
    assert_eq!(
        shown["tiers"][0]["price_total"],
        usd(800),
        "the whole price, before the purchase"
    );
    assert_eq!(shown.get("promo_codes"), None, "codes are nobody's to list");

    let early = hold(&app, &room, ALICE, "a", json!({"tier": "early"})).await;
    let line = json!({"kind": "ticket", "label": "Early bird", "amount": usd(800)});
    assert_eq!(early["price"], json!({"total": usd(800), "lines": [line]}));
    let late = try_hold(&app, &room, BOB, "b", json!({"tier": "early"})).await;
    late.expect_problem(409, "sold_out");
    assert_eq!(late.body["reason"], "tier");
    let wrong = try_hold(&app, &room, BOB, "b2", json!({"tier": "balcony"})).await;
    wrong.expect_problem(422, "invalid_field");
    assert_eq!(wrong.pointer(), Some("/tier"));

    hold(&app, &room, BOB, "b3", json!({})).await;
    hold(&app, &room, CLEO, "c", json!({"tier": "supporter"})).await;
    let full = try_hold(&app, &room, ADMIN, "d", json!({"tier": "supporter"})).await;
    full.expect_problem(409, "sold_out");
    assert_eq!(full.body["reason"], "room");
    let shown = room_now(&app, &room).await;
    assert_eq!(
        (counts(&shown, 0), counts(&shown, 1)),
        (json!([0, 1, 0]), json!([0, 1, 0]))
    );

    let ticket = text(&early["id"]).to_owned();
    app.post(format!("/v1/tickets/{ticket}/release"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    let shown = room_now(&app, &room).await;
    assert_eq!(
        (counts(&shown, 0), counts(&shown, 1)),
        (json!([1, 0, 0]), json!([1, 1, 0]))
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_gives_back_to_the_tier_and_its_terms_stay(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", priced).await;
    let held = hold(&app, &room, ALICE, "a", json!({"tier": "early"})).await;
    let ticket = text(&held["id"]).to_owned();
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    assert_eq!(payment["amount"], usd(800));
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;

    let path = format!("/v1/rooms/{room}");
    let dearer = json!({"tiers": [{"tier": "early", "name": "Early", "price": usd(900), "quota": 2}]});
    let changed = app.patch(&path).by(HOST).json(&dearer).send().await.expect(200);
    assert_eq!(changed["tiers"][0]["price"], usd(900));
    assert_eq!(counts(&changed, 0), json!([1, 0, 1]));
    let fewer = json!({"tiers": [{"tier": "early", "name": "Early", "price": usd(900), "quota": 0}]});
    app.patch(&path)
        .by(HOST)
        .json(&fewer)
        .send()
        .await
        .expect_problem(422, "invalid_field");
    hold(&app, &room, BOB, "b", json!({"tier": "early"})).await;
    let fewer = json!({"tiers": [{"tier": "early", "name": "Early", "price": usd(900), "quota": 1}]});
    app.patch(&path)
        .by(HOST)
        .json(&fewer)
        .send()
        .await
        .expect_problem(409, "capacity_below_sold");
    let sold = app
        .get(format!("/v1/tickets/{ticket}"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    assert_eq!(sold["price"]["total"], usd(800), "what was sold keeps its price");

    let refund = app
        .post(format!("/v1/tickets/{ticket}/refunds"))
        .by(HOST)
        .key("r")
        .send()
        .await;
    assert_eq!(refund.expect(201)["amount"], usd(800));
    app.eventually(ALICE, &path, |room| counts(room, 0) == json!([1, 1, 0]))
        .await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_code_takes_off_what_it_says_for_as_many_as_it_says(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", priced).await;
    let half = json!({"tier": "supporter", "promo_code": " half "});
    let held = hold(&app, &room, ALICE, "a", half.clone()).await;
    let lines = json!([
        {"kind": "ticket", "label": "Supporter", "amount": usd(2_500)},
        {"kind": "discount", "label": "Promo code", "amount": usd(-1_250)},
    ]);
    assert_eq!(held["price"], json!({"total": usd(1_250), "lines": lines}));
    let ticket = text(&held["id"]).to_owned();
    let shown = app.eventually(ALICE, &format!("/v1/tickets/{ticket}"), |_| true).await;
    assert_eq!(shown["price"], held["price"], "as the view has it");
    for (key, wish, reason) in [
        ("unknown", json!({"promo_code": "hal"}), "unknown"),
        ("other", json!({"promo_code": "GUEST"}), "other_tier"),
    ] {
        let refused = try_hold(&app, &room, BOB, key, wish).await;
        refused.expect_problem(409, "promo_code_refused");
        assert_eq!(refused.body["reason"], reason);
    }
    hold(&app, &room, BOB, "b", json!({"promo_code": "HALF"})).await;
    let used_up = try_hold(&app, &room, CLEO, "c", half).await;
    used_up.expect_problem(409, "sold_out");
    assert_eq!(used_up.body["reason"], "promo_code");

    let path = format!("/v1/rooms/{room}/promo_codes");
    let codes = app.get(&path).by(HOST).send().await.expect(200);
    let taken = |label: &str| {
        let codes = codes["data"].as_array().expect("a list");
        let code = codes.iter().find(|code| code["label"] == label);
        code.expect("known")["taken"].clone()
    };
    assert_eq!((taken("newsletter"), taken("guests")), (json!(2), json!(0)));
    app.get(&path).by(ALICE).send().await.expect_problem(403, "forbidden");
    let log = app.get("/v1/log/events?limit=200").by(ADMIN).send().await.expect(200);
    assert!(
        !log.to_string().to_lowercase().contains("\"half\""),
        "the log does not tell the code"
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_code_that_takes_all_off_makes_a_free_ticket(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", priced).await;
    let held = hold(&app, &room, ALICE, "a", json!({"tier": "early", "promo_code": "guest"})).await;
    assert_eq!(held["price"]["total"], usd(0));
    let ticket = text(&held["id"]).to_owned();
    assert_eq!(app.start_payment(&ticket, ALICE, "a").await["state"], "issued");
    let path = format!("/v1/rooms/{room}");
    app.eventually(ALICE, &path, |room| counts(room, 0) == json!([0, 0, 1]))
        .await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tier_that_is_gone_is_paid_too_late(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", priced).await;
    let in_store = json!({"tier": "early", "channel": "ios"});
    let held = hold(&app, &room, ALICE, "a", in_store).await;
    let ticket = text(&held["id"]).to_owned();
    app.start_payment(&ticket, ALICE, "a").await;
    app.let_holds_lapse();
    let path = format!("/v1/rooms/{room}");
    app.eventually(ALICE, &path, |room| counts(room, 0) == json!([1, 0, 0]))
        .await;
    hold(&app, &room, BOB, "b", json!({"tier": "early"})).await;
    // The store collected it meanwhile: the room has seats, and what was paid for is gone.
    let purchase = json!({"ticket_id": ticket, "channel": "ios", "amount": usd(800)});
    let bought = app
        .post("/sandbox/store/purchases")
        .json(&purchase)
        .send()
        .await
        .expect(200);
    let receipt = json!({"receipt": bought["statement"]});
    let path = format!("/v1/tickets/{ticket}/receipts");
    app.post(path).by(ALICE).json(&receipt).send().await.expect(200);
    let refunded = app.ticket_becomes(&ticket, ALICE, "refunded").await;
    assert_eq!(refunded["refunds"][0]["reason"], "seat_gone");
    let shown = room_now(&app, &room).await;
    assert_eq!(counts(&shown, 0), json!([0, 1, 0]), "never more than there are");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_offer_to_who_waits_is_at_the_lowest_price_to_be_had(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let small = |room: &mut Value| {
        priced(room);
        room["capacity"] = json!(2);
    };
    let room = app.schedule(HOST, "room", small).await;
    let early = hold(&app, &room, ALICE, "a", json!({"tier": "early"})).await;
    hold(&app, &room, BOB, "b", json!({})).await;
    let path = format!("/v1/rooms/{room}/waiting_list/me");
    app.post(&path).by(CLEO).key("c").send().await.expect(201);
    let ticket = text(&early["id"]).to_owned();
    app.post(format!("/v1/tickets/{ticket}/release"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    let place = app.eventually(CLEO, &path, |place| place["state"] == "offered").await;
    let offered = text(&place["offer"]["ticket_id"]).to_owned();
    let offer = app.eventually(CLEO, &format!("/v1/tickets/{offered}"), |_| true).await;
    assert_eq!(offer["price"]["total"], usd(800));
    app.stop().await;
}
