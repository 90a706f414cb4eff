//! A room that several share: agreed before the first sale, divided to the last cent, and given back the same way.

use chrono::{Datelike, TimeDelta};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::dividing::{books, deliver, earned};
use crate::support::{ADMIN, ALICE, BOB, HOST, OTHER_HOST, Person, Shop, TestApp, text};
use crate::waiting_money::count;

const EARNINGS: &str = "/v1/me/earnings";
/// Shares with the host, and is nobody's host.
const BEN: Person = BOB;

async fn start(options: PgConnectOptions) -> TestApp {
    let shop = Shop {
        is_provider_free: true,
        ..Shop::default()
    };
    TestApp::start_as(options, shop).await
}

fn thirds() -> Value {
    json!({"shares": [
        {"user_id": HOST.id, "basis_points": 3_334},
        {"user_id": OTHER_HOST.id, "basis_points": 3_333},
        {"user_id": BEN.id, "basis_points": 3_333},
    ]})
}

async fn propose(app: &TestApp, room: &str, by: Person, shares: &Value) -> crate::support::Answer {
    app.put(format!("/v1/rooms/{room}/shares"))
        .by(by)
        .json(shares)
        .send()
        .await
}

async fn accept(app: &TestApp, room: &str, by: Person, basis_points: u16) -> crate::support::Answer {
    let body = json!({"basis_points": basis_points});
    let path = format!("/v1/rooms/{room}/shares/me/accept");
    app.post(path).by(by).json(&body).send().await
}

/// A room at 10.52: 10.00 of it are the hosts', and three thirds of that are not a third each.
async fn shared_room(app: &TestApp) -> String {
    let room = app
        .schedule(HOST, "room", |room| room["price"]["amount_minor"] = json!(1_052))
        .await;
    propose(app, &room, HOST, &thirds()).await.expect(200);
    for person in [OTHER_HOST, BEN] {
        accept(app, &room, person, 3_333).await.expect(200);
    }
    room
}

fn account(person: Person, part: &str) -> String {
    format!("liability:host:{}:{part}", person.id)
}

