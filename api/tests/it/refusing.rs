//! Receipts of refusals: of a room that is sold out, a waiting list that is full, a promo code that is used up.

use domain::room::{JoinWaitingList, WAITING_MAX};
use domain::{Customer, Fingerprint, Preset, RoomCommand, RoomId, TicketId, UserId};
use event_log::Metadata;
use futures::future::join_all;
use http::Method;
use notary::receipt::{Exhausted, Refusal, Subject, Waiting};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::notarising::{key, notarised, number, receipt, settled};
use crate::support::{ALICE, Answer, BOB, CLEO, DORA, FINANCE, HOST, Shop, TestApp, text};

/// Where a refusal's receipt is.
fn receipt_of(room: &str, refused: &Answer) -> String {
    let position = refused.header("log-position").expect("what it rests on");
    format!("/v1/rooms/{room}/refusals/{position}")
}

/// What the receipt says, once it is checked.
async fn stated(app: &TestApp, path: &str, head: &Value) -> Refusal {
    let receipt = receipt(app, path, CLEO, head).await;
    let is_sealed = receipt.entry.payload.is_none() && receipt.entry.metadata.is_none();
    assert!(is_sealed, "others' events are not shown");
    let verified = receipt.verify(&key(head)).expect("it holds");
    verified.refusal.expect("a refusal")
}

#[sqlx::test(migrations = "../migrations")]
async fn who_was_refused_a_seat_can_prove_what_the_room_was(_: PgPoolOptions, options: PgConnectOptions) {
    let app = notarised(options).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(2)).await;
    app.buy(&room, ALICE, "a").await;
    app.hold(&room, BOB, "b").await;
    let path = format!("/v1/rooms/{room}/tickets");
    let refused = app.post(&path).by(CLEO).key("c").send().await;
    refused.expect_problem(409, "sold_out");
    let position = refused.header("log-position").expect("what it rests on").to_owned();
    let head = settled(&app).await;
    let path = format!("/v1/rooms/{room}/refusals/{position}");
    let held = receipt(&app, &path, CLEO, &head).await;
    assert_eq!(
        (held.entry.payload, held.entry.metadata),
        (None, None),
        "others' events are not shown"
    );
    assert_eq!(held.entry.position.to_string(), position);
    let verified = receipt(&app, &path, CLEO, &head).await.verify(&key(&head));
    let room_then = verified.expect("it holds").refusal.expect("a refusal").room;
    assert_eq!((room_then.seats, room_then.held, room_then.sold), (2, 1, 1));

    let before = number(&json!(position.parse::<u64>().expect("a position"))) - 1;
    for free in [before.to_string(), "1".to_owned(), "999999".to_owned()] {
        let path = format!("/v1/rooms/{room}/refusals/{free}");
        app.get(path).by(CLEO).send().await.expect_problem(404, "not_found");
    }
    app.stop().await;
}

