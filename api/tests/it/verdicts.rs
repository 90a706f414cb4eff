//! What a room comes to, and where the money goes: no-show, crash, moderation, an early end (`rules.md` 9 to 11).

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use domain::room::{Interruption, InterruptionCause};
use http::header::ACCEPT;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::dividing::{books, earned};
use crate::earning::record_evidence;
use crate::support::{ADMIN, ALICE, BOB, FINANCE, HOST, Person, Shop, TestApp, text};

const PATIENCE: Duration = Duration::from_secs(20);
const PRICE: i64 = 997;
/// From the scheduling of a room to its start, and to the end of the wait for its host.
const BEFORE_THE_START: TimeDelta = TimeDelta::minutes(60);
const NO_SHOW: TimeDelta = TimeDelta::minutes(15);

/// A room with two seats, both sold; the provider takes nothing.
async fn sold_out(options: PgConnectOptions) -> (TestApp, String, [(Person, String); 2]) {
    let shop = Shop {
        is_provider_free: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let price = json!({"amount_minor": PRICE, "currency": "USD"});
    let room = app.schedule(HOST, "room", |room| room["price"] = price).await;
    let mut tickets = vec![];
    for buyer in [ALICE, BOB] {
        tickets.push((buyer, app.buy(&room, buyer, "a").await));
    }
    let tickets = tickets.try_into().expect("two");
    (app, room, tickets)
}

async fn told(app: &TestApp, room: &str, by: Person, verb: &str, status: u16) -> Value {
    let path = format!("/v1/rooms/{room}/{verb}");
    app.post(path).by(by).send().await.expect(status)
}

/// Each ticket has one refund, of so much and for this reason, and it has left.
async fn refunded(app: &TestApp, tickets: &[(Person, String)], minor: i64, reason: &str) {
    for (buyer, ticket) in tickets {
        let path = format!("/v1/tickets/{ticket}");
        let body = app
            .eventually(*buyer, &path, |body| body["refunds"][0]["state"] == "done")
            .await;
        let refunds = body["refunds"].as_array().expect("a list");
        assert_eq!(refunds.len(), 1, "{body}");
        assert_eq!(
            (&refunds[0]["amount"]["amount_minor"], &refunds[0]["reason"]),
            (&json!(minor), &json!(reason))
        );
    }
}

async fn voided(app: &TestApp, room: &str, reason: &str) {
    let path = format!("/v1/rooms/{room}");
    let body = app.eventually(ALICE, &path, |body| body["state"] == "voided").await;
    assert_eq!(body["void_reason"], reason);
    assert_eq!(body["sales"]["status"], "closed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_that_nobody_opens_is_void_and_everybody_has_the_money_back(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let (app, room, tickets) = sold_out(options).await;
    app.advance(BEFORE_THE_START + NO_SHOW);
    voided(&app, &room, "no_show").await;
    refunded(&app, &tickets, PRICE, "no_show").await;
    assert_eq!(books(&app).await, json!({}));
    let late = app.post(format!("/v1/rooms/{room}/open")).by(HOST).send().await;
    late.expect_problem(409, "wrong_state");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn another_time_is_another_wait(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, room, tickets) = sold_out(options).await;
    let later = json!({"starts_at": app.now() + BEFORE_THE_START * 2});
    let path = format!("/v1/rooms/{room}/reschedule");
    app.post(path).by(HOST).json(&later).send().await.expect(200);
    app.advance(BEFORE_THE_START + NO_SHOW);
    until_timers_have_rung(&app).await;
    let body = app.get(format!("/v1/rooms/{room}")).by(ALICE).send().await.expect(200);
    assert_eq!(body["state"], "scheduled");
    app.advance(BEFORE_THE_START);
    voided(&app, &room, "no_show").await;
    refunded(&app, &tickets, PRICE, "no_show").await;
    app.stop().await;
}

/// What was due by now was looked at.
async fn until_timers_have_rung(app: &TestApp) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let due = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM jobs
               WHERE kind = 'void_no_show' AND state = 'queued' AND run_at <= $1"#,
            app.now(),
        );
        if due.fetch_one(&app.pool).await.expect("jobs") == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "a timer did not ring");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A quarter of an hour was heard; then the media server failed until the host gave up.
async fn broken_off(app: &TestApp, room: &str) {
    for verb in ["open", "end"] {
        told(app, room, HOST, verb, 200).await;
    }
    let lost = Interruption {
        from: app.now() - TimeDelta::minutes(10),
        until: app.now(),
        cause: InterruptionCause::MediaServer,
    };
    let room = room.parse().expect("an id");
    assert!(record_evidence(app, room, 15 * 60 * 1_000, vec![lost]).await);
}

