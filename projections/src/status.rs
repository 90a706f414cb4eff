//! How far each view is, as operators ask.

use sqlx::PgPool;

use crate::{ProjectionError, View};

/// How far a view has followed the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ViewStatus {
    pub name: &'static str,
    pub version: i32,
    pub position: u64,
    pub head: u64,
    pub lag: u64,
}

/// Every view's position against the end of the log. A view that was never started is at 0.
pub async fn list(pool: &PgPool) -> Result<Vec<ViewStatus>, ProjectionError> {
    let head = sqlx::query_scalar!(r#"SELECT coalesce(max(position), 0) AS "head!" FROM events"#)
        .fetch_one(pool)
        .await?;
    let rows = sqlx::query!("SELECT name, version, position FROM projection_checkpoint")
        .fetch_all(pool)
        .await?;
    let position_of = |view: View| {
        rows.iter()
            .find(|row| row.name == view.as_str() && row.version == view.version())
            .map_or(0, |row| row.position.unsigned_abs())
    };
    let statuses = View::ALL.iter().map(|&view| {
        let (position, head) = (position_of(view), head.unsigned_abs());
        ViewStatus {
            name: view.as_str(),
            version: view.version(),
            position,
            head,
            lag: head.saturating_sub(position),
        }
    });
    Ok(statuses.collect())
}
