//! The row that says who leads, and the end of a leader that has fallen silent.
//!
//! The lock decides who leads; the row tells everybody else where that is. Neither is needed for safety, which is the
//! fence's business.

use std::time::Duration;

use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use crate::leader::Node;

/// What the session calls itself that takes the lock to lead.
pub(super) const SEQUENCER: &str = "boxoffice-sequencer";

/// Who took office last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Incumbent {
    pub(crate) node: Uuid,
    pub(crate) url: Option<String>,
    /// It said itself that it leads no more.
    pub(crate) has_resigned: bool,
}

pub(super) async fn incumbent(connection: &mut PgConnection) -> Result<Option<Incumbent>, sqlx::Error> {
    let row = sqlx::query!(r#"SELECT node, url, resigned_at IS NOT NULL AS "has_resigned!" FROM log_leader"#)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| Incumbent {
        node: row.node,
        url: row.url,
        has_resigned: row.has_resigned,
    }))
}

/// Writes down who leads. Its commit is synchronous and comes after everything that was read before it: with a synchronous
/// standby it says that the standby has what was read, too.
pub(super) async fn take_office(connection: &mut PgConnection, node: &Node) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO log_leader (term, node, url) VALUES (1, $1, $2)
        ON CONFLICT (only_row) DO UPDATE SET
            term = log_leader.term + 1, node = excluded.node, url = excluded.url, took_at = now(), resigned_at = NULL
        "#,
        node.id,
        node.url,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Tells the others that they need not wait for this node.
pub(super) async fn resign(connection: &mut PgConnection, node: &Node) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE log_leader SET resigned_at = now() WHERE node = $1 AND resigned_at IS NULL",
        node.id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends the session that holds the leader's lock if its client has said nothing for `silence`: a leader that was paused, or
/// whose machine is cut off, would keep the lock for as long as TCP lets it. One that waits for the disk or for a standby is
/// at work, and left alone; so is an import, which holds it, too. `true` if a session was ended.
pub(super) async fn end_silent_leader(
    connection: &mut PgConnection,
    lock: i64,
    silence: Duration,
) -> Result<bool, sqlx::Error> {
    // The sequencer's role may not look at other sessions; the user that logged in may, they are its own.
    connection.execute("RESET ROLE").await?;
    let ended = sqlx::query_scalar!(
        r#"
        SELECT pg_terminate_backend(holder.pid) AS "is_ended!"
        FROM pg_locks AS held
        JOIN pg_stat_activity AS holder ON holder.pid = held.pid
        WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
            AND holder.application_name = $3
            AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (held.classid::bigint << 32) | held.objid::bigint = $1
            AND (holder.state <> 'active' OR holder.wait_event_type = 'Client')
            AND holder.state_change < clock_timestamp() - make_interval(secs => $2)
        "#,
        lock,
        silence.as_secs_f64(),
        SEQUENCER,
    )
    .fetch_optional(&mut *connection)
    .await;
    connection.execute("SET ROLE boxoffice_sequencer").await?;
    Ok(ended?.unwrap_or(false))
}
