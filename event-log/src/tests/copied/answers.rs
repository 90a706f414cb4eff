//! Whoever is answered, and whoever keeps something in memory, can rely on the copy.

use futures::future::join_all;
use sqlx::PgPool;
use tokio::time::timeout;

use super::elsewhere::Fault;
use super::{Copied, Elsewhere, head_is, recorded};
use crate::leader::Leader;
use crate::pipeline::Pending;
use crate::tests::support::{PATIENCE, SEQUENCER_WAITS, append, sessions, until};
use crate::{AppendError, EventLog, StreamAppend};

type Blocker = sqlx::Transaction<'static, sqlx::Postgres>;

fn enqueue(log: &dyn EventLog, append: StreamAppend) -> Pending {
    log.reserve().unwrap().enqueue(append, None)
}

/// The copy takes nothing until this is committed. It can be read.
async fn blocked(pool: &PgPool) -> Blocker {
    let mut blocker = pooling::begin(pool).await.unwrap();
    sqlx::raw_sql("LOCK TABLE events IN SHARE MODE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    blocker
}

async fn copying_hangs(pool: &PgPool) {
    until("copying hangs", async || sessions(pool, SEQUENCER_WAITS).await == 1).await;
}

/// Whoever loads an aggregate again waits for its last append alone.
#[sqlx::test(migrations = "../migrations")]
async fn appends_of_a_stream_are_answered_in_their_order(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    let blocker = blocked(&pool).await;
    let first = enqueue(&*copied.log, append("a", 0, 1));
    copying_hangs(&pool).await;
    source.has(Fault::TakesNothing);
    let second = enqueue(&*copied.log, append("a", 1, 1));
    let other = enqueue(&*copied.log, append("b", 0, 1)).await;
    assert!(matches!(other, Err(AppendError::Overloaded)), "{other:?}");
    assert!(second.known().is_none(), "the one before it is not answered");
    let release = async { blocker.commit().await.unwrap() };
    let (refused, ()) = tokio::join!(second, release);
    assert!(matches!(refused, Err(AppendError::Overloaded)), "{refused:?}");
    assert_eq!(first.known().unwrap().unwrap().position, 1);
    copied.close().await;
}

/// One after the other would take two minutes.
#[sqlx::test(migrations = "../migrations")]
async fn refusals_do_not_wait_for_one_another_at_a_log_that_hangs(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    source.has(Fault::HeadHangs);
    let refused = (0..64).map(|nth| enqueue(&*copied.log, append(&format!("s{nth}"), 1, 1)));
    let refused = timeout(PATIENCE, join_all(refused)).await.unwrap();
    assert!(
        refused
            .iter()
            .all(|refused| matches!(refused, Err(AppendError::Conflict { .. })))
    );
    copied.close().await;
}

/// Its caller has waited already.
#[sqlx::test(migrations = "../migrations")]
async fn whoever_cannot_be_helped_is_told_at_once(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    source.has(Fault::LosesAnswers);
    let lost = enqueue(&*copied.log, append("a", 0, 1)).await;
    assert!(matches!(lost, Err(AppendError::Unavailable(_))), "{lost:?}");
    assert_eq!(source.heads_read(), 0, "the end of a log that is away is not asked for");
    copied.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_epoch_ends_when_the_copy_has_what_others_appended(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    recorded(&*copied.log, "a", 0).await;
    until("everything is known", async || copied.log.epoch().is_some()).await;
    let before = copied.log.epoch();
    let blocker = blocked(&pool).await;
    source.others_append(append("a", 1, 1)).await;
    until("it is read", async || copied.log.epoch() != before).await;
    assert_eq!(copied.log.epoch(), None, "what is loaded now is loaded without it");
    blocker.commit().await.unwrap();
    head_is(&*copied.log, 2).await;
    assert_ne!(copied.log.epoch(), before);
    until("it can be trusted again", async || copied.log.epoch().is_some()).await;
    assert!(copied.log.epoch() > before);
    copied.close().await;
}

/// It may be recorded all the same, and nobody who keeps the stream in memory would hear of it.
#[sqlx::test(migrations = "../migrations")]
async fn an_epoch_ends_when_what_was_given_up_is_copied(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    until("it is certain", async || copied.log.epoch().is_some()).await;
    let before = copied.log.epoch();
    source.has(Fault::LosesAnswers);
    let lost = enqueue(&*copied.log, append("a", 0, 1)).await;
    assert!(matches!(lost, Err(AppendError::Unavailable(_))), "{lost:?}");
    head_is(&*copied.log, 1).await;
    until("another epoch begins", async || copied.log.epoch() > before).await;
    copied.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_on_its_way_at_the_end_is_answered(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    source.has(Fault::ReadsHang);
    let pending = enqueue(&*copied.log, append("a", 0, 1));
    until("it is recorded there", async || {
        source.head().await.unwrap().position == 10
    })
    .await;
    copied.tasks.cancel.cancel();
    until("nothing more is taken", async || copied.log.reserve().is_err()).await;
    assert!(pending.known().is_none());
    source.recovers();
    assert_eq!(pending.await.unwrap().position, 1);
    copied.close().await;
}

/// A process that took commands and copied nothing would answer none of them, and let nobody else do so.
#[sqlx::test(migrations = "../migrations")]
async fn a_process_whose_copier_is_gone_ends(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    source.has(Fault::Panics);
    until("the process ends", async || copied.tasks.cancel.is_cancelled()).await;
    until("it takes nothing", async || copied.log.reserve().is_err()).await;
    until("it gives up the lead", async || !copied.opened.log.is_leading()).await;
    assert_ne!(*copied.log.leader().borrow(), Leader::Here);
    copied.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_process_whose_forwarder_is_gone_ends(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    source.has(Fault::PanicsWhenAsked);
    let lost = enqueue(&*copied.log, append("a", 0, 1)).await;
    assert!(matches!(lost, Err(AppendError::Unavailable(_))), "{lost:?}");
    until("the process ends", async || copied.tasks.cancel.is_cancelled()).await;
    until("it gives up the lead", async || !copied.opened.log.is_leading()).await;
    copied.close().await;
}