/// The line of a room, but for one place.
async fn fill_line(app: &TestApp, room: &str) {
    let room: RoomId = room.parse().expect("an id");
    let people = 1..u128::try_from(WAITING_MAX).expect("few");
    let joined = people.map(|person| {
        let join = JoinWaitingList {
            user: UserId::from_uuid(Uuid::from_u128(1_000_000 + person)),
            ticket_id: TicketId::from_uuid(Uuid::from_u128(2_000_000 + person)),
            rollout: None,
            customer: Customer::NotAsked,
            request: Fingerprint::of(b"join"),
            at: app.now(),
        };
        let metadata = Metadata::for_actor("process:test", Uuid::from_u128(person));
        let rooms = &app.aggregates.rooms;
        rooms.execute(room.as_uuid(), RoomCommand::JoinWaitingList(join), metadata)
    });
    for joined in join_all(joined).await {
        joined.expect("a place in line");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn who_found_the_waiting_list_full_can_prove_it(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop {
        preset: Preset {
            capacity_max: 2_000,
            ..Preset::open()
        },
        notarises: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(1)).await;
    app.hold(&room, ALICE, "a").await;
    fill_line(&app, &room).await;
    let join = format!("/v1/rooms/{room}/waiting_list/me");
    app.post(&join).by(BOB).key("b").send().await.expect(201);
    let refused = app.post(&join).by(CLEO).key("c").send().await;
    refused.expect_problem(409, "sold_out");
    assert_eq!(refused.body["reason"], "waiting_list");
    let head = settled(&app).await;
    let refusal = stated(&app, &receipt_of(&room, &refused), &head).await;
    let full = Waiting {
        line: 1_000,
        limit: 1_000,
        paid: 0,
    };
    assert_eq!(refusal.waiting, Some(full));
    assert_eq!((refusal.room.seats, refusal.room.held, refusal.room.sold), (1, 1, 0));

    // Sales are paused, the room has seats again and none is offered: the list alone is what is full.
    let pause = format!("/v1/rooms/{room}/pause_sales");
    app.post(pause).by(HOST).send().await.expect(200);
    let more = json!({"capacity": 2_000});
    app.patch(format!("/v1/rooms/{room}"))
        .by(HOST)
        .json(&more)
        .send()
        .await
        .expect(200);
    let refused = app.post(&join).by(CLEO).key("c2").send().await;
    refused.expect_problem(409, "sold_out");
    let full_list = receipt_of(&room, &refused);
    app.call(Method::DELETE, &join).by(BOB).send().await.expect(200);
    let head = settled(&app).await;
    let refusal = stated(&app, &full_list, &head).await;
    assert_eq!(refusal.exhausted(), Some(Exhausted::WaitingList));
    let position = number(&head["position"]);
    let with_a_place_left = format!("/v1/rooms/{room}/refusals/{position}");
    app.get(with_a_place_left)
        .by(CLEO)
        .send()
        .await
        .expect_problem(404, "not_found");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_came_too_late_with_a_promo_code_can_prove_it(_: PgPoolOptions, options: PgConnectOptions) {
    let app = notarised(options).await;
    let codes = json!([
        {"code": "HALF", "label": "newsletter", "discount": {"basis_points": 5_000}, "quota": 1},
        {"code": "OTHER", "label": "friends", "discount": {"basis_points": 1_000}, "quota": 1},
    ]);
    let room = app.schedule(HOST, "room", |room| room["promo_codes"] = codes).await;
    let hold = |who, key: &'static str| {
        let wish = json!({"promo_code": "half "});
        app.post(format!("/v1/rooms/{room}/tickets"))
            .by(who)
            .key(key)
            .json(&wish)
            .send()
    };
    hold(ALICE, "a").await.expect(201);
    let refused = hold(CLEO, "c").await;
    refused.expect_problem(409, "sold_out");
    assert_eq!(refused.body["reason"], "promo_code");
    let head = settled(&app).await;
    let path = receipt_of(&room, &refused);
    let of_code = receipt(&app, &format!("{path}?promo_code=half%20"), CLEO, &head).await;
    let Subject::Refusal { promo_code, .. } = &of_code.subject else {
        panic!("of a refusal: {:?}", of_code.subject);
    };
    assert_eq!(promo_code.as_deref(), Some("half "));
    let refusal = of_code
        .verify(&key(&head))
        .expect("it holds")
        .refusal
        .expect("a refusal");
    assert_eq!(refusal.exhausted(), Some(Exhausted::PromoCode));
    let (_, quota) = refusal.code.expect("of the code");
    assert_eq!((quota.seats, quota.held, quota.sold), (1, 1, 0));
    // The room has seats, the other code too, and of a third nothing is known.
    for other in ["", "?promo_code=OTHER", "?promo_code=THIRD"] {
        let other = app.get(format!("{path}{other}")).by(CLEO).send().await;
        other.expect_problem(404, "not_found");
    }
    app.stop().await;
}

/// A seat is free, and somebody waits for it who has paid: it is nobody else's.
#[sqlx::test(migrations = "../migrations")]
async fn who_was_refused_a_seat_that_is_spoken_for_can_prove_it(_: PgPoolOptions, options: PgConnectOptions) {
    let app = notarised(options).await;
    let early =
        json!([{"tier": "early", "name": "Early", "price": {"amount_minor": 800, "currency": "USD"}, "quota": 1}]);
    let room = app
        .schedule(HOST, "room", |room| {
            (room["capacity"], room["tiers"]) = (json!(3), early);
        })
        .await;
    let path = format!("/v1/rooms/{room}/tickets");
    let hold = |who, key: &'static str, wish: Value| app.post(&path).by(who).key(key).json(&wish).send();
    let wish = json!({"tier": "early", "wait_if_late": true});
    let ticket = hold(ALICE, "a", wish).await.expect(201);
    let payment = app.start_payment(text(&ticket["id"]), ALICE, "a").await;
    app.let_holds_lapse();
    hold(BOB, "b", json!({"tier": "early"})).await.expect(201);
    app.confirm(&payment, json!({})).await.expect(200);
    let waits = |page: &Value| {
        let mut events = page["data"].as_array().expect("events").iter();
        events.any(|event| event["event_type"] == "seat_awaited")
    };
    app.eventually(FINANCE, "/v1/log/events?limit=200", waits).await;
    hold(DORA, "d", json!({})).await.expect(201);
    let refused = hold(CLEO, "c", json!({})).await;
    refused.expect_problem(409, "sold_out");
    assert_eq!(refused.body["reason"], "room");
    let head = settled(&app).await;
    let refusal = stated(&app, &receipt_of(&room, &refused), &head).await;
    assert_eq!(
        (refusal.room.seats, refusal.room.held, refusal.room.sold),
        (3, 2, 0),
        "one is free"
    );
    let line = Waiting {
        line: 0,
        limit: 1_000,
        paid: 1,
    };
    assert_eq!(
        (refusal.waiting, refusal.exhausted()),
        (Some(line), Some(Exhausted::Seats))
    );
    app.stop().await;
}
