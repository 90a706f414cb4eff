//! What people are called, on real PostgreSQL: locked, shown, lost, exchanged, erased.

use std::collections::HashSet;
use std::sync::Arc;

use domain::UserId;
use event_log::SystemClock;
use sqlx::{Executor, PgPool};
use uuid::Uuid;
use vault::VaultKey;

use super::{DisplayName, People, Subject};

const ALICE: u8 = 1;
const BOB: u8 = 2;

pub(super) fn key() -> VaultKey {
    "VAULT+KEY+c6b1ccf274ef0842+97Z9jFovp2MLuM50dpQnMuJ9hnWTUgBE36FliL2tRqI="
        .parse()
        .unwrap()
}

pub(super) fn people(pool: &PgPool, vault: VaultKey) -> People {
    People::new(pool.clone(), Arc::new(SystemClock), vault)
}

pub(super) fn name(text: &str) -> DisplayName {
    text.parse().unwrap()
}

pub(super) async fn come(people: &People, number: u8) -> UserId {
    let subject = Subject {
        key: [number; 32],
        own_id: None,
        derived_id: UserId::from_uuid(Uuid::from_u128(number.into())),
    };
    people.user_of(&subject).await.unwrap()
}

pub(super) async fn called(people: &People, user: UserId) -> Option<String> {
    let name = people.name(user).await.unwrap();
    name.map(|name| name.reveal().to_owned())
}

/// Alice and Bob, who have said what they are called.
async fn two(people: &People) -> (UserId, UserId) {
    let (alice, bob) = (come(people, ALICE).await, come(people, BOB).await);
    assert!(people.set_name(alice, &name("Alice Liddell")).await.unwrap());
    assert!(people.set_name(bob, &name("Bob")).await.unwrap());
    (alice, bob)
}

async fn run(pool: &PgPool, sql: &str) {
    pool.execute(sql).await.unwrap();
}

