//! Closing a month: statements of hosts.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::disputing::bank;
use crate::dividing::{buy, customer, deliver, earned, german_taxes, pay_out, refund_in_part};
use crate::support::{ALICE, BOB, FINANCE, HOST, OTHER_HOST, Shop, TestApp, text};

/// A shop with taxes whose provider takes nothing.
async fn start(options: PgConnectOptions) -> TestApp {
    let shop = Shop {
        taxes: german_taxes(),
        is_provider_free: true,
        ..Shop::default()
    };
    TestApp::start_as(options, shop).await
}

fn usd(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "USD"})
}

/// One sale earned, one refunded in part and earned, and all of it paid out.
async fn earn_and_pay_out(app: &TestApp) {
    let room = app.schedule(HOST, "room", |_| {}).await;
    buy(app, &room, ALICE, &customer("DE")).await;
    let ticket = buy(app, &room, BOB, &customer("AT")).await;
    refund_in_part(app, &ticket, BOB, 250).await;
    deliver(app, &room).await;
    // 8.40 less 5 %, and 7.50 less 5 %.
    app.eventually(HOST, "/v1/me/earnings", earned(798 + 713)).await;
    pay_out(app, 1_500).await;
}

async fn statement(app: &TestApp, month: &str) -> Value {
    let path = format!("/v1/me/statements/{month}?min_position={}", app.head().await);
    app.get(path).by(HOST).send().await.expect(200)
}

