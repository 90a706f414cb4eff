//! The tables of people and of ids that are nobody's any more.

use std::collections::HashMap;

use domain::{Timestamp, UserId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Subject, vault_rows};

/// An id that is taken, and two at once to whom the same person is new: a third look always finds one.
const TRIES_MAX: usize = 3;
/// Erasures that a node hears of at once.
const ERASED_MAX: i64 = 200;

/// The ids of these people, in their order; who has none yet gets one.
///
/// A rush begins with people who are new, so they are added before anybody is looked for. A new one gets the id that they bring
/// along, unless it was erased or is taken; else one by chance.
pub(super) async fn find_or_make(pool: &PgPool, subjects: &[Subject], now: Timestamp) -> sqlx::Result<Vec<UserId>> {
    let mut known = HashMap::new();
    for attempt in 0..TRIES_MAX {
        let mut missing = missing(subjects, &known);
        if missing.is_empty() {
            break;
        }
        add(pool, &missing, attempt > 0, now, &mut known).await?;
        missing.retain(|subject| !known.contains_key(&subject.key));
        if !missing.is_empty() {
            find(pool, &missing, &mut known).await?;
        }
    }
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

/// Adds those who are new. Nothing is said of who is there already, or whose id somebody else has.
///
/// Nobody waits for the disk here: whatever is recorded of a person is recorded after it, and an event that is durable makes
/// everything before it durable.
///
/// Each row is looked up by its key, however many there are: an `EXISTS` would be planned as a hash of the whole table, made
/// anew by each statement.
async fn add(
    pool: &PgPool,
    subjects: &[Subject],
    by_chance_only: bool,
    now: Timestamp,
    known: &mut Known,
) -> sqlx::Result<()> {
    let inherited = |subject: &Subject| subject.own_id.unwrap_or(subject.derived_id).as_uuid();
    let rows = sqlx::query!(
        r#"WITH hasty AS (SELECT set_config('synchronous_commit', 'off', true))
         INSERT INTO people (subject, user_id, created_at)
         SELECT new.subject,
             CASE WHEN NOT $6
                   AND (new.is_own OR (SELECT true FROM derived_people WHERE user_id = new.inherited))
                   AND (SELECT true FROM erased_people WHERE user_id = new.inherited) IS NULL
             THEN new.inherited ELSE new.by_chance END,
             $5
         FROM hasty, unnest($1::bytea[], $2::uuid[], $3::uuid[], $4::bool[])
             AS new (subject, inherited, by_chance, is_own)
         ON CONFLICT DO NOTHING
         RETURNING subject, user_id"#,
        &keys(subjects),
        &subjects.iter().map(inherited).collect::<Vec<Uuid>>(),
        &subjects.iter().map(|_| Uuid::new_v4()).collect::<Vec<Uuid>>(),
        &subjects
            .iter()
            .map(|subject| subject.own_id.is_some())
            .collect::<Vec<bool>>(),
        now,
        by_chance_only,
    )
    .fetch_all(pool)
    .await?;
    let added = rows.into_iter().filter_map(|row| entry(row.subject, row.user_id));
    let mut added: Known = added.collect();
    let is_heir = |subject: &&Subject| {
        added
            .get(&subject.key)
            .is_some_and(|user| user.as_uuid() == inherited(subject))
    };
    let heirs: Vec<Uuid> = subjects.iter().filter(is_heir).map(inherited).collect();
    let burnt = take_back_erased(pool, &heirs).await?;
    added.retain(|_, user| !burnt.contains(&user.as_uuid()));
    known.extend(added);
    Ok(())
}

/// Whoever came during their erasure waited for it, and has been given the id again that it burnt meanwhile. Those ids.
async fn take_back_erased(pool: &PgPool, heirs: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    if heirs.is_empty() {
        return Ok(vec![]);
    }
    sqlx::query_scalar!(
        "DELETE FROM people
         WHERE user_id IN (SELECT erased_people.user_id FROM erased_people WHERE erased_people.user_id = ANY ($1))
         RETURNING user_id",
        heirs,
    )
    .fetch_all(pool)
    .await
}

async fn find(pool: &PgPool, subjects: &[Subject], known: &mut Known) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        "SELECT found.subject, found.user_id
         FROM unnest($1::bytea[]) AS wanted (subject)
         CROSS JOIN LATERAL (
             SELECT subject, user_id FROM people WHERE people.subject = wanted.subject LIMIT 1
         ) AS found",
        &keys(subjects),
    )
    .fetch_all(pool)
    .await?;
    known.extend(rows.into_iter().filter_map(|row| entry(row.subject, row.user_id)));
    Ok(())
}

fn keys(subjects: &[Subject]) -> Vec<Vec<u8>> {
    subjects.iter().map(|subject| subject.key.to_vec()).collect()
}

fn entry(subject: Vec<u8>, user: Uuid) -> Option<([u8; 32], UserId)> {
    subject.try_into().ok().map(|key| (key, UserId::from_uuid(user)))
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
pub(super) async fn erase(transaction: &mut PgConnection, person: UserId, now: Timestamp) -> sqlx::Result<()> {
    let user = person.as_uuid();
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
    vault_rows::delete(transaction, person).await
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
