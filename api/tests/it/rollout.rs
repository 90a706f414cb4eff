//! Who may sell where: flags by cohort, share and channel, changed by admins.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ADMIN, ALICE, Answer, BOB, HOST, OTHER_HOST, Person, TestApp, text};

async fn roll_out(app: &TestApp, flags: Value) -> Value {
    app.put("/v1/rollout").by(ADMIN).json(&flags).send().await.expect(200)
}

async fn assign(app: &TestApp, host: Person, cohorts: Value) -> Value {
    let path = format!("/v1/hosts/{}/cohorts", host.id);
    let body = json!({"cohorts": cohorts});
    app.put(path).by(ADMIN).json(&body).send().await.expect(200)
}

async fn hold(app: &TestApp, room: &str, channel: &str, buyer: Person, key: &str) -> Answer {
    let body = json!({"channel": channel});
    let path = format!("/v1/rooms/{room}/tickets");
    app.post(path).by(buyer).key(key).json(&body).send().await
}

async fn schedule(app: &TestApp, host: Person, key: &str, price: i64) -> Answer {
    let mut room = app.room();
    (room["price"]["amount_minor"], room["capacity"]) = (json!(price), json!(10));
    app.post("/v1/rooms").by(host).key(key).json(&room).send().await
}

#[sqlx::test(migrations = "../migrations")]
async fn without_flags_everybody_sells_everywhere(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let flags = app.get("/v1/rollout").by(ADMIN).send().await.expect(200);
    assert_eq!(flags, json!({"web": null, "ios": null, "android": null}));
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(10)).await;
    for (channel, buyer) in [("web", ALICE), ("ios", BOB), ("android", ADMIN)] {
        hold(&app, &room, channel, buyer, channel).await.expect(201);
    }
    let host = app.get("/v1/me/host").by(HOST).send().await.expect(200);
    assert_eq!(host["sells_through"], json!(["web", "ios", "android"]));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_channel_opens_to_a_cohort_first(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let pioneer = app.schedule(HOST, "pioneer", |room| room["capacity"] = json!(10)).await;
    let other = app
        .schedule(OTHER_HOST, "other", |room| room["capacity"] = json!(10))
        .await;
    let flags = json!({"ios": {"cohorts": ["pioneers"]}, "android": {}});
    let told = roll_out(&app, flags).await;
    assert_eq!(told["ios"], json!({"cohorts": ["pioneers"], "percent": 0}));
    let assigned = assign(&app, HOST, json!(["pioneers"])).await;
    assert_eq!(
        (&assigned["cohorts"], &assigned["sells_through"]),
        (&json!(["pioneers"]), &json!(["web", "ios"]))
    );

    hold(&app, &pioneer, "ios", ALICE, "a").await.expect(201);
    hold(&app, &pioneer, "android", BOB, "b")
        .await
        .expect_problem(403, "not_rolled_out");
    hold(&app, &other, "ios", ALICE, "c")
        .await
        .expect_problem(403, "not_rolled_out");
    hold(&app, &other, "web", ALICE, "d").await.expect(201);

    // Out of the cohort again: what is held stays held, and its request is answered as before.
    assign(&app, HOST, json!([])).await;
    hold(&app, &pioneer, "ios", BOB, "e")
        .await
        .expect_problem(403, "not_rolled_out");
    hold(&app, &pioneer, "ios", ALICE, "a").await.expect(201);
    roll_out(&app, json!({})).await;
    hold(&app, &pioneer, "ios", BOB, "e").await.expect(201);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn whom_no_channel_is_open_to_hosts_free_rooms_only(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options.clone()).await;
    app.approve(HOST).await;
    roll_out(&app, json!({"web": {}, "ios": {}, "android": {"percent": 0}})).await;
    schedule(&app, HOST, "priced", 1000)
        .await
        .expect_problem(403, "not_rolled_out");
    let free = schedule(&app, HOST, "free", 0).await.expect(201);
    // A free seat is no sale.
    hold(&app, text(&free["id"]), "web", ALICE, "a").await.expect(201);
    app.stop().await;

    // The log remembers it.
    let app = TestApp::start(options).await;
    schedule(&app, HOST, "priced", 1000)
        .await
        .expect_problem(403, "not_rolled_out");
    roll_out(&app, json!({"web": {"percent": 100}, "ios": {}, "android": {}})).await;
    let room = schedule(&app, HOST, "priced", 1000).await.expect(201);
    hold(&app, text(&room["id"]), "web", BOB, "b").await.expect(201);
    let line = app.post(format!("/v1/rooms/{}/waiting_list/me", text(&room["id"])));
    roll_out(&app, json!({"web": {}})).await;
    line.by(ALICE)
        .key("w")
        .send()
        .await
        .expect_problem(403, "not_rolled_out");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_roll_out_is_on_the_log_once(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    for _ in 0..2 {
        roll_out(&app, json!({"web": {"percent": 50}})).await;
        assign(&app, HOST, json!(["pioneers", "friends", "pioneers"])).await;
    }
    let events = app.get("/v1/log/events").by(ADMIN).send().await.expect(200);
    let types: Vec<_> = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| text(&event["event_type"]))
        .collect();
    assert_eq!(types, ["rollout_changed", "cohorts_assigned"]);
    let bad = [
        (json!({"web": {"percent": 101}}), "/web/percent"),
        (json!({"web": {"cohorts": ["Ada Lovelace"]}}), "/web/cohorts/0"),
    ];
    for (flags, pointer) in bad {
        let answer = app.put("/v1/rollout").by(ADMIN).json(&flags).send().await;
        answer.expect_problem(422, "invalid_field");
        assert_eq!(answer.pointer(), Some(pointer));
    }
    app.stop().await;
}
