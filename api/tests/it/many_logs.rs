//! The shop on a log that was moved into a table of many (`migrations/distributed/log_id.sql`).

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ALICE, BOB, HOST, TestApp};

/// For what is in flight.
const PATIENCE: Duration = Duration::from_secs(20);
const MANY_LOGS: &str = include_str!("../../../migrations/distributed/log_id.sql");

#[sqlx::test(migrations = "../migrations")]
async fn a_shop_sells_on_and_knows_what_it_sold(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options.clone()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let first = app.buy(&room, ALICE, "before").await;
    app.stop().await;

    let administrator = PgPool::connect_with(options.clone()).await.unwrap();
    sqlx::raw_sql(MANY_LOGS).execute(&administrator).await.unwrap();
    sqlx::raw_sql("CALL logs.adopt('public', 'the shop')")
        .execute(&administrator)
        .await
        .unwrap();
    administrator.close().await;

    let app = TestApp::start(options.clone()).await;
    let second = app.buy(&room, BOB, "after").await;
    app.ticket_becomes(&first, ALICE, "issued").await;
    app.eventually(ALICE, &format!("/v1/rooms/{room}"), |body| body["seats"]["sold"] == 2)
        .await;

    // The judge from outside reads the log by SQL of its own.
    let task = checker::Task {
        database: options,
        acknowledged: vec![],
        patience: PATIENCE,
    };
    let report = checker::check(&task).await.unwrap();
    assert!(report.ok, "{second}: {report}");
    app.stop().await;
}
