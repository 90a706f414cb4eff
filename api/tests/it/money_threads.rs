//! Failures that others suffered with money, by the thread that tells of each (`rules.md` §5): here they do not happen.
//!
//! No webhook of the sandbox is delivered here, unless a test does it: what is found is found by the sweep.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::dividing::books;
use crate::support::{ADMIN, ALICE, BOB, HOST, OTHER_HOST, Person, Shop, TestApp, Wire, text};

/// Nobody who paid waits longer.
const STUCK: Duration = Duration::from_mins(1);

fn free_provider() -> Shop {
    Shop {
        is_provider_free: true,
        ..Shop::default()
    }
}

async fn issued(app: &TestApp, ticket: &str) -> usize {
    let path = format!("/v1/log/events?aggregate=ticket-{ticket}&limit=200");
    let events = app.get(path).by(ADMIN).send().await.expect(200);
    let events = events["data"].as_array().expect("events");
    events
        .iter()
        .filter(|event| event["event_type"] == "ticket_issued")
        .count()
}

#[sqlx::test(migrations = "../migrations")]
async fn pretix_74_money_for_a_seat_that_is_gone_goes_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(1)).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    app.confirm(&payment, json!({"webhook": "never"})).await.expect(200);
    // The money is at the provider and not known here when the hold lapses, and somebody else has the seat.
    app.let_holds_lapse();
    let path = format!("/v1/rooms/{room}/tickets");
    let deadline = Instant::now() + Duration::from_secs(10);
    let has_it = loop {
        let answer = app.post(&path).by(BOB).key("b").send().await;
        if answer.status == 201 {
            break true;
        }
        answer.expect_problem(409, "sold_out");
        if issued(&app, &ticket).await == 1 {
            break false;
        }
        assert!(Instant::now() < deadline, "neither a ticket nor a free seat");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    if has_it {
        let is_back = |ticket: &Value| ticket["refunds"][0]["state"] == "done";
        let refunded = app.eventually(ALICE, &format!("/v1/tickets/{ticket}"), is_back).await;
        assert_eq!(refunded["state"], "refunded");
        assert_eq!(refunded["refunds"][0]["reason"], "seat_gone");
        assert_eq!(refunded["refunds"][0]["amount"], refunded["price"]["total"]);
        assert_eq!(issued(&app, &ticket).await, 0, "ticket or refund, never both");
    } else {
        app.ticket_becomes(&ticket, ALICE, "issued").await;
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn pretix_1230_nobody_who_paid_is_stuck_without_webhooks(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(5)).await;
    let crowd: [Person; 5] = [ALICE, BOB, OTHER_HOST, HOST, ADMIN];
    let paid = crowd.iter().map(|buyer| async {
        let ticket = app.hold(&room, *buyer, "hold").await;
        let payment = app.start_payment(&ticket, *buyer, "pay").await;
        app.confirm(&payment, json!({"webhook": "never"})).await.expect(200);
        (ticket, *buyer)
    });
    let paid = join_all(paid).await;
    let started = Instant::now();
    for (ticket, buyer) in &paid {
        app.ticket_becomes(ticket, *buyer, "issued").await;
        assert_eq!(issued(&app, ticket).await, 1);
    }
    assert!(started.elapsed() < STUCK);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn eventyay_2463_an_endpoint_that_gets_no_webhooks_any_more_misses_nothing(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let app = TestApp::start_as(options, free_provider()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let declined = app.start_payment(&ticket, ALICE, "first").await;
    let decline = json!({"webhook": "never", "card": "declined"});
    app.confirm(&declined, decline).await.expect(200);
    let is_declined = |ticket: &Value| ticket["payments"][0]["state"] == "declined";
    app.eventually(ALICE, &format!("/v1/tickets/{ticket}"), is_declined)
        .await;
    let payment = app.start_payment(&ticket, ALICE, "second").await;
    app.confirm(&payment, json!({"webhook": "never"})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    let dispute = json!({"payment_ref": payment["provider_ref"]});
    app.post("/sandbox/disputes")
        .by(ADMIN)
        .json(&dispute)
        .send()
        .await
        .expect(204);
    let path = format!("/v1/tickets/{ticket}/evidence");
    app.eventually(ADMIN, &path, |evidence| evidence["disputes"][0]["state"] == "open")
        .await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn hi_events_513_a_webhook_is_answered_200_whatever_it_is_good_for(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    // Authentic, and about a ticket that is not there.
    let ticket = "01890a5d-ac96-774b-bcce-000000000077";
    let purchase = json!({"ticket_id": ticket, "channel": "ios", "amount": {"amount_minor": 1, "currency": "USD"}});
    let bought = app
        .post("/sandbox/store/purchases")
        .json(&purchase)
        .send()
        .await
        .expect(200);
    let statement = text(&bought["statement"]).to_owned();
    let tell = || app.post("/v1/webhooks/store").text(statement.clone()).send();
    tell().await.expect(200);
    tell().await.expect(200);
    let kept = processes::inbox::list_webhooks(&app.pool, 10).await.expect("a query");
    assert_eq!(kept.iter().filter(|webhook| webhook.provider == "store").count(), 2);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn chobble_tickets_1022_no_webhook_is_answered_2xx_before_it_is_durable(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let wire = Wire::to(&options);
    let app = TestApp::start(wire.route(options)).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let path = format!("/v1/rooms/{room}/tickets");
    let hold = app.post(path).by(ALICE).key("hold").json(&json!({"channel": "ios"}));
    let ticket = text(&hold.send().await.expect(201)["id"]).to_owned();
    app.start_payment(&ticket, ALICE, "pay").await;
    let amount = json!({"amount_minor": 1_000, "currency": "USD"});
    let purchase = json!({"ticket_id": ticket, "channel": "ios", "amount": amount});
    let bought = app
        .post("/sandbox/store/purchases")
        .json(&purchase)
        .send()
        .await
        .expect(200);
    let statement = text(&bought["statement"]).to_owned();
    let tell = || app.post("/v1/webhooks/store").text(statement.clone()).send();

    wire.cut();
    tell().await.expect_problem(503, "log_unavailable");
    wire.mend();
    // The store's backend sends it again, as for every answer that is not 2xx.
    let deadline = Instant::now() + STUCK;
    while tell().await.status != 200 {
        assert!(Instant::now() < deadline, "still refused");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn cal_com_29685_every_captured_cent_of_a_cancelled_room_goes_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, free_provider()).await;
    let many = |room: &mut Value| {
        room["capacity"] = json!(5);
        room["tickets_per_buyer"] = json!(2);
        room["tiers"] = json!([
            {"tier": "early", "name": "Early", "price": {"amount_minor": 333, "currency": "USD"}, "quota": 2},
        ]);
    };
    let room = app.schedule(HOST, "room", many).await;
    // Two seats of one buyer, one of another who has a part of the price back already, and one in a tier.
    let mut tickets = vec![
        (app.buy(&room, ALICE, "a").await, ALICE),
        (app.buy(&room, ALICE, "b").await, ALICE),
        (app.buy(&room, BOB, "c").await, BOB),
    ];
    let path = format!("/v1/rooms/{room}/tickets");
    let early = app.post(path).by(OTHER_HOST).key("d").json(&json!({"tier": "early"}));
    let early = text(&early.send().await.expect(201)["id"]).to_owned();
    let payment = app.start_payment(&early, OTHER_HOST, "d").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&early, OTHER_HOST, "issued").await;
    tickets.push((early, OTHER_HOST));
    let part = json!({"amount": {"amount_minor": 1, "currency": "USD"}});
    let path = format!("/v1/tickets/{}/refunds", tickets[2].0);
    app.post(path).by(HOST).key("part").json(&part).send().await.expect(201);

    app.post(format!("/v1/rooms/{room}/cancel"))
        .by(HOST)
        .send()
        .await
        .expect(202);
    for (ticket, buyer) in &tickets {
        let is_whole = |ticket: &Value| {
            let refunds = ticket["refunds"].as_array().expect("a list");
            let back = refunds.iter().filter(|refund| refund["state"] == "done");
            let back: i64 = back
                .filter_map(|refund| refund["amount"]["amount_minor"].as_i64())
                .sum();
            Some(back) == ticket["price"]["total"]["amount_minor"].as_i64()
        };
        app.eventually(*buyer, &format!("/v1/tickets/{ticket}"), is_whole).await;
    }
    assert_eq!(books(&app).await, json!({}), "nobody has a cent of it");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn woocommerce_payments_9991_three_thirds_and_the_rest_are_the_whole(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let app = TestApp::start_as(options, free_provider()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    let path = format!("/v1/tickets/{ticket}/refunds");
    let refund = |key: &str, minor: i64| {
        let amount = json!({"amount": {"amount_minor": minor, "currency": "USD"}});
        app.post(&path).by(HOST).key(key).json(&amount).send()
    };
    for key in ["first", "second", "third"] {
        refund(key, 333).await.expect(201);
    }
    refund("too-much", 2)
        .await
        .expect_problem(409, "refund_exceeds_captured");
    refund("rest", 1).await.expect(201);
    let is_back = |ticket: &Value| {
        let refunds = ticket["refunds"].as_array().expect("a list");
        refunds.len() == 4 && refunds.iter().all(|refund| refund["state"] == "done")
    };
    let refunded = app.eventually(ALICE, &format!("/v1/tickets/{ticket}"), is_back).await;
    assert_eq!(refunded["state"], "refunded");
    assert_eq!(books(&app).await, json!({}));
    app.stop().await;
}
