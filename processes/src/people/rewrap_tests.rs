//! Another vault key, on real PostgreSQL: stopped and gone on with, beside people who say names and people who are erased.

use std::pin::pin;
use std::time::Duration;

use domain::UserId;
use event_log::{Clock as _, SystemClock};
use sqlx::{Executor as _, PgPool};
use tokio::time::timeout;
use vault::VaultKey;

use super::vault_tests::{called, come, key, name, people, rows};
use super::{KeyInUse, People, Rewrap, keys_in_use, store};

/// Long enough for a statement that does not wait.
const WHILE: Duration = Duration::from_millis(300);

fn other_key() -> VaultKey {
    "VAULT+KEY+322057d7b7d25281+l8ACkfsvu/K8GAPtieFsMbu1XVTMmX88BY6SkMbwx7w="
        .parse()
        .unwrap()
}

fn rewrap(pool: &PgPool) -> Rewrap {
    Rewrap::new(pool.clone(), key(), other_key()).by(2)
}

/// Goes on to the end. How many keys were wrapped anew, and how many could not be unwrapped.
async fn finish(mut rewrap: Rewrap) -> (u64, u64) {
    while rewrap.step().await.unwrap() {}
    assert!(!rewrap.step().await.unwrap());
    (rewrap.rewrapped(), rewrap.unreadable())
}

/// So many people, each called by their number, under the old key.
async fn crowd(people: &People, count: u8) -> Vec<UserId> {
    let mut users = Vec::new();
    for number in 1..=count {
        let user = come(people, number).await;
        assert!(people.set_name(user, &name(&number.to_string())).await.unwrap());
        users.push(user);
    }
    users
}

/// How many names this vault key opens; each is the right one.
async fn opened_by(pool: &PgPool, key: VaultKey, users: &[UserId]) -> usize {
    let names = people(pool, key).names(users).await.unwrap();
    for (user, number) in users.iter().zip(1..) {
        if let Some(name) = names.get(user) {
            assert_eq!(name.reveal(), number.to_string());
        }
    }
    names.len()
}

/// Which vault keys are in use, and by how many people.
async fn in_use(pool: &PgPool) -> Vec<(&'static str, u64)> {
    let mut connection = pool.acquire().await.unwrap();
    let in_use = keys_in_use(&mut connection).await.unwrap();
    let named = |KeyInUse { vault_key, people }| {
        let is_old = vault_key == key().id();
        assert!(is_old || vault_key == other_key().id());
        (if is_old { "old" } else { "new" }, people)
    };
    in_use.into_iter().map(named).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn it_is_stopped_after_a_batch_and_goes_on(pool: PgPool) {
    let users = crowd(&people(&pool, key()), 5).await;
    assert_eq!(in_use(&pool).await, [("old", 5)]);
    let mut stopped = rewrap(&pool);
    assert!(stopped.step().await.unwrap());
    drop(stopped);
    assert_eq!(in_use(&pool).await, [("old", 3), ("new", 2)]);
    let each = (
        opened_by(&pool, key(), &users).await,
        opened_by(&pool, other_key(), &users).await,
    );
    assert_eq!(each, (3, 2), "each key opens with one of them");
    assert_eq!(finish(rewrap(&pool)).await, (3, 0));
    assert_eq!(in_use(&pool).await, [("new", 5)]);
    assert_eq!(opened_by(&pool, other_key(), &users).await, 5);
    assert_eq!(opened_by(&pool, key(), &users).await, 0);
    assert_eq!(finish(rewrap(&pool)).await, (0, 0), "once more changes nothing");
}

#[sqlx::test(migrations = "../migrations")]
async fn two_at_once_do_the_work_of_one(pool: PgPool) {
    let users = crowd(&people(&pool, key()), 40).await;
    let (one, other) = tokio::join!(finish(rewrap(&pool)), finish(rewrap(&pool)));
    assert_eq!(one.0 + other.0, 40);
    assert_eq!(opened_by(&pool, other_key(), &users).await, 40);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_erased_meanwhile_stays_erased(pool: PgPool) {
    let before = people(&pool, key());
    let users = crowd(&before, 3).await;
    let mut erasure = pooling::begin(&pool).await.unwrap();
    store::erase(&mut erasure, users[0], SystemClock.now()).await.unwrap();
    let mut all = pin!(finish(rewrap(&pool)));
    assert!(
        timeout(WHILE, &mut all).await.is_err(),
        "it did not wait for the erasure"
    );
    erasure.commit().await.unwrap();
    assert_eq!(all.await, (2, 0));
    assert_eq!(rows(&pool, users[0]).await, (0, 0, 0));
    assert_eq!(opened_by(&pool, other_key(), &users).await, 2);

    let later = people(&pool, other_key());
    for number in 10..30 {
        let user = come(&before, number).await;
        assert!(before.set_name(user, &name("Bo")).await.unwrap());
        let (erased, _) = tokio::join!(later.forget(user), finish(rewrap(&pool)));
        erased.unwrap();
        assert_eq!(rows(&pool, user).await, (0, 0, 0));
    }
}

/// Nodes have the new key already, or the old one still.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_said_meanwhile_opens_with_the_key_of_who_wrote_it_down(pool: PgPool) {
    let (before, after) = (people(&pool, key()), people(&pool, other_key()));
    for number in 1..30 {
        let user = come(&before, number).await;
        assert!(before.set_name(user, &name("Old")).await.unwrap());
        let new = name("New");
        let (said, _) = tokio::join!(after.set_name(user, &new), finish(rewrap(&pool)));
        assert!(said.unwrap());
        assert_eq!(called(&after, user).await.as_deref(), Some("New"));
        let (said, _) = tokio::join!(before.set_name(user, &new), finish(rewrap(&pool)));
        assert!(said.unwrap());
        finish(rewrap(&pool)).await;
        assert_eq!(called(&after, user).await.as_deref(), Some("New"));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_does_not_unwrap_is_counted_and_left_alone(pool: PgPool) {
    let users = crowd(&people(&pool, key()), 5).await;
    let spoilt = format!(
        "UPDATE person_keys SET wrapped = decode(repeat('00', 48), 'hex') WHERE user_id IN ('{}', '{}')",
        users[0], users[3]
    );
    pool.execute(spoilt.as_str()).await.unwrap();
    assert_eq!(finish(rewrap(&pool)).await, (3, 2));
    assert_eq!(in_use(&pool).await, [("new", 3), ("old", 2)]);
    assert_eq!(opened_by(&pool, other_key(), &users).await, 3);
    // The wrong old key: nothing is found, nothing is changed.
    let wrong = Rewrap::new(pool.clone(), VaultKey::random(), key());
    assert_eq!(finish(wrong).await, (0, 0));
    assert_eq!(opened_by(&pool, other_key(), &users).await, 3);
}
