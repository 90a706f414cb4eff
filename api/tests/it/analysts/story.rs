//! A shop in which much happens: sales that are earned, that go back, that never come to anything, and rooms that are moved.

use std::time::Duration;

use analytics::install::{READER, install};
use analytics::project::{Fold, FoldPlan, FoldReport, Script};
use analytics::star;
use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use crate::earning::record_delivery;
use crate::support::{ALICE, BOB, CLEO, DORA, FINANCE, HOST, OTHER_HOST, Person, TestApp};

/// Tickets that were declined after a move on short notice, what went back for them, and what the provider kept.
pub(super) const LATE: (i64, i64, i64, i64) = (1, 2, 2_000, 118);

/// A shop after an eventful day.
pub(super) async fn shop(options: PgConnectOptions) -> TestApp {
    let app = TestApp::start(options).await;
    deliver(&app).await;
    move_rooms(&app).await;
    let room = app
        .schedule(OTHER_HOST, "quiet", |room| room["capacity"] = 5.into())
        .await;
    app.buy(&room, ALICE, "quiet").await;
    let change = json!({"price": {"amount_minor": 1_500, "currency": "USD"}});
    app.patch(format!("/v1/rooms/{room}"))
        .by(OTHER_HOST)
        .json(&change)
        .send()
        .await
        .expect(200);
    app.buy(&room, BOB, "dearer").await;
    // Held, and given back.
    let held = app.hold(&room, CLEO, "nothing").await;
    app.post(format!("/v1/tickets/{held}/release"))
        .by(CLEO)
        .send()
        .await
        .expect(200);
    app
}

/// A room that is delivered, with three who paid; one of them has a part back before.
async fn deliver(app: &TestApp) {
    let room = app.schedule(HOST, "heard", |room| room["capacity"] = 3.into()).await;
    let buyers = [(ALICE, "one"), (BOB, "two"), (CLEO, "three")];
    let tickets = join_all(buyers.map(|(person, key)| app.buy(&room, person, key))).await;
    let part = json!({"amount": {"amount_minor": 250, "currency": "USD"}, "reason": "a part"});
    let refund = app
        .post(format!("/v1/tickets/{}/refunds", tickets[0]))
        .by(HOST)
        .key("a-part-of-it")
        .json(&part);
    refund.send().await.expect(201);
    refunds_done(app, &tickets[0], ALICE).await;
    for verb in ["open", "end"] {
        app.post(format!("/v1/rooms/{room}/{verb}"))
            .by(HOST)
            .send()
            .await
            .expect(200);
    }
    record_delivery(app, &room).await;
    let is_paid = |body: &Value| {
        let balances = body["data"].as_array().cloned().unwrap_or_default();
        let fees = balances.iter().find(|line| line["account"] == "revenue:platform_fee");
        // Of 9.41, 9.41, and 7.50 less the provider's 0.59: 5 %, rounded down.
        fees.is_some_and(|line| line["credit_minor"] == 47 + 47 + 34)
    };
    app.eventually(FINANCE, "/v1/ledger/trial_balance", is_paid).await;
}

/// A room that is moved at the last moment, which two decline, and one that is moved in good time, which one declines.
async fn move_rooms(app: &TestApp) {
    let seats = |room: &mut Value| room["capacity"] = 5.into();
    let soon = app.schedule(HOST, "soon", seats).await;
    let far_away = app.now() + TimeDelta::days(9);
    let far = app
        .schedule(HOST, "far", |room| room["starts_at"] = json!(far_away))
        .await;
    let buyers = [
        (&soon, DORA, "s3"),
        (&soon, ALICE, "s1"),
        (&soon, BOB, "s2"),
        (&far, CLEO, "f1"),
    ];
    let buy = async |(room, person, key): (&String, Person, &str)| (app.buy(room, person, key).await, person);
    let mut declining = join_all(buyers.map(buy)).await;
    declining.remove(0); // who stays
    for room in [soon, far] {
        let wish = json!({"starts_at": app.now() + TimeDelta::days(20)});
        let moved = app.post(format!("/v1/rooms/{room}/reschedule")).by(HOST).json(&wish);
        moved.send().await.expect(200);
    }
    for (ticket, person) in &declining {
        let declined = app.post(format!("/v1/tickets/{ticket}/decline_reschedule")).by(*person);
        declined.send().await.expect(202);
    }
    join_all(
        declining
            .iter()
            .map(|(ticket, person)| refunds_done(app, ticket, *person)),
    )
    .await;
}

async fn refunds_done(app: &TestApp, ticket: &str, person: Person) {
    let path = format!("/v1/tickets/{ticket}");
    app.eventually(person, &path, |ticket| ticket["refunds"][0]["state"] == "done")
        .await;
}

/// Views, roles, and the star schema up to the log's end.
pub(super) async fn refreshed(app: &TestApp) {
    install(&app.pool, &READER.parse().expect("a role"))
        .await
        .expect("installed");
    let plan = star::plan(None, false).expect("a script");
    fold(&app.pool, plan).await;
}

/// Runs a fold to its end.
pub(super) async fn fold(pool: &PgPool, plan: FoldPlan) -> FoldReport {
    let mut fold = Fold::open(pool, plan).await.expect("opened");
    let report = fold.run(&CancellationToken::new()).await.expect("folded");
    fold.close().await;
    report
}

/// A fold of one's own.
pub(super) fn plan(schema: &str, name: &str, sql: &str) -> FoldPlan {
    let script: Script = sql.parse().expect("a script");
    FoldPlan {
        schema: schema.parse().expect("a schema"),
        name: name.to_owned(),
        script,
        anew: false,
        anew_if_changed: false,
        page: 20_000,
        page_limit: Duration::from_mins(1),
        up_to: None,
        follow: false,
    }
}

/// The database, as a role of it sees it.
pub(super) async fn as_role(app: &TestApp, role: &str) -> PgPool {
    let options = (*app.pool.connect_options()).clone().username(role);
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options);
    pool.await.expect("the role logs in")
}
