//! Tickets bought through an app store: it collects the money, proves it by a receipt, and decides on refunds alone.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::dividing::{books, deliver, earned};
use crate::support::{ADMIN, ALICE, Answer, BOB, HOST, Person, Shop, TestApp, text};

impl TestApp {
    /// A seat held through a store's channel, with its payment started.
    async fn hold_in_store(&self, room: &str, buyer: Person, channel: &str) -> String {
        let path = format!("/v1/rooms/{room}/tickets");
        let body = json!({"channel": channel});
        let held = self
            .post(path)
            .by(buyer)
            .key("hold")
            .json(&body)
            .send()
            .await
            .expect(201);
        let ticket = text(&held["id"]).to_owned();
        let payment = self.start_payment(&ticket, buyer, "pay").await;
        assert_eq!(payment["state"], "pending");
        assert_eq!(
            payment.get("client_secret"),
            None,
            "the store has the buyer's card, not we"
        );
        ticket
    }

    /// What the store signs for a purchase.
    async fn receipt(&self, ticket: &str, channel: &str, minor: i64) -> String {
        let amount = json!({"amount_minor": minor, "currency": "USD"});
        let purchase = json!({"ticket_id": ticket, "channel": channel, "amount": amount});
        let bought = self
            .post("/sandbox/store/purchases")
            .json(&purchase)
            .send()
            .await
            .expect(200);
        text(&bought["statement"]).to_owned()
    }

    async fn bring(&self, ticket: &str, buyer: Person, receipt: &str) -> Answer {
        let path = format!("/v1/tickets/{ticket}/receipts");
        self.post(path)
            .by(buyer)
            .json(&json!({"receipt": receipt}))
            .send()
            .await
    }

    /// An issued ticket, paid for in a store.
    pub(crate) async fn buy_in_store(&self, room: &str, buyer: Person, channel: &str) -> String {
        let ticket = self.hold_in_store(room, buyer, channel).await;
        let receipt = self.receipt(&ticket, channel, 1_000).await;
        self.bring(&ticket, buyer, &receipt).await.expect(200);
        self.ticket_becomes(&ticket, buyer, "issued").await;
        ticket
    }

    async fn refund_in_store(&self, ticket: &str, channel: &str) -> String {
        let refund = json!({"ticket_id": ticket, "channel": channel});
        let path = "/sandbox/store/refunds";
        let refunded = self.post(path).by(ADMIN).json(&refund).send().await.expect(200);
        text(&refunded["statement"]).to_owned()
    }

    async fn tell(&self, statement: &str) -> Answer {
        self.post("/v1/webhooks/store").text(statement.to_owned()).send().await
    }

    async fn count_events(&self, ticket: &str, event_type: &str) -> usize {
        let path = format!("/v1/log/events?aggregate=ticket-{ticket}&limit=200");
        let events = self.get(path).by(ADMIN).send().await.expect(200);
        let events = events["data"].as_array().expect("a list");
        events.iter().filter(|event| event["event_type"] == event_type).count()
    }
}

