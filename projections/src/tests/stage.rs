//! Views on a fresh database, fed page by page.
#![expect(
    clippy::disallowed_methods,
    reason = "tests look at view tables, which exist only at run time"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use event_log::{Recorded, Subscriber};
use sqlx::PgPool;

use super::story::Story;
use crate::view::{Side, ViewSubscriber};
use crate::{View, schema};

/// Feeds a story to a view, in one page.
pub(crate) async fn project(pool: &PgPool, view: View, story: &Story) {
    schema::create_missing(pool, view).await.expect("tables");
    feed(pool, view, Side::Live, &story.recorded()).await;
}

/// Hands a page to a view's subscriber, as the subscription does.
pub(crate) async fn feed(pool: &PgPool, view: View, side: Side, page: &[Arc<Recorded>]) {
    let mut transaction = pooling::begin(pool).await.expect("a transaction");
    let subscriber = ViewSubscriber::new(view, side);
    subscriber
        .handle(page, &mut transaction)
        .await
        .expect("the page is taken in");
    transaction.commit().await.expect("commit");
}

/// What every table of a view says, as sorted text: its rows, but for timelines, whose rows are as the pages were.
pub(crate) async fn contents(pool: &PgPool, view: View) -> BTreeMap<String, Vec<String>> {
    contents_of(pool, &schema::name(view, Side::Live), view).await
}

/// The same of a view's tables in any schema.
pub(crate) async fn contents_of(pool: &PgPool, schema: &str, view: View) -> BTreeMap<String, Vec<String>> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT table_name::text FROM information_schema.tables WHERE table_schema = $1")
            .bind(schema)
            .fetch_all(pool)
            .await
            .expect("the view's tables");
    assert!(tables.len() > 1, "{schema} has no tables");
    let mut contents = BTreeMap::new();
    for table in tables {
        let rows = match (view, table.as_str()) {
            (View::Timeline, "entries") => "SELECT (room_id, unnest(positions))::text FROM",
            _ => "SELECT t::text FROM",
        };
        let rows: Vec<String> = sqlx::query_scalar(&format!("{rows} {schema}.{table} t ORDER BY 1"))
            .fetch_all(pool)
            .await
            .expect("the table's rows");
        contents.insert(table, rows);
    }
    contents
}
