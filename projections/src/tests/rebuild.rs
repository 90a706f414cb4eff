//! Rebuilds, beside readers and writers.
#![expect(
    clippy::disallowed_methods,
    reason = "tests look at schemas, which exist only at run time"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use domain::{AnyEvent, StoredEvent};
use event_log::replay::ReplayError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::lifecycle::unbalanced;
use super::shop::{PATIENCE, Shop};
use super::stage::contents;
use super::story::{Story, host, room, whole_story};
use crate::rebuild::lock;
use crate::{RebuildError, View, catalogue, earnings, rebuild, rebuild_all, schema};

type Contents = BTreeMap<View, BTreeMap<String, Vec<String>>>;

async fn everything(shop: &Shop) -> Contents {
    let mut all = Contents::new();
    for &view in View::ALL {
        all.insert(view, contents(&shop.pool, view).await);
    }
    all
}

async fn leftovers(shop: &Shop) -> (Vec<String>, Vec<String>) {
    let schemas = sqlx::query_scalar(
        "SELECT schema_name::text FROM information_schema.schemata WHERE schema_name ~ '^view_.*_(next|old)$'",
    );
    let checkpoints = sqlx::query_scalar("SELECT name FROM projection_checkpoint WHERE name ~ '_(next|old)$'");
    (
        schemas.fetch_all(&shop.pool).await.expect("a query"),
        checkpoints.fetch_all(&shop.pool).await.expect("a query"),
    )
}

