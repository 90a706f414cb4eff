//! Which rooms of a host are not over: remembered with the checkpoint, so that whoever was scheduled before a suspension is
//! there when the suspension is read.

use std::sync::Arc;

use domain::{AnyEvent, RoomEvent, RoomId, UserId};
use event_log::Recorded;
use sqlx::{PgConnection, PgPool};

/// Rooms that are dealt with at a time.
pub(super) const PAGE: i64 = 500;

pub(crate) async fn remember_rooms(page: &[Arc<Recorded>], transaction: &mut PgConnection) -> sqlx::Result<()> {
    let (mut rooms, mut hosts, mut over) = (vec![], vec![], vec![]);
    for recorded in page {
        if let AnyEvent::Room(room, event) = &recorded.event {
            if let RoomEvent::RoomScheduled(scheduled) = event {
                rooms.push(room.as_uuid());
                hosts.push(scheduled.host.as_uuid());
            } else if matches!(
                event,
                RoomEvent::RoomEnded { .. } | RoomEvent::RoomCancelled { .. } | RoomEvent::RoomVoided { .. }
            ) {
                over.push(room.as_uuid());
            }
        }
    }
    if !rooms.is_empty() {
        sqlx::query!(
            "INSERT INTO selling_rooms (room_id, host)
             SELECT * FROM UNNEST($1::uuid[], $2::uuid[])
             ON CONFLICT (room_id) DO NOTHING",
            &rooms,
            &hosts,
        )
        .execute(&mut *transaction)
        .await?;
    }
    if !over.is_empty() {
        sqlx::query!("DELETE FROM selling_rooms WHERE room_id = ANY($1::uuid[])", &over)
            .execute(transaction)
            .await?;
    }
    Ok(())
}

/// The next rooms of a host, in the order of their ids.
pub(super) async fn rooms_of(pool: &PgPool, host: UserId, after: Option<RoomId>) -> sqlx::Result<Vec<RoomId>> {
    let rooms = sqlx::query_scalar!(
        "SELECT room_id FROM selling_rooms
         WHERE host = $1 AND ($2::uuid IS NULL OR room_id > $2)
         ORDER BY room_id LIMIT $3",
        host.as_uuid(),
        after.map(|room| room.as_uuid()),
        PAGE,
    )
    .fetch_all(pool)
    .await?;
    Ok(rooms.into_iter().map(RoomId::from_uuid).collect())
}
