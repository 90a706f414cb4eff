//! Tickets that change hands, and rooms that change their time.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ALICE, BOB, HOST, TestApp};

fn transferable(room: &mut Value) {
    room["transferable"] = json!(true);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_changes_hands_and_admits_its_new_holder_only(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", transferable).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    let path = format!("/v1/tickets/{ticket}");
    let to_bob = json!({"user_id": BOB.id});
    let transfer = || app.post(format!("{path}/transfer"));
    transfer()
        .by(BOB)
        .json(&to_bob)
        .send()
        .await
        .expect_problem(404, "not_found");
    let (given, position) = transfer().by(ALICE).json(&to_bob).send().await.expect_written(200);
    assert_eq!(given["holder_id"], BOB.id);
    transfer().by(ALICE).json(&to_bob).send().await.expect(200);
    assert_eq!(
        app.get(format!("{path}?min_position={position}"))
            .by(BOB)
            .send()
            .await
            .expect(200)["state"],
        "issued"
    );
    app.get(&path).by(ALICE).send().await.expect_problem(404, "not_found");

    app.post(format!("/v1/rooms/{room}/open"))
        .by(HOST)
        .send()
        .await
        .expect(200);
    let entry = || app.post(format!("{path}/entry"));
    let refused = entry().by(ALICE).send().await;
    refused.expect_problem(403, "entry_refused");
    assert_eq!(refused.expect(403)["reason"], "transferred");
    // There is no media server here: the door itself is what answers.
    entry().by(BOB).send().await.expect_problem(503, "media_unavailable");
    // The seat follows: the new holder may speak here, the old one has nothing to do with it any more.
    let speak = format!("/v1/rooms/{room}/speak_requests/me");
    let limit = TimeDelta::seconds(20);
    let started = app.now();
    while app.post(&speak).by(BOB).send().await.code() == "not_in_room" {
        assert!(app.now() - started < limit, "the seat follows its ticket");
        tokio::task::yield_now().await;
    }
    app.post(&speak)
        .by(ALICE)
        .send()
        .await
        .expect_problem(409, "not_in_room");
    // And the money of it is the new holder's to ask for no more than anybody's: the old one asks in vain.
    let refund = app.post(format!("{path}/refunds")).by(ALICE).key("r").send().await;
    refund.expect_problem(404, "not_found");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_stays_where_the_host_forbids_it_or_the_receiver_has_one(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    let to_bob = json!({"user_id": BOB.id});
    let transfer = || {
        app.post(format!("/v1/tickets/{ticket}/transfer"))
            .by(ALICE)
            .json(&to_bob)
    };
    transfer().send().await.expect_problem(409, "not_transferable");
    let allow = app
        .patch(format!("/v1/rooms/{room}"))
        .by(HOST)
        .json(&json!({"transferable": true}));
    assert_eq!(allow.send().await.expect(200)["transferable"], true);
    app.hold(&room, BOB, "b").await;
    transfer().send().await.expect_problem(409, "ticket_limit_reached");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_holder_declines_another_time_and_has_all_the_money_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let no_refunds = |room: &mut Value| {
        room["refund_policy"] = json!({"kind": "none"});
        room["capacity"] = json!(3);
    };
    let room = app.schedule(HOST, "room", no_refunds).await;
    let (stays, goes) = (app.buy(&room, ALICE, "a").await, app.buy(&room, BOB, "b").await);
    let decline = |ticket: &str| app.post(format!("/v1/tickets/{ticket}/decline_reschedule"));
    decline(&goes)
        .by(BOB)
        .send()
        .await
        .expect_problem(409, "not_refundable");

    let starts_at: DateTime<Utc> = app.now() + TimeDelta::days(2);
    let wish = json!({"starts_at": starts_at, "planned_minutes": 90, "decline_hours": 24});
    let moved = app
        .post(format!("/v1/rooms/{room}/reschedule"))
        .by(HOST)
        .json(&wish)
        .send()
        .await
        .expect(200);
    assert_eq!(moved["planned_minutes"], 90);
    assert!(moved["decline_until"].as_str() < moved["starts_at"].as_str());
    assert!(
        moved["sales"]["closes_at"].as_str() > moved["starts_at"].as_str(),
        "sales go on until the new end"
    );
    let late = app.hold(&room, HOST, "late").await;

    decline(&goes).by(ALICE).send().await.expect_problem(404, "not_found");
    decline(&goes).by(BOB).send().await.expect(202);
    let refunded = app
        .eventually(BOB, &format!("/v1/tickets/{goes}"), |ticket| {
            ticket["refunds"][0]["state"] == "done"
        })
        .await;
    assert_eq!(refunded["refunds"][0]["amount"], refunded["price"]["total"]);
    assert_eq!(refunded["refunds"][0]["reason"], "reschedule_declined");
    decline(&goes).by(BOB).send().await.expect(202);
    decline(&late)
        .by(HOST)
        .send()
        .await
        .expect_problem(409, "not_refundable");
    let path = format!("/v1/rooms/{room}");
    app.eventually(HOST, &path, |room| room["seats"]["free"] == 1).await;
    app.ticket_becomes(&stays, ALICE, "issued").await;
    let bad = app.post(format!("/v1/rooms/{room}/reschedule")).by(HOST);
    let bad = bad.json(&json!({"starts_at": "2020-01-01T00:00:00Z"})).send().await;
    bad.expect_problem(422, "invalid_field");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_free_ticket_is_given_back_when_its_holder_declines_another_time(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let app = TestApp::start(options).await;
    let free = |room: &mut Value| {
        room["price"]["amount_minor"] = json!(0);
        room["capacity"] = json!(1);
    };
    let room = app.schedule(HOST, "room", free).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    assert_eq!(app.start_payment(&ticket, ALICE, "a").await["state"], "issued");
    let path = format!("/v1/rooms/{room}/waiting_list/me");
    app.post(&path).by(BOB).key("b").send().await.expect(201);
    let wish = json!({"starts_at": app.now() + TimeDelta::days(2)});
    let moved = app.post(format!("/v1/rooms/{room}/reschedule")).by(HOST).json(&wish);
    moved.send().await.expect(200);

    let decline = || app.post(format!("/v1/tickets/{ticket}/decline_reschedule")).by(ALICE);
    decline().send().await.expect(202);
    let released = app.ticket_becomes(&ticket, ALICE, "released").await;
    assert_eq!(released["refunds"], json!([]));
    decline().send().await.expect(202);
    // Offered again, to who waits first.
    app.eventually(BOB, &path, |place| place["state"] == "offered").await;
    let entry = app.post(format!("/v1/tickets/{ticket}/entry")).by(ALICE).send().await;
    assert!(!entry.status.is_success(), "it admits nobody");
    app.stop().await;
}
