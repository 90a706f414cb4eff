//! Rooms and tickets as they were: at a position of the log, or at a time.

use chrono::{SecondsFormat, TimeDelta};
use domain::Timestamp;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ADMIN, ALICE, BOB, HOST, TestApp};

#[sqlx::test(migrations = "../migrations")]
async fn a_room_is_shown_as_it_was(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let path = format!("/v1/rooms/{room}");
    let scheduled = app.head().await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let then = app.now();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    app.buy(&room, ALICE, "a").await;
    let early =
        json!({"tier": "early", "name": "Early", "price": {"amount_minor": 500, "currency": "USD"}, "quota": 1});
    let wish = json!({"title": "Another night", "tiers": [early]});
    app.patch(&path).by(HOST).json(&wish).send().await.expect(200);
    let revised = app.head().await;
    let tier = json!({"tier": "early"});
    let held = app
        .post(format!("{path}/tickets"))
        .by(BOB)
        .key("b")
        .json(&tier)
        .send()
        .await;
    held.expect(201);
    app.post(format!("{path}/pause_sales"))
        .by(HOST)
        .send()
        .await
        .expect(200);

    let as_of = |moment: String| app.get(format!("{path}?as_of={moment}")).send();
    let first = as_of(scheduled.to_string()).await.expect(200);
    assert_eq!(first["seats"]["free"], first["capacity"]);
    assert_eq!((&first["tiers"], &first["position"]), (&json!([]), &json!(scheduled)));
    let second = as_of(revised.to_string()).await.expect(200);
    assert_eq!(
        (&second["title"], &second["seats"]["sold"]),
        (&json!("Another night"), &json!(1))
    );
    assert_eq!(
        (&second["tiers"][0]["free"], &second["sales"]["status"]),
        (&json!(1), &json!("open"))
    );
    let time = then.to_rfc3339_opts(SecondsFormat::Micros, true);
    assert_eq!(as_of(time).await.expect(200)["title"], first["title"]);
    let now = app
        .get(format!("{path}?min_position={}", app.head().await))
        .send()
        .await
        .expect(200);
    assert_eq!(
        as_of(app.head().await.to_string()).await.expect(200),
        now,
        "now is a moment like any other"
    );

    as_of((scheduled - 1).to_string())
        .await
        .expect_problem(404, "not_found");
    for wrong in [(app.head().await + 100).to_string(), "yesterday".to_owned()] {
        as_of(wrong).await.expect_problem(422, "invalid_field");
    }
    app.stop().await;
}

/// An event of a moment that has just passed may still be on its way; when no try of it can be left, none is.
#[sqlx::test(migrations = "../migrations")]
async fn a_moment_that_has_just_passed_is_not_settled(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let as_of = async |moment: String| app.get(format!("/v1/rooms/{room}?as_of={moment}")).send().await;
    let ask = |moment: Timestamp| as_of(moment.to_rfc3339_opts(SecondsFormat::Micros, true));
    let settles = app.log.settles_within();
    let settles = settles.map(|wait| TimeDelta::from_std(wait).expect("seconds"));
    // However slow it all is: the answer was given while the moment was young, and nothing had happened after it.
    let (head, moment, young) = loop {
        let (head, moment) = (app.head().await, app.now());
        let young = ask(moment).await;
        let is_young = settles.is_none_or(|wait| app.now() - moment < wait);
        if is_young && app.head().await == head {
            break (head, moment, young);
        }
    };
    young.expect_problem(422, "invalid_field");
    assert_eq!(young.pointer(), Some("/query/as_of"));
    if let Some(wait) = settles {
        app.clock.skip(wait);
    } else {
        // A copy may be made at any time: there only a later event tells.
        app.clock.skip(TimeDelta::hours(1));
        ask(moment).await.expect_problem(422, "invalid_field");
        app.schedule(HOST, "later", |_| {}).await;
    }
    assert_eq!(ask(moment).await.expect(200), as_of(head.to_string()).await.expect(200));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_is_shown_as_it_was_to_who_had_it(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app
        .schedule(HOST, "room", |room| room["transferable"] = json!(true))
        .await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let held = app.head().await;
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    let paying = app.head().await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    let issued = app.head().await;
    let path = format!("/v1/tickets/{ticket}");
    let as_of = |position: u64, person| app.get(format!("{path}?as_of={position}")).by(person).send();
    for (position, state, payments) in [(held, "held", 0), (paying, "payment_pending", 1), (issued, "issued", 1)] {
        let was = as_of(position, ALICE).await.expect(200);
        assert_eq!(was["state"], state);
        assert_eq!(was["payments"].as_array().map(Vec::len), Some(payments));
    }
    as_of(held - 1, ALICE).await.expect_problem(404, "not_found");

    let gift = json!({"user_id": BOB.id});
    app.post(format!("{path}/transfer"))
        .by(ALICE)
        .json(&gift)
        .send()
        .await
        .expect(200);
    let is_bobs = |ticket: &Value| ticket["holder_id"] == BOB.id;
    app.eventually(ADMIN, &path, is_bobs).await;
    let given = app.head().await;
    assert_eq!(as_of(given, BOB).await.expect(200)["holder_id"], BOB.id);
    as_of(issued, BOB).await.expect_problem(404, "not_found");
    assert_eq!(as_of(issued, ADMIN).await.expect(200)["holder_id"], ALICE.id);
    as_of(issued, ALICE).await.expect_problem(404, "not_found");
    app.stop().await;
}
