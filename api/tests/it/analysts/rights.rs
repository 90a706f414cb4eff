//! The role of analysts may read what is meant for them, and nothing else.
#![expect(
    clippy::disallowed_methods,
    reason = "tests ask for whatever there is, whose names are known only at run time"
)]

use analytics::install::{PROJECTOR, READER, install};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::story::{as_role, plan, refreshed};
use crate::support::{ALICE, HOST, TestApp};

/// `insufficient_privilege`
const DENIED: &str = "42501";
/// `read_only_sql_transaction`
const READ_ONLY: &str = "25006";

async fn refusal(pool: &PgPool, statement: &str) -> Option<String> {
    let refused = sqlx::raw_sql(statement).execute(pool).await.err()?;
    refused.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// Relations outside of `analytics` that a role may do anything with.
async fn others(app: &TestApp, role: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT namespace.nspname || '.' || relation.relname
         FROM pg_class AS relation
         JOIN pg_namespace AS namespace ON namespace.oid = relation.relnamespace
         WHERE namespace.nspname NOT IN ('analytics', 'pg_catalog', 'information_schema', 'pg_toast')
             AND relation.relkind IN ('r', 'v', 'm', 'p', 'f')
             AND has_table_privilege($1, relation.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')",
    )
    .bind(role)
    .fetch_all(&app.pool)
    .await
    .expect("a query")
}

#[sqlx::test(migrations = "../migrations")]
async fn analysts_read_analytics_and_nothing_else(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "seat").await;
    refreshed(&app).await;
    for role in [READER, PROJECTOR] {
        assert_eq!(others(&app, role).await, Vec::<String>::new(), "{role}");
    }
    let analyst = as_role(&app, READER).await;
    let (sold, events): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM sales WHERE issued_at IS NOT NULL), (SELECT count(*) FROM events_seat_sold)",
    )
    .fetch_one(&analyst)
    .await
    .expect("what is meant for them");
    assert_eq!((sold, events), (1, 1));
    for kept in [
        "public.events",
        "public.people",
        "public.contacts",
        "public.person_vault",
        "public.person_keys",
        "public.provider_webhooks",
        "public.webhook_secrets",
        "view_tickets.tickets",
    ] {
        assert_eq!(
            refusal(&analyst, &format!("SELECT * FROM {kept}")).await.as_deref(),
            Some(DENIED),
            "{kept}"
        );
    }
    for write in [
        "DELETE FROM sales",
        "CREATE TABLE analytics.mine ()",
        "CREATE SCHEMA mine",
    ] {
        assert_eq!(refusal(&analyst, write).await.as_deref(), Some(READ_ONLY), "{write}");
    }
    // Whoever switches that off is still not allowed to.
    let switch = "SET default_transaction_read_only = off";
    sqlx::raw_sql(switch).execute(&analyst).await.expect("a setting");
    for write in [
        "DELETE FROM sales",
        "CREATE TABLE analytics.mine ()",
        "CREATE SCHEMA mine",
    ] {
        assert_eq!(refusal(&analyst, write).await.as_deref(), Some(DENIED), "{write}");
    }
    let limit: String = sqlx::query_scalar("SHOW statement_timeout")
        .fetch_one(&analyst)
        .await
        .expect("a setting");
    assert_eq!(limit, "1min");
    analyst.close().await;
    app.stop().await;
}

/// Two at once, and again: what rests on a view stays.
#[sqlx::test(migrations = "../migrations")]
async fn an_installation_may_run_again(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let reader = READER.parse().expect("a role");
    let (one, other) = tokio::join!(install(&app.pool, &reader), install(&app.pool, &reader));
    assert_eq!(one.expect("installed"), other.expect("installed"));
    // A view of an older program, which had fewer columns, with somebody's view on it.
    let older = "DROP VIEW analytics.events_room_ended;
        CREATE VIEW analytics.events_room_ended AS SELECT recorded_at, position FROM events WHERE event_type = 'room_ended';
        CREATE VIEW ends AS SELECT position FROM analytics.events_room_ended";
    sqlx::raw_sql(older).execute(&app.pool).await.expect("an older view");
    install(&app.pool, &reader).await.expect("installed");
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns
         WHERE table_schema = 'analytics' AND table_name = 'events_room_ended' ORDER BY ordinal_position",
    )
    .fetch_all(&app.pool)
    .await
    .expect("columns");
    assert_eq!(columns[..3], ["recorded_at", "position", "room_id"]);
    assert!(columns.contains(&"ended_at".to_owned()));
    app.stop().await;
}

/// A fold works with the rights of its schema, whoever runs it.
#[sqlx::test(migrations = "../migrations")]
async fn a_fold_cannot_reach_what_is_not_for_analysts(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    app.schedule(HOST, "room", |_| {}).await;
    refreshed(&app).await;
    for reach in [
        "SELECT * FROM public.people",
        "DELETE FROM public.events",
        "DELETE FROM analytics.sales",
        "DROP SCHEMA view_ledger CASCADE",
    ] {
        let sql = format!("-- boxoffice:page\n{reach}; SELECT :after, :until");
        let mut fold = analytics::project::Fold::open(&app.pool, plan("mine", reach, &sql))
            .await
            .expect("opened");
        let failed = fold.run(&tokio_util::sync::CancellationToken::new()).await;
        let Err(analytics::project::FoldError::Page { after: 0, source }) = failed else {
            panic!("{reach}: {failed:?}");
        };
        let code = source
            .as_database_error()
            .and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some(DENIED), "{reach}");
        fold.close().await;
    }
    app.stop().await;
}
