//! Disputes from the bank's first word to the books, by way of the sandbox and its webhooks or event list.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::dividing::{books, deliver, earned};
use crate::support::{ADMIN, ALICE, BOB, FINANCE, HOST, Person, Shop, TestApp, text};

async fn start(options: PgConnectOptions) -> TestApp {
    let shop = Shop {
        is_provider_free: true,
        ..Shop::default()
    };
    TestApp::start_as(options, shop).await
}

/// A ticket, and the payment that bought it.
async fn buy(app: &TestApp, room: &str, buyer: Person) -> (String, Value) {
    let ticket = app.hold(room, buyer, "hold").await;
    let payment = app.start_payment(&ticket, buyer, "pay").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, buyer, "issued").await;
    (ticket, payment)
}

/// What the buyer's bank does, and says twice.
pub(crate) async fn bank(app: &TestApp, payment: &Value, step: &str) {
    let payment_ref = text(&payment["provider_ref"]);
    let (path, body) = match step {
        "open" => ("/sandbox/disputes".to_owned(), json!({"payment_ref": payment_ref})),
        outcome => {
            let key = payment_ref.trim_start_matches("pi_");
            (format!("/sandbox/disputes/dp_{key}/close"), json!({"outcome": outcome}))
        }
    };
    for _ in 0..2 {
        app.post(&path).by(ADMIN).json(&body).send().await.expect(204);
    }
}

async fn dispute_becomes(app: &TestApp, ticket: &str, state: &str) {
    let path = format!("/v1/tickets/{ticket}/evidence");
    app.eventually(FINANCE, &path, |body| body["disputes"][0]["state"] == state)
        .await;
}

fn reserved(minor: i64) -> impl Fn(&Value) -> bool {
    move |body| body["balances"][0]["reserved"]["amount_minor"] == minor
}

fn available() -> String {
    format!("liability:host:{}:available", HOST.id)
}

