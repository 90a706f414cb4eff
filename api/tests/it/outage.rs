//! PostgreSQL goes away and comes back: answers are 503 and quick, and nothing has to be restarted.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ALICE, Answer, BOB, HOST, TestApp, Wire};

/// No answer of an outage takes longer: the waits are 2 to 3 s each.
const ANSWER_LIMIT: Duration = Duration::from_secs(8);
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);

async fn expect_unavailable(call: impl Future<Output = Answer>) {
    let started = Instant::now();
    let answer = call.await;
    answer.expect_problem(503, "log_unavailable");
    assert!(answer.header("retry-after").is_some());
    assert!(started.elapsed() < ANSWER_LIMIT, "took {:?}", started.elapsed());
}

#[sqlx::test(migrations = "../migrations")]
async fn without_its_database_the_api_says_so_and_recovers(_: PgPoolOptions, options: PgConnectOptions) {
    let wire = Wire::to(&options);
    let app = TestApp::start(wire.route(options)).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;

    wire.cut();
    expect_unavailable(app.get("/v1/rooms").send()).await;
    expect_unavailable(app.get(format!("/v1/tickets/{ticket}")).by(ALICE).send()).await;
    expect_unavailable(app.post(format!("/v1/rooms/{room}/tickets")).by(BOB).key("b").send()).await;
    expect_unavailable(app.post("/v1/rooms").by(HOST).key("late").json(&app.room()).send()).await;
    let unready = app.get("/readyz").send().await;
    assert_eq!(
        (unready.status.as_u16(), &unready.body["parts"]["database"]),
        (503, &json!("away"))
    );
    app.get("/healthz").send().await.expect(200);

    wire.mend();
    let deadline = Instant::now() + RECOVERY_LIMIT;
    let held = loop {
        let answer = app
            .post(format!("/v1/rooms/{room}/tickets"))
            .by(BOB)
            .key("b")
            .send()
            .await;
        if answer.status.is_success() {
            break answer.expect(201);
        }
        answer.expect_problem(503, "log_unavailable");
        assert!(Instant::now() < deadline, "still away after {RECOVERY_LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let path = format!("/v1/tickets/{}", held["id"].as_str().expect("a text"));
    assert_eq!(
        app.ticket_becomes(held["id"].as_str().expect("a text"), BOB, "held")
            .await["id"],
        held["id"],
        "{path}"
    );
    app.get("/readyz").send().await.expect(200);
    app.stop().await;
}
