//! From the scheduled room to the issued ticket, and back.

use domain::ticket::PAYMENT_ATTEMPTS_MAX;
use payments::PaymentProvider;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpListener;

use crate::support::{ALICE, BOB, HOST, OTHER_HOST, TestApp};

#[sqlx::test(migrations = "../migrations")]
async fn a_seat_is_held_paid_and_issued(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;

    let answer = app
        .post(format!("/v1/rooms/{room}/tickets"))
        .by(ALICE)
        .key("a")
        .send()
        .await;
    let location = answer.header("location").unwrap().to_owned();
    let (ticket, position) = answer.expect_written(201);
    assert_eq!(ticket["state"], "held");
    assert_eq!(ticket["holder_id"], ALICE.id);
    assert_eq!(
        ticket["price"]["total"],
        json!({"amount_minor": 1000, "currency": "USD"})
    );
    let id = ticket["id"].as_str().expect("a text");
    assert_eq!(location, format!("/v1/tickets/{id}"));

    let read = app.get(&location).by(ALICE).send().await.expect(200);
    assert_eq!(read, ticket, "the view says what the answer to the hold said");
    let path = format!("/v1/rooms/{room}?min_position={position}");
    let seen = app.get(path).send().await.expect(200);
    assert_eq!(seen["seats"], json!({"free": 1, "held": 1, "sold": 0}));

    let payment = app.start_payment(id, ALICE, "a").await;
    assert_eq!((&payment["state"], &payment["attempt"]), (&json!("pending"), &json!(1)));
    assert_eq!(payment["provider"], "sandbox");
    let confirmed = app.confirm(&payment, json!({"webhook": "never"})).await.expect(200);
    assert_eq!(confirmed["state"], "captured");
    let issued = app.ticket_becomes(id, ALICE, "issued").await;
    assert_eq!(issued["payments"][0]["state"], "captured");
    assert!(issued["payments"][0].get("client_secret").is_none());

    let again = app
        .post(format!("/v1/tickets/{id}/payments"))
        .by(ALICE)
        .key("b")
        .send()
        .await;
    again.expect_problem(409, "already_paid");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_webhook_over_http_is_enough(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/webhooks/sandbox", listener.local_addr().unwrap());
    let (router, cancel) = (app.router(), app.cancel.clone());
    app.tracker.spawn(async move {
        let serve = axum::serve(listener, router).with_graceful_shutdown(async move { cancel.cancelled().await });
        serve.await.unwrap();
    });
    app.sandbox.set_webhook_url(url);
    let (sandbox, cancel) = (std::sync::Arc::clone(&app.sandbox), app.cancel.clone());
    app.tracker.spawn(async move { sandbox.run(cancel).await });

    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    app.confirm(&payment, json!({"webhook": "twice"})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_forged_webhook_is_refused_and_not_kept(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let header = app.sandbox.signature_header();
    let signed_long_ago = "t=1,v1=00";
    for signature in [None, Some(""), Some("nonsense"), Some(signed_long_ago)] {
        let mut call = app.post("/v1/webhooks/sandbox").text("{}");
        if let Some(signature) = signature {
            call = call.header(header, signature);
        }
        call.send().await.expect_problem(401, "unauthenticated");
    }
    let unknown = app.post("/v1/webhooks/nobody").text("{}").send().await;
    unknown.expect_problem(404, "not_found");
    let no_media = app.post("/v1/webhooks/livekit").text("{}").send().await;
    no_media.expect_problem(404, "not_found");
    let large = app
        .post("/v1/webhooks/sandbox")
        .header(header, "x")
        .text(vec![b' '; 1024 * 1024 + 1]);
    large.send().await.expect_problem(413, "body_too_large");
    let kept = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM provider_webhooks"#);
    assert_eq!(kept.fetch_one(&app.pool).await.unwrap(), 0);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_declined_card_may_be_followed_by_a_better_one(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let first = app.start_payment(&ticket, ALICE, "a").await;
    let confirmed = app.confirm(&first, json!({"card": "declined"})).await.expect(200);
    assert_eq!(confirmed["state"], "declined");
    let path = format!("/v1/tickets/{ticket}");
    app.eventually(ALICE, &path, |body| body["payments"][0]["state"] == "declined")
        .await;
    app.confirm(&first, json!({})).await.expect_problem(409, "wrong_state");

    let second = app.start_payment(&ticket, ALICE, "b").await;
    assert_eq!(second["attempt"], 2);
    app.confirm(&second, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;

    let mut forged = second.clone();
    forged["client_secret"] = json!("guessed");
    app.confirm(&forged, json!({})).await.expect_problem(404, "not_found");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_has_a_limited_number_of_attempts(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    for attempt in 1..=PAYMENT_ATTEMPTS_MAX {
        let payment = app.start_payment(&ticket, ALICE, &format!("try-{attempt}")).await;
        assert_eq!(payment["attempt"], attempt);
    }
    let path = format!("/v1/tickets/{ticket}/payments");
    let refused = app.post(&path).by(ALICE).key("try-more").send().await;
    refused.expect_problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), Some("300"));
    // The last one is still good.
    let last = app
        .start_payment(&ticket, ALICE, &format!("try-{PAYMENT_ATTEMPTS_MAX}"))
        .await;
    app.confirm(&last, json!({})).await.expect(200);
    let issued = app.ticket_becomes(&ticket, ALICE, "issued").await;
    assert_eq!(issued["payments"].as_array().map(Vec::len), Some(20));
    // The others are called off, and say so.
    let path = format!("/v1/tickets/{ticket}");
    let is_called_off = |body: &Value| {
        let payments = body["payments"].as_array().into_iter().flatten();
        payments.filter(|payment| payment["state"] == "cancelled").count() == 19
    };
    app.eventually(ALICE, &path, is_called_off).await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_repeat_is_the_same_and_another_body_is_refused(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    app.approve(HOST).await;
    let room = app.room();
    let schedule = |body| app.post("/v1/rooms").by(HOST).key("room").json(body).send();
    let first = schedule(&room).await.expect(201);
    let head = app.head().await;
    let repeated = schedule(&room).await.expect(201);
    assert_eq!(repeated, first);
    let mut other = room.clone();
    other["capacity"] = json!(3);
    schedule(&other).await.expect_problem(422, "idempotency_key_reused");

    let id = first["id"].as_str().expect("a text");
    let ticket = app.hold(id, ALICE, "a").await;
    assert_eq!(
        app.hold(id, ALICE, "a").await,
        ticket,
        "the same key is the same ticket"
    );
    assert_ne!(
        app.hold(id, BOB, "a").await,
        ticket,
        "the key of somebody else is another one"
    );
    let payment = app.start_payment(&ticket, ALICE, "p").await;
    assert_eq!(app.start_payment(&ticket, ALICE, "p").await, payment);

    let events = app
        .get("/v1/log/events?limit=200")
        .by(crate::support::ADMIN)
        .send()
        .await
        .expect(200);
    let held = |event: &&Value| event["event_type"] == "seat_held";
    assert_eq!(
        events["data"].as_array().expect("a list").iter().filter(held).count(),
        2
    );
    assert!(app.head().await > head);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_gets_more_seats_than_there_are(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(1)).await;
    let path = format!("/v1/rooms/{room}/tickets");
    let ticket = app.hold(&room, ALICE, "a").await;
    app.post(&path)
        .by(ALICE)
        .key("b")
        .send()
        .await
        .expect_problem(409, "ticket_limit_reached");
    app.post(&path)
        .by(BOB)
        .key("b")
        .send()
        .await
        .expect_problem(409, "sold_out");

    let released = app.post(format!("/v1/tickets/{ticket}/release")).by(ALICE).send().await;
    assert_eq!(released.expect(200)["state"], "released");
    app.hold(&room, BOB, "c").await;
    let late = app
        .post(format!("/v1/tickets/{ticket}/payments"))
        .by(ALICE)
        .key("p")
        .send()
        .await;
    late.expect_problem(409, "hold_expired");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_free_seat_is_issued_at_once(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let mut free = app.room();
    free["price"]["amount_minor"] = json!(0);
    let room = app
        .post("/v1/rooms")
        .by(OTHER_HOST)
        .key("free")
        .json(&free)
        .send()
        .await
        .expect(201);
    let ticket = app.hold(room["id"].as_str().expect("a text"), ALICE, "a").await;
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    assert_eq!(payment, json!({"state": "issued"}));
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_gives_the_money_and_the_seat_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    let path = format!("/v1/tickets/{ticket}/refunds");
    let too_much = json!({"amount": {"amount_minor": 1001, "currency": "USD"}});
    let refused = app.post(&path).by(ALICE).key("r").json(&too_much).send().await;
    refused.expect_problem(409, "refund_exceeds_captured");
    let (refund, _) = app.post(&path).by(ALICE).key("s").send().await.expect_written(201);
    assert_eq!(refund["amount"], json!({"amount_minor": 1000, "currency": "USD"}));
    assert_eq!(
        (&refund["initiated_by"], &refund["reason"]),
        (&json!("buyer"), &json!("requested"))
    );
    let seen = format!("/v1/tickets/{ticket}");
    let done = app
        .eventually(ALICE, &seen, |body| body["refunds"][0]["state"] == "done")
        .await;
    assert_eq!(done["state"], "refunded");
    app.eventually(ALICE, &format!("/v1/rooms/{room}"), |body| body["seats"]["free"] == 2)
        .await;
    let entry = app.post(format!("/v1/tickets/{ticket}/entry")).by(ALICE).send().await;
    entry.expect_problem(403, "entry_refused");
    assert_eq!(entry.body["reason"], "refunded");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_opens_ends_or_is_cancelled(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    let entry = format!("/v1/tickets/{ticket}/entry");
    app.post(&entry)
        .by(ALICE)
        .send()
        .await
        .expect_problem(409, "room_not_live");
    let door = format!("/v1/rooms/{room}/entry");

    let opened = app
        .post(format!("/v1/rooms/{room}/open"))
        .by(HOST)
        .send()
        .await
        .expect(200);
    assert_eq!(opened["state"], "live");
    let away = app.post(&entry).by(ALICE).send().await;
    away.expect_problem(503, "media_unavailable");
    assert!(away.header("retry-after").is_some());
    let outside = app
        .get(format!("/v1/tickets/{ticket}"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    assert_eq!(
        outside["state"], "issued",
        "whoever finds the door closed was not admitted"
    );
    app.post(&door)
        .by(HOST)
        .send()
        .await
        .expect_problem(503, "media_unavailable");
    app.post(&door).by(ALICE).send().await.expect_problem(403, "forbidden");

    let speak = format!("/v1/rooms/{room}/speak_requests/me");
    let stage = app.post(&speak).by(ALICE).send().await.expect(200);
    assert_eq!(stage["requests"], json!([ALICE.id]));
    app.post(&speak).by(BOB).send().await.expect_problem(409, "not_in_room");
    let approve = format!("/v1/rooms/{room}/stage/{}/approve", ALICE.id);
    let stage = app.post(approve).by(HOST).send().await.expect(200);
    assert_eq!(stage["speakers"], json!([ALICE.id]));
    let removal = json!({"user_id": ALICE.id});
    app.post(format!("/v1/rooms/{room}/removals"))
        .by(HOST)
        .json(&removal)
        .send()
        .await
        .expect(200);
    let refused = app.post(&entry).by(ALICE).send().await;
    refused.expect_problem(403, "entry_refused");
    assert_eq!(refused.body["reason"], "removed");

    app.post(format!("/v1/rooms/{room}/end"))
        .by(HOST)
        .send()
        .await
        .expect(200);
    app.post(&door).by(HOST).send().await.expect_problem(409, "room_over");
    app.post(format!("/v1/rooms/{room}/tickets"))
        .by(BOB)
        .key("b")
        .send()
        .await
        .expect_problem(409, "room_over");

    let other = app.schedule(HOST, "other", |_| {}).await;
    let ticket = app.buy(&other, BOB, "b").await;
    app.post(format!("/v1/rooms/{other}/cancel"))
        .by(HOST)
        .send()
        .await
        .expect(202);
    app.ticket_becomes(&ticket, BOB, "refunded").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_seat_that_is_not_paid_has_no_money_to_give_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let path = format!("/v1/tickets/{ticket}/refunds");
    let part = json!({"amount": {"amount_minor": 1, "currency": "USD"}});
    let refund = || app.post(&path).by(ALICE).key("refund").json(&part).send();
    refund().await.expect_problem(409, "not_refundable");
    app.start_payment(&ticket, ALICE, "a").await;
    refund().await.expect_problem(409, "not_refundable");
    app.stop().await;
}