/// The month of the first line: a test may run at midnight.
async fn month_of_it(app: &TestApp) -> String {
    let path = format!("/v1/me/statements?min_position={}", app.head().await);
    let all = app.get(path).by(HOST).send().await.expect(200);
    let lines = all["data"].as_array().expect("a list");
    let earning = lines.iter().find(|line| line["kind"] == "earning").expect("an earning");
    text(&earning["at"])[..7].to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_month_opens_and_closes_and_its_lines_are_the_difference(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    earn_and_pay_out(&app).await;
    let month = month_of_it(&app).await;
    let body = statement(&app, &month).await;
    assert_eq!((&body["month"], &body["complete"]), (&json!(month), &json!(false)));
    let usd_sums = &body["currencies"][0];
    assert_eq!(usd_sums["opening"]["balance"], usd(0));
    assert_eq!(usd_sums["closing"]["available"], usd(11));
    assert_eq!(usd_sums["closing"]["balance"], usd(11));
    let totals = json!({
        "sales": 2, "gross": usd(1_750), "taxes": usd(160), "store_fees": usd(0), "provider_fees": usd(0),
        "platform_fees": usd(42 + 37), "co_hosts": usd(0), "net": usd(11), "paid_out": usd(1_500), "refunds": 1, "refunded": usd(250),
    });
    assert_eq!(usd_sums["totals"], totals);
    let lines = body["data"].as_array().expect("a list");
    let kinds: Vec<_> = lines.iter().map(|line| text(&line["kind"])).collect();
    assert_eq!(
        kinds,
        ["refund", "earning", "earning", "payout_requested", "payout_paid"]
    );
    let german = lines
        .iter()
        .find(|line| line["sale"]["tax_country"] == "DE")
        .expect("a sale to Germany");
    assert_eq!(
        (&german["gross"], &german["tax"], &german["net"]),
        (&usd(1_000), &usd(160), &usd(798))
    );
    let rule = (&german["sale"]["tax_rate_basis_points"], &german["sale"]["tax_version"]);
    assert_eq!(rule, (&json!(1_900), &json!(3)));
    let evidence = json!([{"kind": "ip_address", "country": "DE"}, {"kind": "payment_card", "country": "DE"}]);
    assert_eq!(german["sale"]["tax_evidence"], evidence);
    assert!(text(&lines[4]["reference"]).starts_with("tr_"), "{}", lines[4]);
    assert_eq!((&lines[0]["refunded"], &lines[0]["net"]), (&usd(250), &usd(0)));
    // Somebody else's is empty.
    let path = format!("/v1/me/statements/{month}");
    let other = app.get(path).by(OTHER_HOST).send().await.expect(200);
    assert_eq!((&other["data"], &other["currencies"]), (&json!([]), &json!([])));
    app.stop().await;
}

/// What comes after the end of a month belongs to a later one. (The month is made to end by the clock of everybody but the
/// log, which dates what follows in this month still: so its position shows that it counts no more.)
#[sqlx::test(migrations = "../migrations")]
async fn a_month_that_is_over_says_so_and_the_next_opens_with_what_it_closed_with(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let app = start(options).await;
    earn_and_pay_out(&app).await;
    let month = month_of_it(&app).await;
    let open = statement(&app, &month).await;
    app.advance(TimeDelta::days(32));
    let path = format!("/v1/me/statements/{month}");
    let over = app.get(&path).by(HOST).send().await.expect(200);
    assert_eq!(over["complete"], true);
    assert_eq!(
        (&over["data"], &over["currencies"]),
        (&open["data"], &open["currencies"])
    );
    let next = app.now().format("%Y-%m").to_string();
    let next = app
        .get(format!("/v1/me/statements/{next}"))
        .by(HOST)
        .send()
        .await
        .expect(200);
    assert_eq!(next["data"], json!([]));
    let sums = &next["currencies"][0];
    assert_eq!(sums["opening"], over["currencies"][0]["closing"]);
    assert_eq!(sums["closing"], sums["opening"]);
    let years_ago = app.get("/v1/me/statements/2019-05").by(HOST).send().await.expect(200);
    assert_eq!(
        (&years_ago["complete"], &years_ago["currencies"]),
        (&json!(true), &json!([]))
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_dispute_is_lines_of_its_own(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop {
        is_provider_free: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "hold").await;
    let payment = app.start_payment(&ticket, ALICE, "pay").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    deliver(&app, &room).await;
    app.eventually(HOST, "/v1/me/earnings", earned(950)).await;
    bank(&app, &payment, "open").await;
    app.eventually(HOST, "/v1/me/earnings", earned(0)).await;
    bank(&app, &payment, "lost").await;
    app.ticket_becomes(&ticket, ALICE, "revoked").await;
    let path = "/v1/me/statements";
    let is_there = |body: &Value| body["data"].as_array().is_some_and(|lines| lines.len() == 3);
    let body = app.eventually(HOST, path, is_there).await;
    let told: Vec<_> = body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (text(&line["kind"]).to_owned(), line["net"]["amount_minor"].clone()))
        .collect();
    let expected = [("earning", 950), ("dispute_held", 0), ("dispute_reversed", -950)];
    assert_eq!(told, expected.map(|(kind, net)| (kind.to_owned(), json!(net))));
    assert!(text(&body["data"][1]["reference"]).starts_with("dp_"));
    assert_eq!(body["data"][1]["parts"]["reserved"], usd(950));
    app.stop().await;
}

/// The host never had the money, and still sees where the sale has gone.
#[sqlx::test(migrations = "../migrations")]
async fn a_dispute_lost_before_delivery_is_told_and_moves_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop {
        is_provider_free: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(5)).await;
    let disputed = app.hold(&room, ALICE, "hold").await;
    let payment = app.start_payment(&disputed, ALICE, "pay").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&disputed, ALICE, "issued").await;
    app.buy(&room, BOB, "b").await;
    bank(&app, &payment, "open").await;
    bank(&app, &payment, "lost").await;
    app.ticket_becomes(&disputed, ALICE, "revoked").await;
    deliver(&app, &room).await;
    app.eventually(HOST, "/v1/me/earnings", earned(950)).await;
    let path = format!("/v1/me/statements?min_position={}", app.head().await);
    let body = app.get(&path).by(HOST).send().await.expect(200);
    let (lost, earning) = (&body["data"][0], &body["data"][1]);
    assert_eq!(
        (&lost["kind"], &earning["kind"]),
        (&json!("dispute_lost"), &json!("earning"))
    );
    assert_eq!(
        (&lost["ticket_id"], &lost["refund_id"]),
        (&json!(disputed), &Value::Null)
    );
    assert_eq!((&lost["refunded"], &lost["net"]), (&usd(1_000), &usd(0)));
    assert!(text(&lost["reference"]).starts_with("dp_"));
    assert_eq!(body["data"].as_array().map(Vec::len), Some(2));
    let totals = &body["currencies"][0]["totals"];
    assert_eq!(
        (
            &totals["sales"],
            &totals["refunds"],
            &totals["refunded"],
            &totals["net"]
        ),
        (&json!(1), &json!(1), &usd(1_000), &usd(950))
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_statement_is_a_sheet_for_who_asks_for_one(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    earn_and_pay_out(&app).await;
    let month = month_of_it(&app).await;
    let path = format!("/v1/me/statements/{month}");
    let sheet = app.get(format!("{path}?format=csv")).by(HOST).send().await;
    assert_eq!(
        sheet.header("content-type"),
        Some("text/csv; charset=utf-8; header=present")
    );
    let name = format!("attachment; filename=\"statement-{month}.csv\"");
    assert_eq!(sheet.header("content-disposition"), Some(name.as_str()));
    let by_accept = app.get(&path).by(HOST).header("accept", "text/csv").send().await;
    assert_eq!(by_accept.text, sheet.text);
    let rows: Vec<Vec<&str>> = sheet.text.split("\r\n").map(|row| row.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|column| *column == name).expect("a column");
    let kinds: Vec<_> = rows.iter().map(|row| row[0]).collect();
    let expected = [
        "kind",
        "opening_balance",
        "refund",
        "earning",
        "earning",
        "payout_requested",
        "payout_paid",
        "total",
        "closing_balance",
        "",
    ];
    assert_eq!(kinds, expected);
    assert!(rows[..9].iter().all(|row| row.len() == rows[0].len()), "{}", sheet.text);
    let german = rows
        .iter()
        .find(|row| row.get(column("tax_country")) == Some(&"DE"))
        .unwrap();
    let cells = ["gross", "tax", "platform_fee", "net"].map(|name| german[column(name)]);
    assert_eq!(cells, ["10.00", "1.60", "0.42", "7.98"]);
    assert_eq!(german[column("tax_evidence")], "ip_address DE; payment_card DE");
    assert_eq!(rows[7][column("count")], "2");
    assert_eq!(rows[8][column("balance")], "0.11");
    assert_eq!(rows[5][column("net")], "-15.00");
    let neither = app.get(format!("{path}?format=xls")).by(HOST).send().await;
    neither.expect_problem(422, "invalid_field");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_year_is_for_its_host_and_for_finance(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options).await;
    earn_and_pay_out(&app).await;
    let year = month_of_it(&app).await[..4].to_owned();
    let path = format!("/v1/hosts/{}/years/{year}?min_position={}", HOST.id, app.head().await);
    let own = app.get(&path).by(HOST).send().await.expect(200);
    assert_eq!(own, app.get(&path).by(FINANCE).send().await.expect(200));
    app.get(&path)
        .by(OTHER_HOST)
        .send()
        .await
        .expect_problem(404, "not_found");
    let sums = &own["currencies"][0];
    assert_eq!((&sums["sales"], &sums["gross"]), (&json!(2), &usd(1_750)));
    assert_eq!(
        (&sums["taxes"], &sums["refunded"], &sums["paid_out"]),
        (&usd(160), &usd(250), &usd(1_500))
    );
    assert_eq!(own["complete"], false);
    let before = format!("/v1/hosts/{}/years/2019", HOST.id);
    let before = app.get(before).by(FINANCE).send().await.expect(200);
    assert_eq!((&before["complete"], &before["currencies"]), (&json!(true), &json!([])));
    for none in ["26", "2026-01", "next"] {
        let path = format!("/v1/hosts/{}/years/{none}", HOST.id);
        app.get(path).by(FINANCE).send().await.expect_problem(404, "not_found");
    }
    app.stop().await;
}