/// A whole story, and then a long rush of sales.
pub(super) fn long_story() -> Story {
    (0..40).fold(whole_story(), |story, round| {
        let first = 1_000 + round * 10;
        let room = 100 + round;
        let story = (first..first + 5).fold(story.schedule(room), |story, number| story.buy(room, number));
        story.open(room).admit(first).end(room).deliver(room, &[first])
    })
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rebuilt_view_equals_the_live_one(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let head = shop.append(&whole_story().appends()).await;
    assert!(views.wait_all(head, PATIENCE).await);
    let live = everything(&shop).await;
    for &view in View::ALL {
        let report = rebuild(Arc::clone(&shop.log), &shop.pool, view).await.expect("rebuilt");
        assert_eq!(
            (report.view, report.version, report.position),
            (view, view.version(), head)
        );
    }
    assert_eq!(everything(&shop).await, live);
    assert_eq!(leftovers(&shop).await, (vec![], vec![]));
    assert_eq!(views.failure(), None);
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn all_views_are_rebuilt_in_one_pass(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let head = shop.append(&long_story().appends()).await;
    assert!(views.wait_all(head, PATIENCE).await);
    let live = everything(&shop).await;
    let report = rebuild_all(Arc::clone(&shop.log), &shop.pool).await.expect("rebuilt");
    assert_eq!(report.events, head);
    assert!(
        report
            .views
            .iter()
            .map(|report| report.view)
            .eq(View::ALL.iter().copied())
    );
    assert_eq!(everything(&shop).await, live);
    assert_eq!(leftovers(&shop).await, (vec![], vec![]));
    let later = Story::new().schedule(900).appends();
    let head = shop.append(&later).await;
    assert!(views.wait_all(head, PATIENCE).await, "{:?}", views.failure());
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rebuild_while_events_keep_coming_loses_and_doubles_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let appends = long_story().appends();
    let (before, rush) = appends.split_at(appends.len() / 4);
    shop.append(before).await;
    let selling = async {
        let mut head = 0;
        for batch in rush.chunks(20) {
            head = shop.append(batch).await;
        }
        head
    };
    let rebuilding = async {
        for &view in View::ALL {
            rebuild(Arc::clone(&shop.log), &shop.pool, view).await.expect("rebuilt");
        }
    };
    let (head, ()) = tokio::join!(selling, rebuilding);
    assert!(views.wait_all(head, PATIENCE).await, "{:?}", views.failure());
    let mixed = everything(&shop).await;
    for &view in View::ALL {
        rebuild(Arc::clone(&shop.log), &shop.pool, view).await.expect("rebuilt");
    }
    assert_eq!(everything(&shop).await, mixed);
    assert_eq!(views.failure(), None);
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn readers_never_see_a_half_built_view(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let head = shop.append(&long_story().appends()).await;
    assert!(views.wait_all(head, PATIENCE).await);
    let filter = catalogue::RoomFilter::default();
    let expected = catalogue::list_rooms(&shop.pool, &filter, None, 200)
        .await
        .expect("a query");
    let rebuilding = async {
        for _ in 0..3 {
            for view in [View::Catalogue, View::Earnings] {
                rebuild(Arc::clone(&shop.log), &shop.pool, view).await.expect("rebuilt");
            }
        }
    };
    let mut rebuilding = Box::pin(rebuilding);
    let mut reads = 0;
    loop {
        let reading = async {
            let rooms = catalogue::list_rooms(&shop.pool, &filter, None, 200)
                .await
                .expect("a query");
            assert_eq!(rooms, expected);
            let one = catalogue::find_room(&shop.pool, room(1)).await.expect("a query");
            assert_eq!(one.map(|room| room.sold), Some(3));
            let account = earnings::find_account(&shop.pool, host()).await.expect("a query");
            assert_eq!(account.map(|account| account.balances.len()), Some(1));
        };
        tokio::select! {
            () = &mut rebuilding => break,
            () = reading => reads += 1,
        }
    }
    assert!(reads > 0);
    drop(rebuilding);
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rebuild_that_fails_leaves_the_live_view_as_it_was(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let appends = unbalanced().appends();
    let (right, wrong) = appends.split_at(appends.len() - 1);
    let (views, cancel) = shop.start_views().await;
    let position = shop.append(right).await;
    assert!(views.wait_all(position, PATIENCE).await);
    cancel.cancel();
    let live = contents(&shop.pool, View::Ledger).await;
    shop.append(wrong).await;
    let failed = rebuild(Arc::clone(&shop.log), &shop.pool, View::Ledger).await;
    let Err(RebuildError::Stopped { reason, .. }) = failed else {
        panic!("{failed:?}");
    };
    assert!(reason.contains("out of balance"), "{reason}");
    assert_eq!(contents(&shop.pool, View::Ledger).await, live);
    assert_eq!(leftovers(&shop).await, (vec![], vec![]));
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hole_stops_a_rebuild_also_where_the_view_does_not_look(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let head = shop.append(&whole_story().appends()).await;
    let lost: i64 = sqlx::query_scalar("SELECT min(position) FROM events WHERE aggregate_type = 'ticket'")
        .fetch_one(&shop.pool)
        .await
        .expect("an event of a ticket");
    assert!(lost.unsigned_abs() < head);
    sqlx::raw_sql(&format!(
        "ALTER TABLE events DISABLE TRIGGER ALL;
         DELETE FROM events WHERE position = {lost};
         ALTER TABLE events ENABLE TRIGGER ALL;"
    ))
    .execute(&shop.pool)
    .await
    .expect("an event is lost");
    let failed = rebuild(Arc::clone(&shop.log), &shop.pool, View::Catalogue).await;
    let Err(RebuildError::Replay(ReplayError::Gap(position))) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(position, lost.unsigned_abs());
    assert_eq!(leftovers(&shop).await, (vec![], vec![]));
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_view_is_rebuilt_by_one_at_a_time(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let other = lock(&shop.pool, View::Tickets).await.expect("the lock");
    let refused = rebuild(Arc::clone(&shop.log), &shop.pool, View::Tickets).await;
    assert!(
        matches!(refused, Err(RebuildError::AlreadyRunning(View::Tickets))),
        "{refused:?}"
    );
    rebuild(Arc::clone(&shop.log), &shop.pool, View::Ledger)
        .await
        .expect("another view");
    drop(other);
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_killed_rebuild_left_behind_is_no_obstacle(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let head = shop.append(&whole_story().appends()).await;
    schema::create_missing(&shop.pool, View::Tickets).await.expect("tables");
    let mut transaction = pooling::begin(&shop.pool).await.expect("a transaction");
    for side in [crate::view::Side::Next, crate::view::Side::Old] {
        schema::create(View::Tickets, side, &mut transaction)
            .await
            .expect("tables");
    }
    transaction.commit().await.expect("commit");
    let report = rebuild(Arc::clone(&shop.log), &shop.pool, View::Tickets)
        .await
        .expect("rebuilt");
    assert_eq!(report.position, head);
    assert_eq!(leftovers(&shop).await, (vec![], vec![]));
    shop.close().await;
}

/// A rebuild of one view reads no others.
#[test]
fn a_view_reads_the_aggregates_of_all_events_that_concern_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/tests/golden");
    for file in fs::read_dir(folder).expect("the golden events") {
        let file = file.expect("a file").path();
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let [aggregate_type, event_type, version] = name.split('.').collect::<Vec<_>>()[..] else {
            panic!("{name} names an aggregate, an event and a version");
        };
        let payload = fs::read(&file).expect("an event");
        let event = AnyEvent::read(StoredEvent {
            aggregate_type,
            aggregate_id: "01890a5d-ac96-774b-bcce-000000000001",
            event_type,
            event_version: version.trim_start_matches('v'),
            payload: &payload,
        });
        let event = event.expect("it loads");
        for view in View::ALL {
            let reads = view.aggregates().contains(&aggregate_type);
            assert!(reads || !view.concerns(&event), "{view} would miss {name}");
        }
    }
}
