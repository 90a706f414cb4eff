//! The tables of people and of ids that are nobody's any more.

use domain::{Timestamp, UserId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Subject;

/// Two at once who both are new to us, or an id that is taken: a third look always finds one.
const TRIES_MAX: usize = 3;
/// Erasures that a node hears of at once.
const ERASED_MAX: i64 = 200;

/// The id of this person, which is made if there is none yet.
pub(super) async fn find_or_make(pool: &PgPool, subject: &Subject, now: Timestamp) -> sqlx::Result<UserId> {
    for _ in 0..TRIES_MAX {
        if let Some(user) = find(pool, subject).await? {
            return Ok(user);
        }
        if let Some(user) = make(pool, subject, now).await? {
            return Ok(user);
        }
    }
    find(pool, subject).await?.ok_or(sqlx::Error::RowNotFound)
}

/// The id that somebody brings along, unless it was erased or is taken; else one by chance. `None` if another was quicker.
///
/// In a rush many are new, so nobody waits for the disk here: whatever is recorded of this person is recorded after it, and
/// an event that is durable makes everything before it durable.
async fn make(pool: &PgPool, subject: &Subject, now: Timestamp) -> sqlx::Result<Option<UserId>> {
    let inherited = subject.own_id.unwrap_or(subject.derived_id);
    let made = sqlx::query_scalar!(
        "WITH hasty AS (SELECT set_config('synchronous_commit', 'off', true)),
         candidate AS (
             SELECT CASE WHEN ($4 OR EXISTS (SELECT FROM derived_people WHERE user_id = $2))
                          AND NOT EXISTS (SELECT FROM erased_people WHERE user_id = $2)
                          AND NOT EXISTS (SELECT FROM people WHERE user_id = $2)
                    THEN $2::uuid ELSE $3::uuid END AS user_id
             FROM hasty
         )
         INSERT INTO people (subject, user_id, created_at)
         SELECT $1, user_id, $5 FROM candidate
         ON CONFLICT DO NOTHING
         RETURNING user_id",
        &subject.key[..],
        inherited.as_uuid(),
        Uuid::new_v4(),
        subject.own_id.is_some(),
        now,
    )
    .fetch_optional(pool)
    .await?;
    Ok(made.map(UserId::from_uuid))
}

async fn find(pool: &PgPool, subject: &Subject) -> sqlx::Result<Option<UserId>> {
    let found = sqlx::query_scalar!("SELECT user_id FROM people WHERE subject = $1", &subject.key[..])
        .fetch_optional(pool)
        .await?;
    Ok(found.map(UserId::from_uuid))
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
