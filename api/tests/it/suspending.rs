//! A suspended host can neither schedule nor sell nor be paid; buyers keep what they have.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::earning::record_delivery;
use crate::support::{ADMIN, ALICE, BOB, HOST, Person, TestApp};

async fn tell(app: &TestApp, verb: &str) -> Value {
    let path = format!("/v1/hosts/{}/{verb}", HOST.id);
    let body = json!({"reason": "chargebacks"});
    app.post(path).by(ADMIN).json(&body).send().await.expect(200)
}

async fn sales_become(app: &TestApp, room: &str, status: &str) {
    let path = format!("/v1/rooms/{room}");
    app.eventually(ALICE, &path, |room| room["sales"]["status"] == status)
        .await;
}

/// To a room whose status is the same before and after.
async fn has_happened(app: &TestApp, room: &str, event_type: &str) {
    let path = format!("/v1/rooms/{room}/timeline");
    app.eventually(HOST, &path, |timeline| timeline.to_string().contains(event_type))
        .await;
}

async fn hold_is_refused(app: &TestApp, room: &str, buyer: Person, key: &str) {
    let hold = app.post(format!("/v1/rooms/{room}/tickets")).by(buyer).key(key);
    hold.send().await.expect_problem(409, "sales_paused");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_suspended_host_sells_nothing_and_buyers_keep_what_they_have(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let policy = json!({"kind": "until_start"});
    let sold = app.schedule(HOST, "sold", |room| room["refund_policy"] = policy).await;
    let free = app
        .schedule(HOST, "free", |room| room["price"]["amount_minor"] = json!(0))
        .await;
    let ticket = app.buy(&sold, ALICE, "a").await;
    let held = app.hold(&sold, BOB, "b").await;

    let suspended = tell(&app, "suspend").await;
    assert_eq!(suspended["standing"], "suspended");
    assert_eq!(suspended["suspension"]["reason"], "chargebacks");
    for room in [&sold, &free] {
        sales_become(&app, room, "paused").await;
    }
    hold_is_refused(&app, &free, BOB, "c").await;
    for price in [0, 1000] {
        let mut room = app.room();
        room["price"]["amount_minor"] = json!(price);
        let schedule = app.post("/v1/rooms").by(HOST).key(&format!("new-{price}")).json(&room);
        schedule.send().await.expect_problem(403, "host_suspended");
    }
    let list = app
        .get("/v1/hosts?standing=suspended")
        .by(ADMIN)
        .send()
        .await
        .expect(200);
    assert_eq!(list["data"][0]["user_id"], HOST.id);

    // Who held a seat may pay for it in time; who bought one has the refund of the policy.
    let payment = app.start_payment(&held, BOB, "b").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&held, BOB, "issued").await;
    let refund = app.post(format!("/v1/tickets/{ticket}/refunds")).by(ALICE).key("r");
    refund.json(&json!({})).send().await.expect(201);
    app.ticket_becomes(&ticket, ALICE, "refunded").await;
    hold_is_refused(&app, &sold, ALICE, "again").await;

    let reinstated = tell(&app, "reinstate").await;
    assert_eq!(
        (&reinstated["standing"], &reinstated["suspension"]),
        (&json!("approved"), &Value::Null)
    );
    for room in [&sold, &free] {
        sales_become(&app, room, "open").await;
    }
    app.buy(&sold, ALICE, "new").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn reinstating_leaves_what_the_host_paused(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let paused = app.schedule(HOST, "paused", |_| {}).await;
    let open = app.schedule(HOST, "open", |_| {}).await;
    let tell_room = |verb: &str| app.post(format!("/v1/rooms/{paused}/{verb}")).by(HOST).send();
    tell_room("pause_sales").await.expect(200);
    tell(&app, "suspend").await;
    has_happened(&app, &paused, "sales_suspended").await;
    tell_room("resume_sales").await.expect_problem(403, "host_suspended");
    tell(&app, "reinstate").await;
    has_happened(&app, &paused, "sales_reinstated").await;
    sales_become(&app, &open, "open").await;
    hold_is_refused(&app, &paused, ALICE, "a").await;
    tell_room("resume_sales").await.expect(200);
    app.hold(&paused, ALICE, "a").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_suspended_host_is_not_paid_but_keeps_what_was_earned(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    tell(&app, "suspend").await;
    sales_become(&app, &room, "paused").await;
    // What was sold may still be delivered.
    for verb in ["open", "end"] {
        let path = format!("/v1/rooms/{room}/{verb}");
        app.post(path).by(HOST).send().await.expect(200);
    }
    record_delivery(&app, &room).await;
    app.eventually(HOST, "/v1/me/earnings", |body| {
        body["balances"][0]["available"]["amount_minor"] == 894
    })
    .await;
    let ask = |key| {
        app.post("/v1/me/payouts")
            .by(HOST)
            .key(key)
            .json(&json!({"currency": "USD"}))
            .send()
    };
    ask("early").await.expect_problem(403, "host_suspended");
    tell(&app, "reinstate").await;
    ask("later").await.expect(202);
    app.eventually(HOST, "/v1/me/payouts", |body| body["data"][0]["state"] == "paid")
        .await;
    app.stop().await;
}
