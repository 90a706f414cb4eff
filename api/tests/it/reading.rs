//! Lists, tags, positions, the log, the documents: what every reader relies on.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ADMIN, ALICE, ANALYST, FINANCE, HOST, TestApp};

#[sqlx::test(migrations = "../migrations")]
async fn lists_are_paged_to_their_end(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let mut scheduled = Vec::new();
    for number in 0..5 {
        scheduled.insert(0, app.schedule(HOST, &format!("room-{number}"), |_| {}).await);
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = app.get(format!("/v1/rooms?limit=2{next}")).send().await.expect(200);
        let rooms = page["data"].as_array().expect("a list");
        assert!(rooms.len() <= 2);
        seen.extend(rooms.iter().map(|room| room["id"].as_str().expect("a text").to_owned()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&after={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, scheduled);
    let none = app
        .get("/v1/rooms?host_id=00000000-0000-7000-8000-000000000404")
        .send()
        .await
        .expect(200);
    assert_eq!(none, json!({"data": [], "next": null}));
    let cheap = app
        .get("/v1/rooms?price_max_minor=999&currency=USD")
        .send()
        .await
        .expect(200);
    assert_eq!(cheap["data"], json!([]));
    let found = app
        .get("/v1/rooms?q=EVEN&state=scheduled&language=en")
        .send()
        .await
        .expect(200);
    assert_eq!(found["data"].as_array().expect("a list").len(), 5);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_known_is_not_sent_again(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let path = format!("/v1/rooms/{room}");
    let first = app.get(&path).send().await;
    let etag = first.header("etag").unwrap().to_owned();
    first.expect(200);
    for tags in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        "*".to_owned(),
    ] {
        let known = app.get(&path).header("if-none-match", &tags).send().await;
        assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""), "{tags}");
        assert_eq!(known.header("etag"), Some(etag.as_str()));
    }
    app.hold(&room, ALICE, "a").await;
    let path = format!("{path}?min_position={}", app.head().await);
    let changed = app.get(&path).header("if-none-match", &etag).send().await;
    assert_ne!(changed.header("etag"), Some(etag.as_str()));
    assert_eq!(changed.expect(200)["seats"]["held"], 1);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_position_that_is_not_there_yet_is_waited_for_and_given_up(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let head = app.head().await;
    app.get(format!("/v1/rooms/{room}?min_position={head}"))
        .send()
        .await
        .expect(200);
    let ahead = app
        .get(format!("/v1/rooms/{room}?min_position={}", head + 1))
        .send()
        .await;
    ahead.expect_problem(503, "projection_behind");
    assert!(ahead.header("retry-after").is_some());
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_log_is_read_as_json_or_line_by_line(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.hold(&room, ALICE, "a").await;
    let events = app.get("/v1/log/events").by(ANALYST).send().await.expect(200);
    let events = events["data"].as_array().expect("a list").clone();
    let positions: Vec<_> = events
        .iter()
        .map(|event| event["position"].as_u64().expect("a number"))
        .collect();
    assert_eq!(positions, (1..=app.head().await).collect::<Vec<_>>());
    let held = events.iter().find(|event| event["event_type"] == "seat_held").unwrap();
    assert_eq!(held["payload"]["buyer"], ALICE.id);
    assert_eq!(held["metadata"]["actor_id"], ALICE.id);

    let lines = app
        .get("/v1/log/events?after=1")
        .by(ANALYST)
        .header("accept", "application/x-ndjson")
        .send()
        .await;
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> = lines
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, events[1..]);

    let path = format!("/v1/log/events?aggregate=room-{room}");
    let of_room = app.get(&path).by(FINANCE).send().await.expect(200);
    let types: Vec<_> = of_room["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["event_type"])
        .collect();
    assert_eq!(types, ["room_scheduled", "seat_held"]);
    let rest = app
        .get(format!("{path}&after=1&limit=1"))
        .by(FINANCE)
        .send()
        .await
        .expect(200);
    assert_eq!(rest["data"][0]["sequence"], 2);
    assert_eq!(rest["next"], "2");
    let unknown = app.get("/v1/log/events?aggregate=table-1").by(FINANCE).send().await;
    unknown.expect_problem(422, "invalid_field");

    let head = app.get("/v1/log/head").by(ANALYST).send().await.expect(200);
    assert_eq!(head["hash"], events.last().unwrap()["hash"]);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_host_reads_sales_timeline_and_attendance(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    let head = app.head().await;
    let read = |what: &str| {
        app.get(format!("/v1/rooms/{room}/{what}?min_position={head}"))
            .by(HOST)
            .send()
    };
    let sales = read("sales").await.expect(200);
    assert_eq!(sales["data"][0]["id"], ticket.as_str());
    let timeline = read("timeline").await.expect(200);
    let types: Vec<_> = timeline["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["type"].as_str().expect("a text"))
        .collect();
    for event in [
        "room_scheduled",
        "seat_held",
        "payment_captured",
        "seat_sold",
        "ticket_issued",
    ] {
        assert!(types.contains(&event), "{event} in {types:?}");
    }
    let attendance = read("attendance").await.expect(200);
    assert_eq!(
        (&attendance["delivered"], &attendance["intervals"]),
        (&Value::Null, &json!([]))
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_books_balance_after_a_sale(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    let head = app.head().await;
    let path = format!("/v1/ledger/trial_balance?min_position={head}");
    let balance = app.get(&path).by(FINANCE).send().await.expect(200);
    assert_eq!(balance["totals"], json!([{"currency": "USD", "balance_minor": 0}]));
    assert!(balance["position"].as_u64().expect("a number") >= head);
    let account = format!("liability:unearned:{room}");
    let lines = app
        .get(format!("/v1/ledger/accounts/{account}/lines"))
        .by(FINANCE)
        .send()
        .await
        .expect(200);
    assert_eq!(
        lines["data"][0]["amount"],
        json!({"amount_minor": -1000, "currency": "USD"})
    );
    let unknown = app.get("/v1/ledger/accounts/no:such/lines").by(FINANCE).send().await;
    unknown.expect_problem(404, "not_found");
    let page = app
        .get("/v1/ledger/accounts?limit=1")
        .by(ADMIN)
        .send()
        .await
        .expect(200);
    assert!(page["next"].is_string());
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_host_applies_is_approved_and_says_where_money_goes(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let unknown = app.get("/v1/me/host").by(HOST).send().await.expect(200);
    assert_eq!(unknown["standing"], "none");
    let (applied, _) = app
        .put("/v1/me/host_application")
        .by(HOST)
        .json(&json!({}))
        .send()
        .await
        .expect_written(200);
    assert_eq!(applied["standing"], "applied");
    app.approve(HOST).await;
    let destination = json!({"destination": "acct_host"});
    let linked = app
        .put("/v1/me/payout_destination")
        .by(HOST)
        .json(&destination)
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&linked["standing"], &linked["payout_destination"]),
        (&json!("approved"), &json!("acct_host"))
    );
    let hosts = app
        .get("/v1/hosts?standing=approved")
        .by(ADMIN)
        .send()
        .await
        .expect(200);
    assert_eq!(hosts["data"][0]["user_id"], HOST.id);
    let payout = app
        .post("/v1/me/payouts")
        .by(HOST)
        .key("p")
        .json(&json!({"currency": "USD"}))
        .send()
        .await;
    assert_eq!(payout.status.as_u16(), 409, "{}", payout.text);
    let earnings = app.get("/v1/me/earnings").by(HOST).send().await.expect(200);
    assert_eq!(earnings["balances"], json!([]));
    let statement = app.get("/v1/me/statements/2026-11").by(HOST).send().await.expect(200);
    assert_eq!((&statement["data"], &statement["currencies"]), (&json!([]), &json!([])));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_documents_are_served(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let document = app.get("/openapi.json").send().await.expect(200);
    assert_eq!(document, serde_json::to_value(api::openapi()).unwrap());
    let page = app.get("/docs/").send().await;
    assert!(
        page.status.is_success() && page.text.contains("swagger"),
        "{}",
        page.text
    );
    let redirect = app.get("/docs").send().await;
    assert!(redirect.status.is_redirection() || redirect.status.is_success());
    app.get("/healthz").send().await.expect(200);
    let ready = app.get("/readyz").send().await.expect(200);
    assert_eq!(
        (&ready["status"], &ready["parts"]["media"]),
        (&json!("ready"), &json!("none"))
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn unknown_paths_and_methods_are_problems_with_a_trace(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    for path in ["/", "/v1", "/v1/nothing", "/v1/rooms/", "/metrics"] {
        let answer = app.get(path).send().await;
        answer.expect_problem(404, "not_found");
        assert_eq!(answer.header("trace-id"), answer.body["trace_id"].as_str());
    }
    let answer = app.put("/v1/rooms").send().await;
    answer.expect_problem(405, "method_not_allowed");
    let allowed = answer.header("allow").unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_and_a_ticket_have_every_field_that_is_promised(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let room = app.get(format!("/v1/rooms/{room}")).send().await.expect(200);
    let names = |body: &Value| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        names(&room),
        "capacity co_host_ids decline_until description ended_at hold_seconds host_id id language no_show_minutes offer_seconds opened_at \
         planned_minutes position price price_total recording refund_policy sales seats starts_at state \
         tickets_per_buyer tiers title transferable void_reason"
    );
    assert_eq!(
        (
            &room["co_host_ids"],
            &room["void_reason"],
            &room["transferable"],
            &room["recording"]
        ),
        (
            &json!([]),
            &json!(null),
            &json!(false),
            &json!({"allowed": false, "for_holders": false, "retention_days": null, "running": false})
        )
    );
    let ticket = app.hold(room["id"].as_str().expect("a text"), ALICE, "a").await;
    let ticket = app
        .get(format!("/v1/tickets/{ticket}"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    assert_eq!(
        names(&ticket),
        "created_at expires_at holder_id id payments position price refunds room_id state terms"
    );
    app.stop().await;
}

/// An account with rows in two currencies stands at the end of each page here.
#[sqlx::test(migrations = "../migrations")]
async fn the_accounts_are_paged_without_losing_a_currency(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    for currency in ["EUR", "USD"] {
        let room = app
            .schedule(HOST, currency, |room| room["price"]["currency"] = currency.into())
            .await;
        app.buy(&room, ALICE, currency).await;
    }
    let head = app.head().await;
    let path = format!("/v1/ledger/accounts?min_position={head}");
    let names = |page: &Value| -> Vec<_> {
        let rows = page["data"].as_array().expect("a list").iter();
        rows.map(|row| format!("{} {}", row["account"], row["currency"]))
            .collect()
    };
    let all = names(&app.get(&path).by(FINANCE).send().await.expect(200));
    for limit in 1..=3 {
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let page = app
                .get(format!("{path}&limit={limit}{next}"))
                .by(FINANCE)
                .send()
                .await
                .expect(200);
            seen.extend(names(&page));
            match page["next"].as_str() {
                Some(cursor) => next = format!("&after={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, all, "limit {limit}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_head_of_the_log_is_tagged(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    app.schedule(HOST, "room", |_| {}).await;
    let first = app.get("/v1/log/head").by(ADMIN).send().await;
    let etag = first.header("etag").expect("a tag").to_owned();
    let known = app
        .get("/v1/log/head")
        .by(ADMIN)
        .header("if-none-match", &etag)
        .send()
        .await;
    assert_eq!(known.status.as_u16(), 304);
    app.stop().await;
}