fn free_provider() -> Shop {
    Shop {
        is_provider_free: true,
        ..Shop::default()
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_receipt_pays_the_ticket_that_it_names_once(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, free_provider()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold_in_store(&room, ALICE, "ios").await;
    let other = app.hold_in_store(&room, BOB, "ios").await;
    let receipt = app.receipt(&ticket, "ios", 1_000).await;
    let refusals = [
        (&other, BOB, receipt.clone(), "other_ticket"),
        (
            &ticket,
            ALICE,
            app.receipt(&ticket, "android", 1_000).await,
            "other_channel",
        ),
        (&ticket, ALICE, app.receipt(&ticket, "ios", 1).await, "wrong_amount"),
        (&ticket, ALICE, receipt.replace('.', ".x"), "signature"),
        (&ticket, ALICE, app.refund_in_store(&ticket, "ios").await, "no_purchase"),
    ];
    for (ticket, buyer, receipt, reason) in refusals {
        let refused = app.bring(ticket, buyer, &receipt).await;
        refused.expect_problem(422, "receipt_refused");
        assert_eq!(refused.body["reason"], reason);
    }
    app.bring(&ticket, BOB, &receipt).await.expect_problem(404, "not_found");
    let head = app.head().await;
    assert_eq!(app.count_events(&ticket, "payment_captured").await, 0, "up to {head}");

    app.bring(&ticket, ALICE, &receipt).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    // The app asks again, and the store's own notice comes as well.
    app.bring(&ticket, ALICE, &receipt).await.expect(200);
    app.tell(&receipt).await.expect(200);
    app.eventually_handled().await;
    assert_eq!(app.count_events(&ticket, "payment_captured").await, 1);
    let unearned = format!("liability:unearned:{room}");
    let expected = json!({"cash:provider:app_store": 700, "expense:store_fee": 300, unearned: -1_000});
    assert_eq!(books(&app).await, expected);
    app.stop().await;
}

impl TestApp {
    /// Every webhook is read.
    async fn eventually_handled(&self) {
        for _ in 0..200 {
            let counts = processes::inbox::count(&self.pool).await.expect("the inbox");
            if counts.open == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("webhooks are left unread");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_purchase_that_only_the_store_tells_of_is_a_ticket(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, free_provider()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold_in_store(&room, ALICE, "android").await;
    let receipt = app.receipt(&ticket, "android", 1_000).await;
    app.tell(&receipt.replace('.', ".x"))
        .await
        .expect_problem(401, "unauthenticated");
    app.tell(&receipt).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_store_alone_gives_back_what_it_collected(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, free_provider()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy_in_store(&room, ALICE, "ios").await;
    for person in [ALICE, HOST, ADMIN] {
        let path = format!("/v1/tickets/{ticket}/refunds");
        let refused = app.post(path).by(person).key("refund").send().await;
        refused.expect_problem(409, "refund_by_store");
    }
    let statement = app.refund_in_store(&ticket, "ios").await;
    app.tell(&statement).await.expect(200);
    app.tell(&statement).await.expect(200);
    let refunded = app.ticket_becomes(&ticket, ALICE, "refunded").await;
    let refund = &refunded["refunds"][0];
    assert_eq!(
        (&refund["state"], &refund["reason"], &refund["initiated_by"]),
        (&json!("done"), &json!("store_refunded"), &json!("store"))
    );
    let path = format!("/v1/rooms/{room}");
    app.eventually(ALICE, &path, |room| room["seats"]["sold"] == 0).await;
    app.eventually_handled().await;
    assert_eq!(app.count_events(&ticket, "refund_completed").await, 1);
    assert_eq!(books(&app).await, json!({}), "as if nothing had been");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_after_the_host_earned_it_is_the_hosts(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, free_provider()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy_in_store(&room, ALICE, "ios").await;
    deliver(&app, &room).await;
    app.eventually(HOST, "/v1/me/earnings", earned(665)).await;
    app.tell(&app.refund_in_store(&ticket, "ios").await).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "revoked").await;
    app.eventually(HOST, "/v1/me/earnings", earned(0)).await;
    // The store has its fee back from itself, the host's part is the host's, and the platform has lost what it had.
    let expected = json!({"loss:dispute": 35, "revenue:platform_fee": -35});
    assert_eq!(books(&app).await, expected);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_room_owes_what_a_store_must_give_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, free_provider()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy_in_store(&room, ALICE, "android").await;
    app.post(format!("/v1/rooms/{room}/cancel"))
        .by(HOST)
        .send()
        .await
        .expect(202);
    let owed = app.ticket_becomes(&ticket, ALICE, "refunded").await;
    assert_eq!(owed["refunds"][0]["state"], "owed");
    let is_kept = || async {
        let notices = processes::inbox::list_notices(&app.pool, 10)
            .await
            .expect("the notices");
        notices.iter().any(|notice| notice.kind == "store_refund_owed")
    };
    for _ in 0..200 {
        if is_kept().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(is_kept().await, "somebody must ask the store");
    app.tell(&app.refund_in_store(&ticket, "android").await)
        .await
        .expect(200);
    let is_done = |ticket: &Value| ticket["refunds"][0]["state"] == "done";
    app.eventually(ALICE, &format!("/v1/tickets/{ticket}"), is_done).await;
    assert_eq!(books(&app).await, json!({}));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_notice_of_an_unknown_purchase_stays_where_it_is_seen(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, free_provider()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold_in_store(&room, ALICE, "ios").await;
    // The refund overtakes the purchase.
    app.tell(&app.refund_in_store(&ticket, "ios").await).await.expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let counts = processes::inbox::count(&app.pool).await.expect("the inbox");
    assert_eq!(counts.open, 1, "it waits");
    let receipt = app.receipt(&ticket, "ios", 1_000).await;
    app.bring(&ticket, ALICE, &receipt).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "refunded").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_receipt_that_comes_too_late_is_paid_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, free_provider()).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(1)).await;
    let ticket = app.hold_in_store(&room, ALICE, "ios").await;
    let receipt = app.receipt(&ticket, "ios", 1_000).await;
    app.let_holds_lapse();
    app.ticket_becomes(&ticket, ALICE, "lapsed").await;
    app.hold(&room, BOB, "b").await;
    app.bring(&ticket, ALICE, &receipt).await.expect(200);
    let owed = app.ticket_becomes(&ticket, ALICE, "refunded").await;
    assert_eq!(
        owed["refunds"][0]["reason"], "seat_gone",
        "ticket or refund, never neither"
    );
    app.stop().await;
}
