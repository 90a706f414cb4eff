//! Views that follow a real log.
#![expect(
    clippy::disallowed_methods,
    reason = "tests spoil view tables, which exist only at run time"
)]

use std::time::Duration;

use domain::{AnyEvent, PayoutEvent};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::shop::{PATIENCE, Shop};
use super::stage::{contents, project};
use super::story::{PRICE, Story, usd, whole_story};
use crate::{View, catalogue, list};

/// A story whose last event is out of balance: no log of ours holds such, and no book takes it.
pub(super) fn unbalanced() -> Story {
    let mut story = Story::new().schedule(1).buy(1, 10).settle(1, 10, PRICE);
    let Some(AnyEvent::Payout(_, PayoutEvent::EarningCredited(earning))) = story.events.last_mut() else {
        panic!("the story ends with an earning");
    };
    earning.host_share = usd(earning.host_share.amount_minor() + 1);
    story
}

#[sqlx::test(migrations = "../migrations")]
async fn views_follow_the_log_and_writers_can_wait_for_them(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let appends = whole_story().appends();
    let (before, after) = appends.split_at(20);
    shop.append(before).await;
    let head = shop.append(after).await;
    assert!(views.wait_all(head, PATIENCE).await);
    assert_eq!((views.lag(), views.position(View::Ledger)), (0, head));
    assert!(!views.wait_for(View::Tickets, head + 1, Duration::from_millis(1)).await);
    assert_eq!(views.failure(), None);
    for status in list(&shop.pool).await.expect("a list") {
        assert_eq!(
            (status.position, status.head, status.lag),
            (head, head, 0),
            "{}",
            status.name
        );
    }
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_the_log_gives_is_what_the_events_say(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, cancel) = shop.start_views().await;
    let head = shop.append(&whole_story().appends()).await;
    assert!(views.wait_all(head, PATIENCE).await);
    cancel.cancel();
    // The catalogue holds nothing of the log's own time, so it can be compared with the plain events.
    let followed = contents(&shop.pool, View::Catalogue).await;
    sqlx::query("DROP SCHEMA view_catalogue CASCADE")
        .execute(&shop.pool)
        .await
        .expect("dropped");
    project(&shop.pool, View::Catalogue, &whole_story()).await;
    assert_eq!(contents(&shop.pool, View::Catalogue).await, followed);
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_restart_goes_on_where_the_views_were(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let appends = whole_story().appends();
    let (before, after) = appends.split_at(30);
    let (views, cancel) = shop.start_views().await;
    let position = shop.append(before).await;
    assert!(views.wait_all(position, PATIENCE).await);
    cancel.cancel();
    let head = shop.append(after).await;
    let (views, _) = shop.start_views().await;
    assert!(views.wait_all(head, PATIENCE).await);
    assert_eq!(views.failure(), None);
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn queries_work_before_anything_has_happened(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let rooms = catalogue::list_rooms(&shop.pool, &catalogue::RoomFilter::default(), None, 50).await;
    assert_eq!(rooms.expect("a query"), []);
    assert!(views.wait_all(0, PATIENCE).await);
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn tables_of_another_version_are_replaced_at_the_start(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let head = shop.append(&whole_story().appends()).await;
    let (views, cancel) = shop.start_views().await;
    assert!(views.wait_all(head, PATIENCE).await);
    let right = contents(&shop.pool, View::Tickets).await;
    cancel.cancel();
    for spoil in [
        "UPDATE view_tickets.about SET version = 0",
        "UPDATE view_tickets.tickets SET state = 'held'",
        "UPDATE projection_checkpoint SET version = 0 WHERE name = 'tickets'",
    ] {
        sqlx::query(spoil).execute(&shop.pool).await.expect("spoiled");
    }
    let (views, _) = shop.start_views().await;
    assert!(views.wait_all(head, PATIENCE).await);
    assert_eq!(contents(&shop.pool, View::Tickets).await, right);
    let versions: Vec<i32> = sqlx::query_scalar("SELECT version FROM projection_checkpoint WHERE name LIKE 'tickets%'")
        .fetch_all(&shop.pool)
        .await
        .expect("a query");
    assert_eq!(versions, [View::Tickets.version()]);
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_view_that_cannot_go_on_stops_the_process(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, cancel) = shop.start_views().await;
    let head = shop.append(&unbalanced().appends()).await;
    tokio::time::timeout(PATIENCE, cancel.cancelled())
        .await
        .expect("cancelled");
    let failure = views.failure().expect("a reason");
    assert!(
        failure.starts_with("ledger: ") && failure.contains("out of balance"),
        "{failure}"
    );
    assert!(views.position(View::Ledger) < head);
    shop.close().await;
}

/// Views commit without a flush: a database that crashes comes back with an earlier state of tables and checkpoint.
#[sqlx::test(migrations = "../migrations")]
async fn pages_that_a_crashed_database_lost_are_missed_and_done_again(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let appends = whole_story().appends();
    let (before, after) = appends.split_at(30);
    let position = shop.append(before).await;
    assert!(views.wait_all(position, PATIENCE).await);
    let sides = ["terms", "rooms", "tickets", "payments", "refunds"];
    let keep = sides.map(|table| format!("CREATE TABLE kept_{table} AS SELECT * FROM view_tickets.{table};"));
    let kept = "CREATE TABLE kept AS SELECT position, hash FROM projection_checkpoint WHERE name = 'tickets';";
    until_stored(&shop, position).await;
    sqlx::raw_sql(&(keep.concat() + kept))
        .execute(&shop.pool)
        .await
        .expect("kept");
    let head = shop.append(after).await;
    assert!(views.wait_all(head, PATIENCE).await);
    until_stored(&shop, head).await;
    let right = contents(&shop.pool, View::Tickets).await;
    let lose = sides.map(|table| {
        format!("DELETE FROM view_tickets.{table}; INSERT INTO view_tickets.{table} SELECT * FROM kept_{table};")
    });
    let lost =
        "UPDATE projection_checkpoint SET position = kept.position, hash = kept.hash FROM kept WHERE name = 'tickets';";
    let lose = format!("BEGIN; {}{lost} COMMIT;", lose.concat());
    sqlx::raw_sql(&lose).execute(&shop.pool).await.expect("lost");
    assert!(
        !views.wait_for(View::Tickets, head, Duration::from_millis(100)).await,
        "it does not show the end any more"
    );
    assert!(views.wait_for(View::Tickets, head, PATIENCE).await);
    assert_eq!(contents(&shop.pool, View::Tickets).await, right);
    shop.close().await;
}

/// A checkpoint stays behind for a moment while nothing concerns its view.
async fn until_stored(shop: &Shop, position: u64) {
    let is_stored = async || {
        let views = list(&shop.pool).await.expect("a list");
        views
            .iter()
            .any(|view| view.name == "tickets" && view.position == position)
    };
    while !is_stored().await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
