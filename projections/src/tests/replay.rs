//! Replays into schemas of their own.
#![expect(
    clippy::disallowed_methods,
    reason = "tests look at schemas, which exist only at run time"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use domain::{AnyEvent, RoomEvent};
use event_log::Recorded;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use super::rebuild::long_story;
use super::shop::{PATIENCE, Shop};
use super::stage::{contents, contents_of};
use super::story::whole_story;
use crate::View;
use crate::replay::{Outcome, Replay, ReplayIntoError, ReplayPlan, ReplaySchema, Rewrite, discard};

fn schema(name: &str) -> ReplaySchema {
    name.parse().expect("a name")
}

fn plan(into: &str, views: &[View], up_to: u64) -> ReplayPlan {
    ReplayPlan {
        into: schema(into),
        views: views.to_vec(),
        up_to,
        rules: String::new(),
    }
}

async fn replay(pool: &PgPool, plan: ReplayPlan) -> Result<Outcome, ReplayIntoError> {
    run(pool, plan, None, &CancellationToken::new()).await
}

async fn run(
    pool: &PgPool,
    plan: ReplayPlan,
    rewrite: Option<Box<dyn Rewrite>>,
    cancel: &CancellationToken,
) -> Result<Outcome, ReplayIntoError> {
    let replay = Replay::open(pool, plan).await?;
    let outcome = replay.run(rewrite, cancel).await;
    replay.close().await;
    outcome
}

async fn replayed(pool: &PgPool, into: &str, view: View) -> BTreeMap<String, Vec<String>> {
    contents_of(pool, &schema(into).of(view), view).await
}

const LOOK: Duration = Duration::from_millis(10);

/// The live views' tables, and every checkpoint there is.
async fn live(shop: &Shop) -> (Vec<BTreeMap<String, Vec<String>>>, Vec<String>) {
    let mut views = vec![];
    for &view in View::ALL {
        views.push(contents(&shop.pool, view).await);
    }
    let checkpoints =
        sqlx::query_scalar("SELECT (name, version, position, hash)::text FROM projection_checkpoint ORDER BY 1");
    (views, checkpoints.fetch_all(&shop.pool).await.expect("a query"))
}

