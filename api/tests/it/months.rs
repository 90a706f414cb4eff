//! Closing the months of the shop.

use chrono::{Datelike as _, Days, Months, NaiveDate, TimeDelta};
use serde_json::{Value, json};
use sqlx::Executor as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ALICE, BOB, FINANCE, HOST, Shop, TestApp, text};

fn first_of_next(date: NaiveDate) -> NaiveDate {
    let first = date.with_day(1).expect("every month has a first");
    first.checked_add_months(Months::new(1)).expect("a month later")
}

/// Goes to the first of the next month, and seals every day from `first` up to the end of its month.
async fn close_month(app: &TestApp, first: NaiveDate) {
    let next = first_of_next(first);
    let ahead = next.and_hms_opt(0, 5, 0).expect("a time").and_utc() - app.now();
    app.advance(ahead);
    let mut day = first;
    while day < next {
        // What is still to be reconciled is not what this is about.
        let path = format!("/v1/days/{day}/seal");
        let seal = app.post(path).by(FINANCE).key(&format!("seal-{day}"));
        seal.json(&json!({"force_reason": "test"})).send().await.expect(201);
        day = day.checked_add_days(Days::new(1)).expect("a day later");
    }
}

async fn month(app: &TestApp, date: NaiveDate, query: &str) -> crate::support::Answer {
    let head = app.head().await;
    let path = format!("/v1/months/{}?min_position={head}{query}", date.format("%Y-%m"));
    app.get(path).by(FINANCE).send().await
}

fn rows<'a>(body: &'a Value, of: &str) -> impl Iterator<Item = &'a Value> {
    body[of].as_array().expect("a list").iter()
}

fn minor(row: &Value, name: &str) -> i64 {
    row[name].as_i64().expect("a number")
}

/// A room that is still to come when the months of a test are over.
async fn schedule_ahead(app: &TestApp) -> String {
    let starts_at = app.now() + TimeDelta::days(120);
    app.schedule(HOST, "room", |room| room["starts_at"] = json!(starts_at))
        .await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_closed_month_says_what_changed_since_the_last_close(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop {
        dates_log: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let first = app.now().date_naive();
    let room = schedule_ahead(&app).await;
    app.buy(&room, ALICE, "a").await;
    month(&app, first, "").await.expect_problem(404, "not_found");
    let head = app.head().await;
    close_month(&app, first).await;
    let closed = month(&app, first, "").await.expect(200);
    assert_eq!((&closed["after"], &closed["position"]), (&json!(0), &json!(head)));
    assert_eq!(
        (&closed["previous"], &closed["agrees_with_seals"]),
        (&Value::Null, &json!(true))
    );
    assert!(rows(&closed, "accounts").all(|row| row["is_new"] == true && row["opening_minor"] == 0));

    let second = first_of_next(first);
    app.buy(&room, BOB, "b").await;
    close_month(&app, second).await;
    assert_eq!(month(&app, first, "").await.expect(200), closed, "a close is for ever");
    let next = month(&app, second, "").await.expect(200);
    assert_eq!(
        next["after"],
        closed["days"].as_array().expect("days").last().expect("a day")["position"]
    );
    assert_eq!(next["previous"]["hash"], closed["hash"]);
    assert_eq!(next["agrees_with_seals"], true);
    assert_eq!(
        rows(&next, "days").count(),
        usize::try_from((first_of_next(second) - second).num_days()).unwrap()
    );
    let path = format!("/v1/ledger/trial_balance?as_of={}", next["position"]);
    let trial = app.get(path).by(FINANCE).send().await.expect(200);
    for row in rows(&next, "accounts") {
        let name = text(&row["name"]);
        let same = |other: &&Value| other["name"] == row["name"] && other["currency"] == row["currency"];
        let before = rows(&closed, "accounts").find(same);
        let before = |figure: &str| before.map_or(0, |before| minor(before, figure));
        assert_eq!(minor(row, "opening_minor"), before("closing_minor"), "{name}");
        assert_eq!(
            minor(row, "grand_debit_minor"),
            before("grand_debit_minor") + minor(row, "debit_minor"),
            "{name}"
        );
        assert_eq!(
            minor(row, "grand_credit_minor"),
            before("grand_credit_minor") + minor(row, "credit_minor"),
            "{name}"
        );
        let then = rows(&trial, "data")
            .find(|then| then["account"] == row["name"])
            .expect("the account");
        assert_eq!(row["closing_minor"], then["balance_minor"], "{name}");
    }
    let unearned = rows(&next, "classes")
        .find(|row| row["name"] == "liability:unearned")
        .expect("a class");
    assert_eq!(
        (minor(unearned, "credit_minor"), minor(unearned, "closing_minor")),
        (1_000, -2_000)
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_close_is_a_sheet_and_a_page_to_print_and_tells_of_changed_books(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let shop = Shop {
        dates_log: true,
        notarises: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let first = app.now().date_naive();
    let room = schedule_ahead(&app).await;
    app.buy(&room, ALICE, "a").await;
    close_month(&app, first).await;

    let path = format!("/v1/months/{}", first.format("%Y-%m"));
    month(&app, first, "").await.expect(200);
    let is_signed = |body: &Value| body["checkpoint"]["size"].as_u64() >= body["position"].as_u64();
    app.eventually(FINANCE, &path, is_signed).await;

    let sheet = month(&app, first, "&format=csv").await;
    assert_eq!(
        sheet.header("content-type"),
        Some("text/csv; charset=utf-8; header=present")
    );
    let lines: Vec<&str> = sheet.text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "kind,name,currency,opening,debit,credit,closing,grand_debit,grand_credit,new"
    );
    let account = format!("account,liability:unearned:{room},USD,0.00,0.00,10.00,-10.00,0.00,10.00,yes");
    assert!(lines.contains(&account.as_str()), "{}", sheet.text);
    let page = app
        .get(&path)
        .by(FINANCE)
        .header("accept", "text/html,*/*")
        .send()
        .await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let body = month(&app, first, "").await.expect(200);
    for (kind, vouches) in [("hash", &body["hash"]), ("checkpoint", &body["checkpoint"]["note"])] {
        let vouches = text(vouches);
        assert!(sheet.text.contains(vouches), "no {kind} {vouches} in {}", sheet.text);
    }
    for expected in [
        format!("Close of {}", first.format("%Y-%m")),
        text(&body["hash"]).to_owned(),
        format!("liability:unearned:{room}"),
        "come to what was sealed".to_owned(),
        text(&body["checkpoint"]["note"]).to_owned(),
    ] {
        assert!(page.text.contains(&expected), "{expected} is not in {}", page.text);
    }
    month(&app, first, "&format=pdf")
        .await
        .expect_problem(422, "invalid_field");

    let edit = "UPDATE view_ledger.lines SET credit_minor = credit_minor + 1 WHERE account LIKE 'liability:unearned:%'";
    app.pool.execute(edit).await.expect("somebody edits the books");
    let body = month(&app, first, "").await.expect(200);
    assert_eq!(body["agrees_with_seals"], false);
    let page = month(&app, first, "&format=html").await;
    assert!(page.text.contains("do NOT come to what was sealed"), "{}", page.text);
    app.stop().await;
}
