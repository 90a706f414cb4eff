//! Folds take in each event once, whatever stops them.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read tables of folds, which are made at run time"
)]

use analytics::project::{Fold, FoldError, FoldPlan};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use super::story::{fold, plan, refreshed};
use crate::support::{FINANCE, HOST, TestApp};

const COUNT: &str = "
-- boxoffice:setup
DROP TABLE IF EXISTS counts;
CREATE TABLE counts (event_type text PRIMARY KEY, events bigint NOT NULL);
-- boxoffice:page
INSERT INTO counts
SELECT event_type, count(*) FROM events WHERE position > :after AND position <= :until GROUP BY event_type
ON CONFLICT (event_type) DO UPDATE SET events = counts.events + excluded.events;";

fn counting() -> FoldPlan {
    FoldPlan {
        page: 7,
        ..plan("mine", "counts", COUNT)
    }
}

async fn counted(pool: &PgPool) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT event_type, events FROM mine.counts ORDER BY event_type")
        .fetch_all(pool)
        .await
        .expect("counts")
}

async fn on_the_log(pool: &PgPool) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT event_type, count(*) FROM events GROUP BY event_type ORDER BY event_type")
        .fetch_all(pool)
        .await
        .expect("counts")
}

pub(super) async fn a_fold_takes_in_each_event_once_however_it_is_stopped(app: &TestApp) {
    let head = app.head().await;
    let part = FoldPlan {
        up_to: Some(head / 2),
        ..counting()
    };
    assert_eq!(fold(&app.pool, part).await.position, head / 2);
    // The second page fails: the first has been there, and the second has not.
    let failing = COUNT.replace("counts.events +", "1 / (counts.events - counts.events) +");
    let failing = FoldPlan {
        page: 7,
        ..plan("other", "failing", &failing)
    };
    let mut other = Fold::open(&app.pool, failing).await.expect("opened");
    let failed = other.run(&CancellationToken::new()).await;
    assert!(matches!(failed, Err(FoldError::Page { after: 7, .. })), "{failed:?}");
    other.close().await;
    let left: (i64, i64) =
        sqlx::query_as("SELECT (SELECT position FROM other.folds), (SELECT sum(events)::bigint FROM other.counts)")
            .fetch_one(&app.pool)
            .await
            .expect("the first page");
    assert_eq!(left, (7, 7));
    let setup_again = FoldPlan {
        anew: true,
        ..counting()
    };
    fold(&app.pool, setup_again).await;
    assert_eq!(counted(&app.pool).await, on_the_log(&app.pool).await);
    // Cancelled before its first page, dropped in the middle, and gone on with.
    app.schedule(HOST, "another", |_| {}).await;
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let mut stopped = Fold::open(&app.pool, counting()).await.expect("opened");
    assert!(stopped.run(&cancelled).await.expect("stopped").is_stopped);
    let second = Fold::open(&app.pool, counting()).await;
    assert!(matches!(second, Err(FoldError::AlreadyRunning { .. })), "{second:?}");
    stopped.close().await;
    assert!(!fold(&app.pool, counting()).await.is_stopped);
    assert_eq!(counted(&app.pool).await, on_the_log(&app.pool).await);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_fold_that_does_not_fit_changes_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    app.schedule(HOST, "room", |_| {}).await;
    assert!(matches!(
        Fold::open(&app.pool, counting()).await,
        Err(FoldError::NotInstalled)
    ));
    refreshed(&app).await;
    fold(&app.pool, counting()).await;
    let before = counted(&app.pool).await;
    let changed = FoldPlan {
        script: COUNT.replace("count(*)", "2 * count(*)").parse().expect("a script"),
        ..counting()
    };
    assert!(matches!(
        Fold::open(&app.pool, changed).await,
        Err(FoldError::OtherStatements { .. })
    ));
    let back = FoldPlan {
        up_to: Some(1),
        ..counting()
    };
    assert!(matches!(
        Fold::open(&app.pool, back).await,
        Err(FoldError::Beyond { .. })
    ));
    // A log that is another one since the fold was opened is as good as one that was before.
    app.schedule(HOST, "later", |_| {}).await;
    let mut opened = Fold::open(&app.pool, counting()).await.expect("opened");
    sqlx::raw_sql("UPDATE mine.folds SET hash = sha256('another log')")
        .execute(&app.pool)
        .await
        .expect("spoilt");
    let run = opened.run(&CancellationToken::new()).await;
    assert!(matches!(run, Err(FoldError::Forked { .. })), "{run:?}");
    opened.close().await;
    sqlx::raw_sql("UPDATE mine.folds SET hash = sha256('another log')")
        .execute(&app.pool)
        .await
        .expect("spoilt");
    assert!(matches!(
        Fold::open(&app.pool, counting()).await,
        Err(FoldError::Forked { .. })
    ));
    assert_eq!(counted(&app.pool).await, before);
    app.stop().await;
}

/// The star schema says what the books say.
pub(super) async fn the_star_adds_up_to_the_ledger(app: &TestApp) {
    // In one page, or in many: a row is the same.
    let all = "SELECT array_agg(sale::text ORDER BY ticket_id) FROM analytics.sales AS sale";
    let star = async || -> Vec<String> { sqlx::query_scalar(all).fetch_one(&app.pool).await.expect("sales") };
    let once = star().await;
    let small = FoldPlan {
        anew: true,
        page: 25,
        ..analytics::star::plan(None, false).expect("a script")
    };
    fold(&app.pool, small).await;
    assert_eq!(star().await, once);

    let balance = app.get("/v1/ledger/trial_balance").by(FINANCE).send().await.expect(200);
    let credit = |account: &str| {
        let lines = balance["data"].as_array().expect("lines");
        lines
            .iter()
            .filter(|line| line["account"] == account)
            .map(|line| line["credit_minor"].as_i64().expect("minor units"))
            .sum::<i64>()
    };
    let (platform, provider, refunded, captured): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT sum(platform_fee_minor)::bigint, sum(provider_fee_minor)::bigint, sum(refunded_minor)::bigint,
             sum(captured_minor)::bigint FROM analytics.sales",
    )
    .fetch_one(&app.pool)
    .await
    .expect("sums");
    assert!(platform > 0 && refunded > 0);
    assert_eq!(platform, credit("revenue:platform_fee"));
    assert_eq!(provider, credit("expense:provider_fee"));
    assert_eq!(captured, credit("clearing:charge"));
    assert_eq!(refunded, credit("clearing:refund"));
}