/// Waits until every view has written down that it is there: one that nothing concerned does that a moment later.
async fn settle(shop: &Shop, head: u64) {
    let settled = async {
        let behind = "SELECT count(*) FROM projection_checkpoint WHERE position < $1";
        let behind = || sqlx::query_scalar::<_, i64>(behind).bind(head.cast_signed());
        while behind().fetch_one(&shop.pool).await.expect("a query") > 0 {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.expect("checkpoints");
}

async fn long_shop(options: PgConnectOptions) -> (Shop, u64) {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let head = shop.append(&long_story().appends()).await;
    assert!(views.wait_all(head, PATIENCE).await);
    (shop, head)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_replay_fills_views_as_the_live_ones_are_and_touches_none_of_them(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let (shop, head) = long_shop(options).await;
    settle(&shop, head).await;
    let before = live(&shop).await;
    assert_eq!(
        replay(&shop.pool, plan("spring", View::ALL, head))
            .await
            .expect("replayed"),
        Outcome::Reached
    );
    for &view in View::ALL {
        assert_eq!(
            replayed(&shop.pool, "spring", view).await,
            contents(&shop.pool, view).await,
            "{view}"
        );
    }
    assert_eq!(live(&shop).await, before);
    // Again, it is there already; and it can be thrown away.
    assert_eq!(
        replay(&shop.pool, plan("spring", View::ALL, head))
            .await
            .expect("replayed"),
        Outcome::Reached
    );
    discard(&shop.pool, &schema("spring")).await.expect("dropped");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'spring%'")
        .fetch_one(&shop.pool)
        .await
        .expect("a query");
    assert_eq!(left, 0);
    assert_eq!(live(&shop).await, before);
    shop.close().await;
}

/// The lines of the books, as they are at a position.
async fn lines(pool: &PgPool, schema: &str, up_to: u64) -> Vec<String> {
    sqlx::query_scalar(&format!(
        "SELECT l::text FROM {schema}.lines l WHERE position <= $1 ORDER BY position, account, currency"
    ))
    .bind(up_to.cast_signed())
    .fetch_all(pool)
    .await
    .expect("lines")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_replay_stops_anywhere_and_goes_on(_: PgPoolOptions, options: PgConnectOptions) {
    let (shop, head) = long_shop(options).await;
    let books = |up_to| plan("autumn", &[View::Ledger], up_to);
    for up_to in [0, 1, head / 3, head / 2] {
        replay(&shop.pool, books(up_to)).await.expect("replayed");
        let (then, now) = (
            lines(&shop.pool, "autumn_ledger", head).await,
            lines(&shop.pool, "view_ledger", up_to).await,
        );
        assert_eq!(then, now, "the books as of {up_to}");
    }
    // Told to stop before it begins, it has lost nothing.
    let stopped = CancellationToken::new();
    stopped.cancel();
    let outcome = run(&shop.pool, plan("autumn", View::ALL, head), None, &stopped).await;
    assert_eq!(outcome.expect("stopped"), Outcome::Stopped);
    // The others begin at the first event, the books go on where they are.
    replay(&shop.pool, plan("autumn", View::ALL, head))
        .await
        .expect("replayed");
    for &view in View::ALL {
        assert_eq!(
            replayed(&shop.pool, "autumn", view).await,
            contents(&shop.pool, view).await,
            "{view}"
        );
    }
    shop.close().await;
}

/// Gives every room another title, and breaks off at a position, if there is one.
struct Retitle {
    breaks_at: Option<u64>,
}

impl Rewrite for Retitle {
    fn rewrite(&mut self, event: Arc<Recorded>) -> Result<Arc<Recorded>, Box<dyn Error + Send + Sync>> {
        if self.breaks_at == Some(event.position) {
            return Err("broken off".into());
        }
        let mut told = (*event).clone();
        if let AnyEvent::Room(_, RoomEvent::RoomScheduled(room)) = &mut told.event {
            room.title = "Another title".to_owned();
        }
        Ok(Arc::new(told))
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_told_otherwise_fills_views_otherwise(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let head = shop.append(&whole_story().appends()).await;
    assert!(views.wait_all(head, PATIENCE).await);
    settle(&shop, head).await;
    let before = live(&shop).await;
    let what_if = || ReplayPlan {
        rules: "another title".to_owned(),
        ..plan("titles", &[View::Catalogue], head)
    };
    let broken: Box<dyn Rewrite> = Box::new(Retitle { breaks_at: Some(head) });
    let failed = run(&shop.pool, what_if(), Some(broken), &CancellationToken::new()).await;
    assert!(matches!(failed, Err(ReplayIntoError::Rewrite { position, .. }) if position == head));
    let whole: Box<dyn Rewrite> = Box::new(Retitle { breaks_at: None });
    run(&shop.pool, what_if(), Some(whole), &CancellationToken::new())
        .await
        .expect("replayed");
    let titles: Vec<String> = sqlx::query_scalar("SELECT DISTINCT title FROM titles_catalogue.rooms")
        .fetch_all(&shop.pool)
        .await
        .expect("titles");
    assert_eq!(titles, ["Another title"]);
    assert_eq!(live(&shop).await, before);
    let mixed = replay(&shop.pool, plan("titles", &[View::Catalogue], head)).await;
    assert!(matches!(mixed, Err(ReplayIntoError::OtherRules { .. })), "{mixed:?}");
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_replay_that_does_not_fit_changes_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop::open(options).await;
    let head = shop.append(&whole_story().appends()).await;
    let books = |into: &str, up_to| plan(into, &[View::Ledger], up_to);
    let sql = async |statement: &str| sqlx::raw_sql(statement).execute(&shop.pool).await.expect("a statement");

    sql("CREATE SCHEMA mine; CREATE SCHEMA ours_ledger").await;
    for (into, taken) in [("mine", "mine"), ("ours", "ours_ledger")] {
        let refused = replay(&shop.pool, books(into, head)).await;
        assert!(matches!(refused, Err(ReplayIntoError::Foreign(name)) if name == taken));
    }
    assert!(matches!(
        discard(&shop.pool, &schema("mine")).await,
        Err(ReplayIntoError::Foreign(_))
    ));

    replay(&shop.pool, books("spring", head)).await.expect("replayed");
    let back = replay(&shop.pool, books("spring", head - 1)).await;
    assert!(matches!(back, Err(ReplayIntoError::Beyond { position, .. }) if position == head));
    let first = Replay::open(&shop.pool, books("spring", head)).await.expect("opened");
    let second = replay(&shop.pool, books("spring", head)).await;
    assert!(matches!(second, Err(ReplayIntoError::AlreadyRunning(_))));
    first.close().await;

    sql("UPDATE spring.replay SET version = version - 1").await;
    let stale = replay(&shop.pool, books("spring", head)).await;
    assert!(matches!(stale, Err(ReplayIntoError::Stale { .. })));
    sql("UPDATE spring.replay SET version = version + 1, hash = sha256('another log')").await;
    let forked = replay(&shop.pool, books("spring", head)).await;
    assert!(matches!(forked, Err(ReplayIntoError::Forked { position, .. }) if position == head));
    shop.close().await;
}
