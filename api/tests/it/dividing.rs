//! How the money of a sale is divided: by the preset, the channel, the customer's country, and the host's lifetime share.

use domain::{BasisPoints, FeeTier, Preset, TaxRules};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::earning::record_delivery;
use crate::support::{ALICE, BOB, FINANCE, HOST, Person, Shop, TestApp, text};

/// Holds through a channel, pays, and waits for the ticket.
pub(crate) async fn buy(app: &TestApp, room: &str, buyer: Person, body: &Value) -> String {
    let path = format!("/v1/rooms/{room}/tickets");
    let held = app.post(path).by(buyer).key("hold").json(body).send().await.expect(201);
    let ticket = text(&held["id"]).to_owned();
    let payment = app.start_payment(&ticket, buyer, "pay").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, buyer, "issued").await;
    ticket
}

/// A German shop's rates.
pub(crate) fn german_taxes() -> TaxRules {
    serde_json::from_value(json!({"version": 3, "rates": {"DE": 1900}})).expect("tax rules")
}

/// Somebody who says where they are, with two pieces of evidence.
pub(crate) fn customer(country: &str) -> Value {
    let piece = |kind: &str| json!({"kind": kind, "country": country});
    json!({"customer": {"country": country, "evidence": [piece("ip_address"), piece("payment_card")]}})
}

/// The host gives a part of a price back.
pub(crate) async fn refund_in_part(app: &TestApp, ticket: &str, buyer: Person, minor: i64) {
    let refund = json!({"amount": {"amount_minor": minor, "currency": "USD"}});
    let path = format!("/v1/tickets/{ticket}/refunds");
    let asked = app.post(path).by(HOST).key("part").json(&refund).send().await;
    asked.expect(201);
    let path = format!("/v1/tickets/{ticket}");
    app.eventually(buyer, &path, |body| body["refunds"][0]["state"] == "done")
        .await;
}

/// The host asks for a part of what is there, and is paid.
pub(crate) async fn pay_out(app: &TestApp, minor: i64) {
    let wish = json!({"amount": {"amount_minor": minor, "currency": "USD"}});
    let asked = app
        .post("/v1/me/payouts")
        .by(HOST)
        .key("payout")
        .json(&wish)
        .send()
        .await;
    asked.expect(202);
    app.eventually(HOST, "/v1/me/payouts", |body| body["data"][0]["state"] == "paid")
        .await;
}

pub(crate) async fn deliver(app: &TestApp, room: &str) {
    for verb in ["open", "end"] {
        let path = format!("/v1/rooms/{room}/{verb}");
        app.post(path).by(HOST).send().await.expect(200);
    }
    record_delivery(app, room).await;
}

/// Debit less credit of every account that is not at zero.
pub(crate) async fn books(app: &TestApp) -> Value {
    let path = format!("/v1/ledger/trial_balance?min_position={}", app.head().await);
    let balance = app.get(path).by(FINANCE).send().await.expect(200);
    assert_eq!(balance["totals"], json!([{"currency": "USD", "balance_minor": 0}]));
    let rows = balance["data"].as_array().expect("a list").iter();
    let open = rows.filter(|row| row["balance_minor"] != 0);
    open.map(|row| (text(&row["account"]).to_owned(), row["balance_minor"].clone()))
        .collect()
}

/// The preset has pending days.
fn pending(minor: i64) -> impl Fn(&Value) -> bool {
    move |body| body["balances"][0]["pending"]["amount_minor"] == minor
}

pub(crate) fn earned(minor: i64) -> impl Fn(&Value) -> bool {
    move |body| body["balances"][0]["available"]["amount_minor"] == minor
}