/// eliza #10997: debited when it was opened, never credited when it was won.
#[sqlx::test(migrations = "../migrations")]
async fn eliza_10997_a_dispute_that_is_won_gives_the_money_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let (ticket, payment) = buy(&app, &room, ALICE).await;
    deliver(&app, &room).await;
    app.eventually(HOST, "/v1/me/earnings", earned(950)).await;
    bank(&app, &payment, "open").await;
    app.eventually(HOST, "/v1/me/earnings", reserved(950)).await;
    let open = json!({
        "clearing:dispute": 1_000,
        format!("liability:host:{}:reserve", HOST.id): -950,
        "revenue:platform_fee": -50,
    });
    assert_eq!(books(&app).await, open);
    bank(&app, &payment, "won").await;
    app.eventually(HOST, "/v1/me/earnings", earned(950)).await;
    let won = json!({"cash:provider:sandbox": 1_000, available(): -950, "revenue:platform_fee": -50});
    assert_eq!(books(&app).await, won);
    dispute_becomes(&app, &ticket, "won").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dispute_lost_after_the_payout_is_owed_and_paid_by_the_next_earnings(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let app = start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let (ticket, payment) = buy(&app, &room, ALICE).await;
    deliver(&app, &room).await;
    app.eventually(HOST, "/v1/me/earnings", earned(950)).await;
    let destination = json!({"destination": "acct_host"});
    let path = "/v1/me/payout_destination";
    app.put(path).by(HOST).json(&destination).send().await.expect(200);
    let wish = json!({"currency": "USD"});
    app.post("/v1/me/payouts")
        .by(HOST)
        .key("payout")
        .json(&wish)
        .send()
        .await
        .expect(202);
    app.eventually(HOST, "/v1/me/payouts", |body| body["data"][0]["state"] == "paid")
        .await;

    for step in ["open", "lost"] {
        bank(&app, &payment, step).await;
    }
    app.ticket_becomes(&ticket, ALICE, "revoked").await;
    let entry = app.post(format!("/v1/tickets/{ticket}/entry")).by(ALICE).send().await;
    entry.expect_problem(403, "entry_refused");
    assert_eq!(entry.body["reason"], "revoked");
    let owes = |body: &Value| body["balances"][0]["receivable"]["amount_minor"] == 950;
    app.eventually(HOST, "/v1/me/earnings", owes).await;
    // 10.00 came; 9.50 were paid out, 10.00 taken back, and 15.00 are the bank's fee.
    let lost = json!({
        "cash:provider:sandbox": 1_000 - 950 - 1_000 - 1_500,
        "expense:dispute_fee": 1_500,
        "loss:dispute": 50,
        "revenue:platform_fee": -50,
        format!("asset:host:{}:receivable", HOST.id): 950,
    });
    assert_eq!(books(&app).await, lost);

    let next = app
        .schedule(HOST, "next", |room| room["price"]["amount_minor"] = json!(2_000))
        .await;
    buy(&app, &next, BOB).await;
    deliver(&app, &next).await;
    app.eventually(HOST, "/v1/me/earnings", earned(1_900 - 950)).await;
    assert_eq!(
        books(&app).await.get(format!("asset:host:{}:receivable", HOST.id)),
        None
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dispute_lost_before_the_delivery_is_paid_by_the_sale_and_earns_nobody(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let app = start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let (ticket, payment) = buy(&app, &room, ALICE).await;
    bank(&app, &payment, "open").await;
    dispute_becomes(&app, &ticket, "open").await;
    // Meanwhile nobody gives it back a second time.
    let refund = app
        .post(format!("/v1/tickets/{ticket}/refunds"))
        .by(HOST)
        .key("refund")
        .send()
        .await;
    refund.expect_problem(409, "not_refundable");
    bank(&app, &payment, "lost").await;
    app.ticket_becomes(&ticket, ALICE, "revoked").await;
    deliver(&app, &room).await;
    let expected = json!({"cash:provider:sandbox": -1_500, "expense:dispute_fee": 1_500});
    assert_eq!(books(&app).await, expected);
    app.stop().await;
}

/// The room is delivered while the bank thinks: the sale is earned when it gives in.
#[sqlx::test(migrations = "../migrations")]
async fn a_sale_is_earned_when_its_dispute_is_won(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let (ticket, payment) = buy(&app, &room, ALICE).await;
    bank(&app, &payment, "open").await;
    dispute_becomes(&app, &ticket, "open").await;
    deliver(&app, &room).await;
    bank(&app, &payment, "won").await;
    app.eventually(HOST, "/v1/me/earnings", earned(950)).await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_evidence_comes_in_one_call(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let (ticket, payment) = buy(&app, &room, ALICE).await;
    bank(&app, &payment, "open").await;
    dispute_becomes(&app, &ticket, "open").await;
    let path = format!("/v1/tickets/{ticket}/evidence");
    app.get(&path).by(ALICE).send().await.expect_problem(404, "not_found");
    let evidence = app.get(&path).by(HOST).send().await.expect(200);
    assert_eq!(evidence["ticket"]["price"]["total"]["amount_minor"], 1_000);
    assert_eq!(text(&evidence["terms_sha256"]).len(), 64);
    let facts: Vec<_> = evidence["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| text(&event["event_type"]))
        .collect();
    assert!(facts.ends_with(&["ticket_issued", "dispute_opened"]), "{facts:?}");
    // Each fact is on the log, where anybody may check it.
    let last = evidence["events"].as_array().expect("a list").last().unwrap();
    let after = last["position"].as_u64().expect("a number") - 1;
    let page = app
        .get(format!("/v1/log/events?after={after}&limit=1"))
        .by(FINANCE)
        .send()
        .await
        .expect(200);
    assert_eq!(page["data"][0]["hash"], last["hash"]);
    let page = app.get(&path).by(FINANCE).header("accept", "text/html").send().await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text.contains("<h1>Evidence for ticket"), "{}", page.text);
    app.stop().await;
}
