//! Sealing the days of the shop.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::dividing::{deliver, earned};
use crate::reconciling::{all_matched, pay_for_nothing};
use crate::support::{ALICE, Answer, BOB, FINANCE, HOST, TestApp, text};

/// A day and as long as the last event of the day before may take.
fn to_tomorrow() -> TimeDelta {
    TimeDelta::days(1) + TimeDelta::minutes(2)
}

async fn seal(app: &TestApp, date: NaiveDate, key: &str, body: Value) -> Answer {
    let path = format!("/v1/days/{date}/seal");
    app.post(path).by(FINANCE).key(key).json(&body).send().await
}

/// The books at a position, by the first two parts of the accounts' names.
async fn by_class(app: &TestApp, position: &Value) -> BTreeMap<String, (i64, i64)> {
    let path = format!("/v1/ledger/trial_balance?as_of={position}");
    let trial = app.get(path).by(FINANCE).send().await.expect(200);
    let mut sums = BTreeMap::new();
    for row in trial["data"].as_array().expect("a list") {
        let class = text(&row["account"]).split(':').take(2).collect::<Vec<_>>().join(":");
        let sum: &mut (i64, i64) = sums.entry(class).or_default();
        sum.0 += row["debit_minor"].as_i64().expect("a number");
        sum.1 += row["credit_minor"].as_i64().expect("a number");
    }
    sums
}

fn sealed_totals(day: &Value) -> BTreeMap<String, (i64, i64)> {
    let totals = day["totals"].as_array().expect("a list").iter();
    let total = |total: &Value| {
        let minor = |name: &str| total[name].as_i64().expect("a number");
        (
            text(&total["class"]).to_owned(),
            (minor("debit_minor"), minor("credit_minor")),
        )
    };
    totals.map(total).collect()
}

/// A room that is still to come when the days of a test are over: nobody misses its host.
async fn schedule_ahead(app: &TestApp) -> String {
    let starts_at = app.now() + TimeDelta::days(30);
    app.schedule(HOST, "room", |room| room["starts_at"] = json!(starts_at))
        .await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sealed_day_has_the_totals_of_its_end_for_ever(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let today = app.now().date_naive();
    let room = schedule_ahead(&app).await;
    app.buy(&room, ALICE, "a").await;
    all_matched(&app, 1).await;
    seal(&app, today, "early", json!({}))
        .await
        .expect_problem(409, "wrong_state");

    let head = app.head().await;
    app.advance(to_tomorrow());
    let (day, position) = seal(&app, today, "first", json!({})).await.expect_written(201);
    assert_eq!(
        (&day["date"], &day["position"], &day["events"]),
        (&json!(today), &json!(head), &json!(head))
    );
    assert_eq!((&day["unreconciled"], &day["force_reason"]), (&json!(0), &Value::Null));
    assert_eq!(
        (&day["sealed_by"], &day["sealed_position"]),
        (&json!(FINANCE.id), &json!(position))
    );
    let path = format!("/v1/log/events?after={}&limit=1", head - 1);
    let last = app.get(path).by(FINANCE).send().await.expect(200);
    assert_eq!(day["hash"], last["data"][0]["hash"]);
    assert_eq!(sealed_totals(&day), by_class(&app, &day["position"]).await);

    // Once; whoever asks again gets it again, also with another key.
    for key in ["first", "again"] {
        let (again, _) = seal(&app, today, key, json!({})).await.expect_written(201);
        assert_eq!(again, day);
    }
    assert_eq!(app.head().await, position, "nothing more is recorded");
    let later = app.schedule(HOST, "later", |_| {}).await;
    app.buy(&later, BOB, "b").await;
    deliver(&app, &later).await;
    app.eventually(HOST, "/v1/me/earnings", earned(894)).await;
    assert_eq!(sealed_totals(&day), by_class(&app, &day["position"]).await);
    let read = app
        .get(format!("/v1/days/{today}"))
        .by(FINANCE)
        .send()
        .await
        .expect(200);
    assert_eq!(read, day);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn days_are_sealed_in_their_order(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let today = app.now().date_naive();
    schedule_ahead(&app).await;
    app.advance(to_tomorrow() + TimeDelta::days(2));
    seal(&app, today, "first", json!({})).await.expect(201);
    let day = |number| today.checked_add_days(Days::new(number)).unwrap();
    let early = seal(&app, day(2), "third", json!({})).await;
    early.expect_problem(409, "wrong_state");
    assert!(
        text(&early.body["detail"]).contains(&day(1).to_string()),
        "{}",
        early.text
    );
    let before = today.checked_sub_days(Days::new(1)).unwrap();
    seal(&app, before, "before", json!({}))
        .await
        .expect_problem(409, "wrong_state");
    for number in [1, 2] {
        seal(&app, day(number), "next", json!({})).await.expect(201);
    }
    let list = async |query: &str| {
        let path = format!("/v1/days?{query}&min_position={}", app.head().await);
        app.get(path).by(FINANCE).send().await.expect(200)
    };
    let page = list("limit=2").await;
    let dates = |page: &Value| -> Vec<Value> {
        let days = page["data"].as_array().expect("a list").iter();
        days.map(|day| day["date"].clone()).collect()
    };
    assert_eq!(dates(&page), [json!(day(2)), json!(day(1))]);
    let rest = list(&format!("after={}", text(&page["next"]))).await;
    assert_eq!((dates(&rest), &rest["next"]), (vec![json!(today)], &Value::Null));
    let unsealed = app.get(format!("/v1/days/{}", day(3))).by(FINANCE).send().await;
    unsealed.expect_problem(404, "not_found");
    seal(&app, day(3), "fourth", json!({}))
        .await
        .expect_problem(409, "wrong_state");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_waits_too_long_to_be_reconciled_holds_the_day_open(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let today = app.now().date_naive();
    schedule_ahead(&app).await;
    pay_for_nothing(&app).await;
    let is_open = |body: &Value| body["provider_lines_open"] == 1;
    app.eventually(FINANCE, "/v1/reconciliation", is_open).await;
    app.advance(TimeDelta::days(4));
    let refused = seal(&app, today, "first", json!({})).await;
    refused.expect_problem(409, "unreconciled");
    assert!(text(&refused.body["detail"]).starts_with("1 lines"), "{}", refused.text);
    let prose = seal(&app, today, "prose", json!({"force_reason": "The bank was closed."})).await;
    prose.expect_problem(422, "invalid_field");
    assert_eq!(prose.pointer(), Some("/force_reason"));
    let forced = json!({"force_reason": "bank_holiday"});
    let (day, _) = seal(&app, today, "forced", forced).await.expect_written(201);
    assert_eq!(
        (&day["unreconciled"], &day["force_reason"]),
        (&json!(1), &json!("bank_holiday"))
    );
    app.stop().await;
}