#[sqlx::test(migrations = "../migrations")]
async fn ten_dollars_through_a_store_bring_the_host_6_79(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop {
        preset: Preset::ticketed_spaces(),
        is_provider_free: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy_in_store(&room, ALICE, "ios").await;
    let body = app
        .get(format!("/v1/tickets/{ticket}"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&body["terms"]["preset"], &body["terms"]["channel"]),
        (&json!("ticketed-spaces"), &json!("ios"))
    );
    deliver(&app, &room).await;
    let balance = app.eventually(HOST, "/v1/me/earnings", pending(679)).await;
    let store_fees = json!({"amount_minor": 300, "currency": "USD"});
    assert_eq!(balance["balances"][0]["store_fees"], store_fees);
    let expected = json!({
        "cash:provider:app_store": 700,
        format!("liability:host:{}:pending", HOST.id): -679,
        "revenue:platform_fee": -21,
    });
    assert_eq!(books(&app).await, expected);
    app.stop().await;
}

/// Both settlements of a room are under way at once; there is room below the line for one of them.
#[sqlx::test(migrations = "../migrations")]
async fn two_sales_settled_at_once_do_not_use_the_same_rest_below_the_line(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let mut preset = Preset::ticketed_spaces();
    preset.fees.tier = Some(FeeTier {
        host_lifetime_major: 9,
        platform_fee: BasisPoints::try_new(2_000).unwrap(),
    });
    let shop = Shop {
        preset,
        is_provider_free: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy_in_store(&room, ALICE, "android").await;
    app.buy_in_store(&room, BOB, "ios").await;
    deliver(&app, &room).await;
    // 6.79 below the line. Of the next 7.00, 2.27 are below it (2.21 for the host) and bring the fee of 0.06; the rest pays 20 %.
    let filling = 700 * (900 - 679) / 679;
    let second = 700 - filling * 3 / 100 - (700 - filling) / 5;
    app.eventually(HOST, "/v1/me/earnings", pending(679 + second)).await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn tax_goes_by_the_customers_country_with_two_pieces_of_evidence(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop {
        taxes: german_taxes(),
        is_provider_free: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let path = format!("/v1/rooms/{room}/tickets");
    let hold = |key, body: Value| app.post(&path).by(ALICE).key(key).json(&body).send();
    let missing = hold("missing", json!({})).await;
    missing.expect_problem(422, "invalid_field");
    assert_eq!(missing.pointer(), Some("/customer"));
    let piece = |kind: &str, country: &str| json!({"kind": kind, "country": country});
    let from_germany = |evidence: Value| json!({"customer": {"country": "DE", "evidence": evidence}});
    for (key, evidence) in [
        ("one-piece", json!([piece("ip_address", "DE")])),
        (
            "twice-the-same",
            json!([piece("ip_address", "DE"), piece("ip_address", "DE")]),
        ),
        (
            "contradiction",
            json!([piece("ip_address", "DE"), piece("payment_card", "FR")]),
        ),
    ] {
        let refused = hold(key, from_germany(evidence)).await;
        refused.expect_problem(422, "invalid_field");
        assert_eq!(refused.pointer(), Some("/customer/evidence"), "{key}");
    }
    let lower = hold("lower-case", json!({"customer": {"country": "de", "evidence": []}})).await;
    assert_eq!(lower.pointer(), Some("/customer/country"));

    let proven = customer("DE");
    let ticket = buy(&app, &room, ALICE, &proven).await;
    let body = app
        .get(format!("/v1/tickets/{ticket}"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    assert_eq!(body["price"]["total"]["amount_minor"], 1_000);
    assert_eq!(body["price"]["lines"][1]["amount"]["amount_minor"], 160);
    let rule = json!({"country": "DE", "rate_basis_points": 1_900, "version": 3});
    assert_eq!(body["terms"]["tax"], rule);
    let unearned = format!("liability:unearned:{room}");
    let sold = json!({"cash:provider:sandbox": 1_000, &unearned: -840, "liability:tax:DE": -160});
    assert_eq!(books(&app).await, sold);

    // A third goes back, and its tax with it: 6.67 have 1.06 in them.
    let refund = json!({"amount": {"amount_minor": 333, "currency": "USD"}});
    let path = format!("/v1/tickets/{ticket}/refunds");
    app.post(path)
        .by(HOST)
        .key("third")
        .json(&refund)
        .send()
        .await
        .expect(201);
    let path = format!("/v1/tickets/{ticket}");
    app.eventually(ALICE, &path, |body| body["refunds"][0]["state"] == "done")
        .await;
    deliver(&app, &room).await;
    // 5 % of the 5.61 that are not tax.
    app.eventually(HOST, "/v1/me/earnings", earned(561 - 28)).await;
    let expected = json!({
        "cash:provider:sandbox": 667,
        format!("liability:host:{}:available", HOST.id): -533,
        "liability:tax:DE": -106,
        "revenue:platform_fee": -28,
    });
    assert_eq!(books(&app).await, expected);
    app.stop().await;
}
