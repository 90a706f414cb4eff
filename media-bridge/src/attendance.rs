//! Who is in a live room now, as far as it was seen: read by whoever shows it.

use chrono::TimeDelta;
use domain::{SessionId, Timestamp, UserId};
use sqlx::PgPool;

/// Whoever was not seen for so long is not there, whatever became of whom should have looked.
const SEEN_WITHIN: TimeDelta = TimeDelta::seconds(10);
/// More than there are on a stage.
const SPEAKING_MAX: i64 = 100;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attendance {
    /// Whose microphone is open, in the order of their ids.
    pub speaking: Vec<UserId>,
    /// Who is there, but for those on the stage.
    pub listeners: u32,
}

/// Counts people, not connections.
pub async fn attendance(
    pool: &PgPool,
    session: SessionId,
    on_stage: &[UserId],
    now: Timestamp,
) -> Result<Attendance, sqlx::Error> {
    let on_stage: Vec<_> = on_stage.iter().map(UserId::as_uuid).collect();
    let row = sqlx::query!(
        r#"WITH present AS (
            SELECT user_id, bool_or(audible) AS audible FROM media_presence
            WHERE session_id = $1 AND left_at IS NULL AND seen_at > $3 GROUP BY user_id
        )
        SELECT
            ARRAY(SELECT user_id FROM present WHERE audible ORDER BY user_id LIMIT $4) AS "speaking!",
            (SELECT count(*) FROM present WHERE NOT user_id = ANY($2)) AS "listeners!""#,
        session.as_uuid(),
        &on_stage,
        now - SEEN_WITHIN,
        SPEAKING_MAX,
    )
    .fetch_one(pool)
    .await?;
    Ok(Attendance {
        speaking: row.speaking.into_iter().map(UserId::from_uuid).collect(),
        listeners: u32::try_from(row.listeners).unwrap_or(u32::MAX),
    })
}
