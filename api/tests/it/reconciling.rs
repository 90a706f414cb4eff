//! The provider's statement beside the books.

use chrono::TimeDelta;
use domain::{Currency, Money, PaymentId, TicketId};
use payments::sandbox::Confirmation;
use payments::{CreateIntent, PaymentProvider};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::disputing::bank;
use crate::dividing::{deliver, earned, pay_out};
use crate::support::{ALICE, BOB, FINANCE, HOST, TestApp, text};

const PATH: &str = "/v1/reconciliation";

/// Money comes to the account at the provider, and nobody here knows what for.
pub(crate) async fn pay_for_nothing(app: &TestApp) {
    let request = CreateIntent {
        payment_id: PaymentId::from_uuid(Uuid::from_u128(0xbad)),
        ticket_id: TicketId::from_uuid(Uuid::from_u128(0xbad)),
        amount: Money::new(700, Currency::USD),
    };
    let intent = app.sandbox.create_intent(request).await.expect("an intent");
    let paid = app
        .sandbox
        .confirm(&intent.provider_ref, &intent.client_secret, Confirmation::ok());
    paid.await.expect("paid");
}

/// So many pairs, and nothing open.
pub(crate) async fn all_matched(app: &TestApp, lines: u64) -> Value {
    let is_it = |body: &Value| {
        let matched = body["matched"].as_array().expect("a list").iter();
        let sum: u64 = matched
            .map(|matched| matched["lines"].as_u64().expect("a number"))
            .sum();
        sum == lines && body["provider_lines_open"] == 0 && body["ledger_lines_open"] == 0
    };
    app.eventually(FINANCE, PATH, is_it).await
}

#[sqlx::test(migrations = "../migrations")]
async fn every_movement_at_the_provider_finds_its_line_in_the_books(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(5)).await;
    let disputed = app.hold(&room, ALICE, "hold").await;
    let payment = app.start_payment(&disputed, ALICE, "pay").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&disputed, ALICE, "issued").await;
    let refunded = app.buy(&room, BOB, "b").await;
    let path = format!("/v1/tickets/{refunded}/refunds");
    app.post(path).by(HOST).key("refund").send().await.expect(201);
    app.ticket_becomes(&refunded, BOB, "refunded").await;
    deliver(&app, &room).await;
    app.eventually(HOST, "/v1/me/earnings", earned(894)).await;
    pay_out(&app, 500).await;
    bank(&app, &payment, "open").await;
    bank(&app, &payment, "lost").await;
    app.ticket_becomes(&disputed, ALICE, "revoked").await;
    let body = all_matched(&app, 6).await;
    let usd = |minor: i64| json!({"amount_minor": minor, "currency": "USD"});
    let expected = json!([
        {"kind": "charge", "lines": 2, "net": usd(2 * 941)},
        {"kind": "dispute", "lines": 1, "net": usd(-1_000)},
        {"kind": "dispute_fee", "lines": 1, "net": usd(-1_500)},
        {"kind": "refund", "lines": 1, "net": usd(-1_000)},
        {"kind": "transfer", "lines": 1, "net": usd(-500)},
    ]);
    assert_eq!(body["matched"], expected);
    // What the provider has of ours is what the books say.
    let path = format!("/v1/ledger/trial_balance?min_position={}", app.head().await);
    let trial = app.get(path).by(FINANCE).send().await.expect(200);
    let rows = trial["data"].as_array().expect("a list");
    let cash = rows
        .iter()
        .find(|row| row["account"] == "cash:provider:sandbox")
        .unwrap();
    assert_eq!(cash["balance_minor"], 2 * 941 - 1_000 - 1_500 - 1_000 - 500);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn money_nobody_knows_is_shown_with_its_age_and_reason(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    pay_for_nothing(&app).await;
    let is_open = |body: &Value| body["provider_lines_open"] == 1;
    let body = app.eventually(FINANCE, PATH, is_open).await;
    let line = &body["provider_lines"][0];
    assert_eq!(
        (&line["kind"], &line["reason"]),
        (&json!("charge"), &json!("not_booked_yet"))
    );
    assert_eq!(line["net"], json!({"amount_minor": 650, "currency": "USD"}));
    assert_eq!(text(&line["reference"]), format!("charge:{}", Uuid::from_u128(0xbad)));
    app.advance(TimeDelta::hours(25));
    let body = app.get(PATH).by(FINANCE).send().await.expect(200);
    let line = &body["provider_lines"][0];
    assert_eq!(line["reason"], "unknown_here");
    assert!(line["age_seconds"].as_i64().expect("a number") >= 25 * 60 * 60);
    app.stop().await;
}