/// Rows that there are of somebody: the person, the key, the text.
pub(super) async fn rows(pool: &PgPool, user: UserId) -> (i64, i64, i64) {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM people WHERE user_id = $1) AS "people!",
             (SELECT count(*) FROM person_keys WHERE user_id = $1) AS "keys!",
             (SELECT count(*) FROM person_vault WHERE user_id = $1) AS "texts!""#,
        user.as_uuid(),
    )
    .fetch_one(pool)
    .await
    .unwrap();
    (row.people, row.keys, row.texts)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_name_is_shown_and_its_rows_say_nothing(pool: PgPool) {
    let one = people(&pool, key());
    let (alice, bob) = two(&one).await;
    let (nobody, silent) = (UserId::from_uuid(Uuid::from_u128(404)), come(&one, 3).await);
    let all = [alice, bob, nobody, silent, alice];
    // On another node with the same key, too.
    let names = people(&pool, key()).names(&all).await.unwrap();
    assert_eq!(names.len(), 2);
    assert_eq!((names[&alice].reveal(), names[&bob].reveal()), ("Alice Liddell", "Bob"));
    let rows = sqlx::query!(
        r#"SELECT text.ciphertext, text.nonce, key.wrapped, key.nonce AS key_nonce
         FROM person_vault text JOIN person_keys key USING (user_id)"#
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(rows.len(), 2);
    for row in &rows {
        for part in [&row.ciphertext, &row.nonce, &row.wrapped, &row.key_nonce] {
            let has = |word: &[u8]| part.windows(word.len()).any(|window| window == word);
            assert!(!has(b"Alice") && !has(b"Liddell") && !has(b"display_name"));
        }
    }
    let keys: HashSet<_> = rows.iter().map(|row| &row.wrapped).collect();
    assert_eq!(keys.len(), 2, "each person has a key of their own");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_name_is_changed_with_its_key_and_taken_back(pool: PgPool) {
    let people = people(&pool, key());
    let (alice, _) = two(&people).await;
    run(&pool, "CREATE TABLE old_vault AS SELECT * FROM person_vault").await;
    assert!(people.set_name(alice, &name("Al")).await.unwrap());
    assert_eq!(called(&people, alice).await.as_deref(), Some("Al"));
    // An older text does not open with the newer key.
    run(&pool, "UPDATE person_vault v SET nonce = o.nonce, ciphertext = o.ciphertext FROM old_vault o WHERE o.user_id = v.user_id").await;
    assert_eq!(called(&people, alice).await, None);
    people.clear_name(alice).await.unwrap();
    people.clear_name(alice).await.unwrap();
    assert_eq!(rows(&pool, alice).await, (1, 0, 0));
    assert!(people.set_name(alice, &name("Alice")).await.unwrap());
    assert_eq!(called(&people, alice).await.as_deref(), Some("Alice"));
}

#[sqlx::test(migrations = "../migrations")]
async fn erasure_takes_key_and_text_and_a_backup_of_the_texts_brings_nothing_back(pool: PgPool) {
    let people = people(&pool, key());
    let (alice, bob) = two(&people).await;
    run(&pool, "CREATE TABLE backup AS SELECT * FROM person_vault").await;
    for _ in 0..2 {
        people.forget(alice).await.unwrap();
        assert_eq!(rows(&pool, alice).await, (0, 0, 0));
        assert_eq!(rows(&pool, bob).await, (1, 1, 1), "somebody else's");
    }
    // A request that began before the erasure leaves nothing.
    assert!(!people.set_name(alice, &name("Alice")).await.unwrap());
    assert_eq!(rows(&pool, alice).await, (0, 0, 0));
    run(
        &pool,
        "INSERT INTO person_vault SELECT * FROM backup ON CONFLICT DO NOTHING",
    )
    .await;
    let names = people.names(&[alice, bob]).await.unwrap();
    assert_eq!(names.keys().collect::<Vec<_>>(), [&bob]);
    // Whoever comes back is somebody new, and has no name yet.
    let reborn = come(&people, ALICE).await;
    assert_ne!(reborn, alice);
    assert_eq!(called(&people, reborn).await, None);
}

/// Whoever writes a name, and whoever erases its person, at the same time: nothing is left of the person.
#[sqlx::test(migrations = "../migrations")]
async fn a_name_that_is_said_during_the_erasure_is_gone_after_it(pool: PgPool) {
    let people = people(&pool, key());
    for number in 10..40 {
        let user = come(&people, number).await;
        let (first, second) = (name("First"), name("Second"));
        let (one, two, erased) = tokio::join!(
            people.set_name(user, &first),
            people.set_name(user, &second),
            people.forget(user)
        );
        let said = (one.unwrap(), two.unwrap());
        erased.unwrap();
        assert_eq!(rows(&pool, user).await, (0, 0, 0), "{said:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn two_at_once_leave_a_name_that_opens(pool: PgPool) {
    let people = people(&pool, key());
    let user = come(&people, ALICE).await;
    for _ in 0..20 {
        let (first, second) = (name("First"), name("Second"));
        let (one, two, cleared) = tokio::join!(
            people.set_name(user, &first),
            people.set_name(user, &second),
            people.clear_name(user)
        );
        assert!(one.unwrap() && two.unwrap());
        cleared.unwrap();
        let (_, keys, texts) = rows(&pool, user).await;
        assert_eq!(keys, texts);
        assert_eq!(called(&people, user).await.is_some(), texts == 1);
    }
}

/// An administrator of the database gives Alice the name of Bob, by text, by key, or by both.
#[sqlx::test(migrations = "../migrations")]
async fn rows_that_were_exchanged_do_not_open(pool: PgPool) {
    let people = people(&pool, key());
    let (alice, bob) = two(&people).await;
    let exchange = |table: &str| {
        format!("UPDATE {table} SET user_id = CASE user_id WHEN '{alice}' THEN '{bob}'::uuid ELSE '{alice}'::uuid END")
    };
    for table in ["person_vault", "person_keys"] {
        run(&pool, &format!("ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")).await;
        run(&pool, &exchange(table)).await;
        assert!(people.names(&[alice, bob]).await.unwrap().is_empty(), "{table}");
    }
    run(&pool, &exchange("person_vault")).await;
    run(&pool, &exchange("person_keys")).await;
    assert_eq!(people.names(&[alice, bob]).await.unwrap().len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_opened_is_left_out_until_it_is_said_again(pool: PgPool) {
    let before = people(&pool, key());
    let (alice, bob) = two(&before).await;
    // The vault key was lost, and another one was made.
    let after = people(&pool, VaultKey::random());
    assert!(after.names(&[alice, bob]).await.unwrap().is_empty());
    assert!(after.set_name(alice, &name("Alice again")).await.unwrap());
    assert_eq!(called(&after, alice).await.as_deref(), Some("Alice again"));
    assert_eq!(
        called(&before, bob).await.as_deref(),
        Some("Bob"),
        "the lost key was found"
    );
    // A backup without keys.
    run(&pool, "TRUNCATE person_keys").await;
    assert!(before.names(&[alice, bob]).await.unwrap().is_empty());
    // Rows of a newer version, and rows that somebody wrote into.
    assert!(before.set_name(alice, &name("Alice")).await.unwrap());
    run(&pool, "UPDATE person_vault SET version = 2").await;
    assert_eq!(called(&before, alice).await, None);
    run(
        &pool,
        "UPDATE person_vault SET version = 1, ciphertext = '\\x00000000000000000000000000000000'",
    )
    .await;
    assert_eq!(called(&before, alice).await, None);
    run(&pool, "TRUNCATE person_vault").await;
    assert_eq!(called(&before, alice).await, None);
    assert!(before.set_name(alice, &name("Alice")).await.unwrap());
    assert_eq!(called(&before, alice).await.as_deref(), Some("Alice"));
}