async fn bank(app: &TestApp, payment: &Value, step: &str) {
    let payment_ref = text(&payment["provider_ref"]);
    let key = payment_ref.trim_start_matches("pi_");
    let (path, body) = match step {
        "open" => ("/sandbox/disputes".to_owned(), json!({"payment_ref": payment_ref})),
        outcome => (format!("/sandbox/disputes/dp_{key}/close"), json!({"outcome": outcome})),
    };
    app.post(path).by(ADMIN).json(&body).send().await.expect(204);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_sells_when_everybody_agreed(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    propose(&app, &room, ALICE, &thirds())
        .await
        .expect_problem(403, "forbidden");
    let short =
        json!({"shares": [{"user_id": HOST.id, "basis_points": 9_999}, {"user_id": BEN.id, "basis_points": 2}]});
    let refused = propose(&app, &room, HOST, &short).await;
    refused.expect_problem(422, "invalid_field");
    assert_eq!(refused.pointer(), Some("/shares"));
    let proposed = propose(&app, &room, HOST, &thirds()).await.expect(200);
    assert_eq!(
        (&proposed["agreed"], &proposed["shares"][0]["agreed"]),
        (&json!(false), &json!(true))
    );

    let hold = |key| {
        let path = format!("/v1/rooms/{room}/tickets");
        app.post(path).by(ALICE).key(key).send()
    };
    hold("early").await.expect_problem(409, "sales_not_open");
    accept(&app, &room, ALICE, 3_333).await.expect_problem(403, "forbidden");
    accept(&app, &room, BEN, 5_000).await.expect_problem(409, "wrong_state");
    accept(&app, &room, BEN, 3_333).await.expect(200);
    hold("half").await.expect_problem(409, "sales_not_open");
    let agreed = accept(&app, &room, OTHER_HOST, 3_333).await.expect(200);
    assert_eq!(agreed["agreed"], true);
    app.buy(&room, ALICE, "a").await;
    let alone = json!({"shares": []});
    let late = propose(&app, &room, HOST, &alone).await;
    late.expect_problem(409, "frozen_after_first_sale");
    let path = format!("/v1/rooms/{room}/shares");
    let seen = app.get(&path).by(BEN).send().await.expect(200);
    assert_eq!(seen["shares"].as_array().unwrap().len(), 3);
    app.get(&path).by(ALICE).send().await.expect_problem(403, "forbidden");
    app.stop().await;
}

/// woocommerce-payments #9991: 3 × 3.33 ≠ 10.00.
#[sqlx::test(migrations = "../migrations")]
async fn woocommerce_payments_9991_three_thirds_of_ten_are_ten(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    let room = shared_room(&app).await;
    app.buy(&room, ALICE, "a").await;
    deliver(&app, &room).await;
    // 10.52 less 5 %, rounded down: 10.00. The cent that is left over is the host's, who lost most by rounding.
    for (person, share) in [(HOST, 334), (OTHER_HOST, 333), (BEN, 333)] {
        app.eventually(person, EARNINGS, earned(share)).await;
    }
    let shared = json!({
        "cash:provider:sandbox": 1_052,
        account(HOST, "available"): -334,
        account(OTHER_HOST, "available"): -333,
        account(BEN, "available"): -333,
        "revenue:platform_fee": -52,
    });
    assert_eq!(books(&app).await, shared, "nothing is left between the accounts");
    assert_eq!(count(&app, "share_credited").await, 2);
    let statement = app.get("/v1/me/statements").by(BEN).send().await.expect(200);
    assert_eq!(statement["data"][0]["kind"], "share");
    assert_eq!(statement["data"][0]["net"]["amount_minor"], 333);

    // Ben is nobody's host: it waits for him.
    let ask = |key| {
        let wish = json!({"currency": "USD"});
        app.post("/v1/me/payouts").by(BEN).key(key).json(&wish).send()
    };
    ask("early").await.expect_problem(403, "host_not_approved");
    app.approve(BEN).await;
    let destination = json!({"destination": "acct_ben"});
    app.put("/v1/me/payout_destination")
        .by(BEN)
        .json(&destination)
        .send()
        .await
        .expect(200);
    ask("payout").await.expect(202);
    app.eventually(BEN, "/v1/me/payouts", |body| body["data"][0]["state"] == "paid")
        .await;
    app.stop().await;
}

/// Approved, and without a place for the money: it rolls over from month to month until there is one.
#[sqlx::test(migrations = "../migrations")]
async fn a_share_waits_until_its_owner_says_where_it_goes(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    let room = shared_room(&app).await;
    app.buy(&room, ALICE, "a").await;
    deliver(&app, &room).await;
    app.eventually(BEN, EARNINGS, earned(333)).await;
    let approve = app.post(format!("/v1/hosts/{}/approve", BEN.id)).by(ADMIN);
    approve.send().await.expect(200);
    let ask = |key| {
        let wish = json!({"currency": "USD"});
        app.post("/v1/me/payouts").by(BEN).key(key).json(&wish).send()
    };
    ask("early").await.expect_problem(409, "no_payout_destination");
    let monthly = json!({"schedule": "monthly"});
    let chosen = app.put("/v1/me/payout_schedule").by(BEN).json(&monthly);
    chosen.send().await.expect(200);
    app.clock.skip(TimeDelta::days(33 - i64::from(app.now().day())));
    let rolled = app
        .eventually(BEN, "/v1/me/statements", |body| {
            body["data"][1]["kind"] == "payout_rolled_over"
        })
        .await;
    assert_eq!(rolled["data"][1]["net"]["amount_minor"], 0);
    let events = app.events().await;
    let rolled = events.iter().find(|event| event["event_type"] == "payout_rolled_over");
    assert_eq!(rolled.unwrap()["payload"]["reason"], "no_destination");
    app.eventually(BEN, EARNINGS, earned(333)).await;

    app.link_destination(BEN).await;
    ask("later").await.expect(202);
    let paid = app
        .eventually(BEN, "/v1/me/payouts", |body| body["data"][0]["state"] == "paid")
        .await;
    assert_eq!(paid["data"][0]["amount"]["amount_minor"], 333);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn everybody_gives_back_what_a_lost_dispute_takes(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    let room = shared_room(&app).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    deliver(&app, &room).await;
    let people = [(HOST, 334), (OTHER_HOST, 333), (BEN, 333)];
    for (person, share) in people {
        app.eventually(person, EARNINGS, earned(share)).await;
    }
    bank(&app, &payment, "open").await;
    for (person, share) in people {
        let is_held = |body: &Value| body["balances"][0]["reserved"]["amount_minor"] == share;
        app.eventually(person, EARNINGS, is_held).await;
    }
    bank(&app, &payment, "lost").await;
    for (person, _) in people {
        let is_taken = |body: &Value| {
            let balance = &body["balances"][0];
            ["available", "reserved", "receivable"].map(|part| balance[part]["amount_minor"].clone())
                == [json!(0), json!(0), json!(0)]
        };
        app.eventually(person, EARNINGS, is_taken).await;
    }
    // 10.52 and the bank's fee are gone; the hosts gave 10.00 back, and 0.52 are the shop's loss.
    let lost = json!({
        "cash:provider:sandbox": -1_500,
        "expense:dispute_fee": 1_500,
        "loss:dispute": 52,
        "revenue:platform_fee": -52,
    });
    assert_eq!(books(&app).await, lost);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_won_dispute_gives_everybody_back_what_was_theirs(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    let room = shared_room(&app).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    deliver(&app, &room).await;
    app.eventually(BEN, EARNINGS, earned(333)).await;
    bank(&app, &payment, "open").await;
    app.eventually(BEN, EARNINGS, earned(0)).await;
    bank(&app, &payment, "won").await;
    for (person, share) in [(HOST, 334), (OTHER_HOST, 333), (BEN, 333)] {
        app.eventually(person, EARNINGS, earned(share)).await;
    }
    app.stop().await;
}
