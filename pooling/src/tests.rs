//! Callers who go away, on a pool of one connection: whoever comes next has the same one, if it was given back.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures::StreamExt as _;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::{Lent, begin};

/// A caller goes away after each number of looks for his answer up to this: one of them is while it is on its way.
const LOOKS: u32 = 12;

async fn pool_of_one(options: PgConnectOptions) -> PgPool {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .unwrap();
    sqlx::raw_sql("CREATE TABLE notes (note text)")
        .execute(&pool)
        .await
        .unwrap();
    pool
}

/// Looks as often as something has come, at most so many times, and goes away when the next thing comes.
async fn look(step: impl Future, mut looks: u32) {
    let mut step = pin!(step);
    poll_fn(|context| {
        if looks == 0 {
            return Poll::Ready(());
        }
        looks -= 1;
        step.as_mut().poll(context).map(drop)
    })
    .await;
}

#[sqlx::test(migrations = false)]
async fn what_is_written_after_a_begin_that_nobody_waited_for_lasts(_: PgPoolOptions, options: PgConnectOptions) {
    let pool = pool_of_one(options.clone()).await;
    for looks in 0..LOOKS {
        look(begin(&pool), looks).await;
        sqlx::raw_sql("INSERT INTO notes VALUES ('kept')")
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;
    let others = PgPoolOptions::new().connect_with(options).await.unwrap();
    let notes = sqlx::raw_sql("SELECT note FROM notes")
        .fetch_all(&others)
        .await
        .unwrap();
    assert_eq!(notes.len(), usize::try_from(LOOKS).unwrap());
    others.close().await;
}

#[sqlx::test(migrations = false)]
async fn a_transaction_that_is_committed_lasts_and_one_that_is_dropped_does_not(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let pool = pool_of_one(options).await;
    for (note, is_kept) in [("kept", true), ("dropped", false)] {
        let mut transaction = begin(&pool).await.unwrap();
        let insert = format!("INSERT INTO notes VALUES ('{note}')");
        sqlx::raw_sql(&insert).execute(&mut *transaction).await.unwrap();
        if is_kept {
            transaction.commit().await.unwrap();
        }
    }
    let notes = sqlx::raw_sql("SELECT note FROM notes").fetch_all(&pool).await.unwrap();
    assert_eq!(notes.len(), 1);
    pool.close().await;
}

#[sqlx::test(migrations = false)]
async fn a_copy_that_is_left_in_the_middle_answers_nobody_else(_: PgPoolOptions, options: PgConnectOptions) {
    let pool = pool_of_one(options).await;
    for looks in 0..LOOKS {
        let mut lent = Lent::from(&pool).await.unwrap();
        let copy = async {
            let mut rows = lent
                .copy_out_raw("COPY (SELECT generate_series(1, 100000)) TO STDOUT")
                .await
                .unwrap();
            while rows.next().await.is_some() {}
        };
        look(copy, looks).await;
        drop(lent);
        let rows = sqlx::raw_sql("SELECT 1 UNION SELECT 2").fetch_all(&pool).await.unwrap();
        assert_eq!(rows.len(), 2, "after {looks} looks");
    }
    pool.close().await;
}

#[sqlx::test(migrations = false)]
async fn a_connection_that_is_given_back_is_used_again(_: PgPoolOptions, options: PgConnectOptions) {
    let pool = pool_of_one(options).await;
    let mut lent = Lent::from(&pool).await.unwrap();
    sqlx::raw_sql("CREATE TEMPORARY TABLE mine (note text)")
        .execute(&mut *lent)
        .await
        .unwrap();
    lent.give_back();
    sqlx::raw_sql("SELECT note FROM mine").execute(&pool).await.unwrap();
    pool.close().await;
}
