//! The tables of people and of ids that are nobody's any more.

use std::collections::HashMap;

use domain::{Timestamp, UserId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Subject;

/// Two at once to whom the same person is new, or an id that is taken: a third look always finds one.
const TRIES_MAX: usize = 3;
/// Erasures that a node hears of at once.
const ERASED_MAX: i64 = 200;

/// The ids of these people, in their order; who has none yet gets one.
pub(super) async fn find_or_make(pool: &PgPool, subjects: &[Subject], now: Timestamp) -> sqlx::Result<Vec<UserId>> {
    let mut known = HashMap::new();
    for _ in 0..TRIES_MAX {
        find(pool, &missing(subjects, &known), &mut known).await?;
        make(pool, &missing(subjects, &known), now, &mut known).await?;
    }
    find(pool, &missing(subjects, &known), &mut known).await?;
    let id = |subject: &Subject| known.get(&subject.key).copied().ok_or(sqlx::Error::RowNotFound);
    subjects.iter().map(id).collect()
}

type Known = HashMap<[u8; 32], UserId>;

/// Each once, and in one order everywhere: two nodes that make the same people wait for each other only one way round.
fn missing(subjects: &[Subject], known: &Known) -> Vec<Subject> {
    let is_missing = |subject: &&Subject| !known.contains_key(&subject.key);
    let mut missing: Vec<Subject> = subjects.iter().filter(is_missing).copied().collect();
    missing.sort_unstable_by_key(|subject| subject.key);
    missing.dedup_by_key(|subject| subject.key);
    missing
}

fn keys(subjects: &[Subject]) -> Vec<Vec<u8>> {
    subjects.iter().map(|subject| subject.key.to_vec()).collect()
}

/// The id that each brings along, unless it was erased or is taken; else one by chance. Nobody is added of whom another was
/// quicker.
///
/// In a rush many are new, so nobody waits for the disk here: whatever is recorded of a person is recorded after it, and
/// an event that is durable makes everything before it durable.
async fn make(pool: &PgPool, subjects: &[Subject], now: Timestamp, known: &mut Known) -> sqlx::Result<()> {
    if subjects.is_empty() {
        return Ok(());
    }
    let inherited = |subject: &Subject| subject.own_id.unwrap_or(subject.derived_id).as_uuid();
    let made = sqlx::query!(
        "WITH hasty AS (SELECT set_config('synchronous_commit', 'off', true))
         INSERT INTO people (subject, user_id, created_at)
         SELECT new.subject,
             CASE WHEN (new.is_own OR EXISTS (SELECT FROM derived_people WHERE user_id = new.inherited))
                   AND NOT EXISTS (SELECT FROM erased_people WHERE user_id = new.inherited)
                   AND NOT EXISTS (SELECT FROM people WHERE user_id = new.inherited)
             THEN new.inherited ELSE new.by_chance END,
             $5
         FROM hasty, unnest($1::bytea[], $2::uuid[], $3::uuid[], $4::bool[])
             AS new (subject, inherited, by_chance, is_own)
         ON CONFLICT DO NOTHING
         RETURNING subject, user_id",
        &keys(subjects),
        &subjects.iter().map(inherited).collect::<Vec<Uuid>>(),
        &subjects.iter().map(|_| Uuid::new_v4()).collect::<Vec<Uuid>>(),
        &subjects
            .iter()
            .map(|subject| subject.own_id.is_some())
            .collect::<Vec<bool>>(),
        now,
    )
    .fetch_all(pool)
    .await?;
    let rows = made.into_iter().map(|row| (row.subject, row.user_id));
    known.extend(rows.filter_map(entry));
    Ok(())
}

async fn find(pool: &PgPool, subjects: &[Subject], known: &mut Known) -> sqlx::Result<()> {
    if subjects.is_empty() {
        return Ok(());
    }
    let found = sqlx::query!(
        "SELECT subject, user_id FROM people WHERE subject = ANY($1)",
        &keys(subjects)
    )
    .fetch_all(pool)
    .await?;
    let rows = found.into_iter().map(|row| (row.subject, row.user_id));
    known.extend(rows.filter_map(entry));
    Ok(())
}

fn entry((subject, user): (Vec<u8>, Uuid)) -> Option<([u8; 32], UserId)> {
    Some((subject.try_into().ok()?, UserId::from_uuid(user)))
}

/// Whether there is, or was, somebody with this id.
pub(super) async fn is_known(pool: &PgPool, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM people WHERE user_id = $1)
               OR EXISTS (SELECT FROM derived_people WHERE user_id = $1)
               OR EXISTS (SELECT FROM erased_people WHERE user_id = $1) AS "is_known!""#,
        user.as_uuid(),
    )
    .fetch_one(pool)
    .await
}

/// Forgets everything about a person, at once or not at all.
pub(super) async fn erase(transaction: &mut PgConnection, user: UserId, now: Timestamp) -> sqlx::Result<()> {
    let user = user.as_uuid();
    sqlx::query!(
        "INSERT INTO erased_people (user_id, erased_at) VALUES ($1, $2) ON CONFLICT (user_id) DO NOTHING",
        user,
        now,
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!("DELETE FROM people WHERE user_id = $1", user)
        .execute(&mut *transaction)
        .await?;
    sqlx::query!("DELETE FROM derived_people WHERE user_id = $1", user)
        .execute(&mut *transaction)
        .await?;
    sqlx::query!("DELETE FROM contacts WHERE user_id = $1", user)
        .execute(&mut *transaction)
        .await?;
    Ok(())
}

/// The latest erasures, by their number.
pub(super) async fn latest_erased(pool: &PgPool) -> sqlx::Result<Vec<(i64, UserId)>> {
    let rows = sqlx::query!(
        "SELECT seq, user_id FROM erased_people ORDER BY seq DESC LIMIT $1",
        ERASED_MAX
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.seq, UserId::from_uuid(row.user_id)))
        .collect())
}