#[sqlx::test(migrations = "../migrations")]
async fn of_a_room_that_broke_off_the_missing_share_goes_back_and_the_rest_is_earned(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let (app, room, tickets) = sold_out(options).await;
    broken_off(&app, &room).await;
    // Three quarters of 9.97 are 7.4775; of the 2.49 that are left 5 % are the platform's, rounded down.
    refunded(&app, &tickets, 748, "crashed").await;
    app.eventually(HOST, "/v1/me/earnings", earned(2 * 237)).await;
    let expected = json!({
        "cash:provider:sandbox": 2 * 249,
        format!("liability:host:{}:available", HOST.id): -2 * 237,
        "revenue:platform_fee": -2 * 12,
    });
    assert_eq!(books(&app).await, expected);
    let body = app.get(format!("/v1/rooms/{room}")).by(ALICE).send().await.expect(200);
    assert_eq!((&body["state"], &body["void_reason"]), (&json!("ended"), &Value::Null));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_host_who_ends_early_by_choice_earns_the_sale_and_the_policy_says_what_goes_back(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let (app, room, tickets) = sold_out(options).await;
    for verb in ["open", "end"] {
        told(&app, &room, HOST, verb, 200).await;
    }
    assert!(record_evidence(&app, room.parse().expect("an id"), 1_000, vec![]).await);
    // 5 % of 9.97, rounded down.
    app.eventually(HOST, "/v1/me/earnings", earned(2 * (PRICE - 49))).await;
    let (buyer, ticket) = &tickets[0];
    let refund = app.post(format!("/v1/tickets/{ticket}/refunds")).by(*buyer).key("back");
    let refused = refund.json(&json!({})).send().await;
    refused.expect_problem(409, "not_refundable");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_heard_is_a_no_show_and_nobody_could_be_heard_is_a_crash(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, room, tickets) = sold_out(options).await;
    let other = app.schedule(HOST, "other", |_| {}).await;
    for room in [&room, &other] {
        for verb in ["open", "end"] {
            told(&app, room, HOST, verb, 200).await;
        }
    }
    assert!(record_evidence(&app, room.parse().expect("an id"), 0, vec![]).await);
    let lost = Interruption {
        from: app.now() - TimeDelta::minutes(10),
        until: app.now(),
        cause: InterruptionCause::MediaServer,
    };
    assert!(record_evidence(&app, other.parse().expect("an id"), 0, vec![lost]).await);
    voided(&app, &room, "no_show").await;
    voided(&app, &other, "crash").await;
    refunded(&app, &tickets, PRICE, "no_show").await;
    assert_eq!(books(&app).await, json!({}));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_admin_takes_a_live_room_down(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, room, tickets) = sold_out(options).await;
    told(&app, &room, HOST, "open", 200).await;
    let path = format!("/v1/rooms/{room}/void");
    app.post(&path).by(HOST).send().await.expect_problem(403, "forbidden");
    for _ in 0..2 {
        let body = told(&app, &room, ADMIN, "void", 202).await;
        assert_eq!(
            (&body["state"], &body["void_reason"]),
            (&json!("voided"), &json!("moderation"))
        );
    }
    refunded(&app, &tickets, PRICE, "moderated").await;
    assert_eq!(books(&app).await, json!({}));
    let (holder, ticket) = &tickets[0];
    let entry = app.post(format!("/v1/tickets/{ticket}/entry")).by(*holder).send().await;
    assert!(entry.status.is_client_error(), "{}", entry.text);
    // The host's own word changes nothing any more.
    told(&app, &room, HOST, "end", 200).await;
    voided(&app, &room, "moderation").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_that_is_judged_is_not_taken_down(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, room, _) = sold_out(options).await;
    broken_off(&app, &room).await;
    let path = format!("/v1/rooms/{room}/void");
    app.post(path).by(ADMIN).send().await.expect_problem(409, "room_over");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_report_has_every_interval_with_its_source(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, room, tickets) = sold_out(options).await;
    broken_off(&app, &room).await;
    let path = format!("/v1/rooms/{room}/attendance?min_position={}", app.head().await);
    for stranger in [ALICE, FINANCE] {
        app.get(&path)
            .by(stranger)
            .send()
            .await
            .expect_problem(403, "forbidden");
    }
    let body = app.get(&path).by(HOST).send().await.expect(200);
    assert_eq!(
        body["verdict"],
        json!({"kind": "crashed", "reason": null, "missing_ms": 2_700_000, "promised_ms": 3_600_000})
    );
    let stay = &body["intervals"][0];
    assert_eq!((&stay["user_id"], &stay["ticket_id"]), (&json!(HOST.id), &Value::Null));
    assert_eq!(
        (&stay["joined_by"], &stay["left_by"]),
        (&json!("poll"), &json!("room_end"))
    );
    assert_eq!(stay["speaking"][0]["from"], stay["joined_at"]);
    let interruption = &body["interruptions"][0];
    assert_eq!(interruption["cause"], "media_server");
    assert_eq!(interruption["from"], stay["left_at"]);

    let sheet = app
        .get(&path)
        .by(ADMIN)
        .header(ACCEPT.as_str(), "text/csv")
        .send()
        .await;
    assert!(
        sheet
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/csv"))
    );
    let rows: Vec<Vec<&str>> = sheet.text.lines().map(|line| line.split(',').collect()).collect();
    let (from, until) = (text(&stay["joined_at"]), text(&stay["left_at"]));
    let ended = text(&interruption["until"]);
    let expected = [
        [
            "kind",
            "user_id",
            "ticket_id",
            "from",
            "until",
            "duration_ms",
            "from_source",
            "until_source",
        ],
        ["presence", HOST.id, "", from, until, "900000", "poll", "room_end"],
        ["speaking", HOST.id, "", from, until, "900000", "poll", "poll"],
        [
            "interruption",
            "",
            "",
            until,
            ended,
            "600000",
            "media_server",
            "media_server",
        ],
    ];
    assert_eq!(rows, expected);
    let same = app.get(format!("{path}&format=csv")).by(HOST).send().await;
    assert_eq!(same.text, sheet.text);

    // What a bank is shown has it, too.
    let path = format!("/v1/tickets/{}/evidence", tickets[0].1);
    let evidence = app.get(path).by(FINANCE).send().await.expect(200);
    assert_eq!(evidence["verdict"], body["verdict"]);
    assert_eq!(evidence["interruptions"], body["interruptions"]);
    assert_eq!(
        (&evidence["presence"], &evidence["host_heard_by_holder_ms"]),
        (&json!([]), &json!(0))
    );
    app.stop().await;
}
