//! Follows the log for rooms that open and end.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{AnyEvent, RoomEvent};
use event_log::{Recorded, Subscriber, SubscriberError};
use sqlx::PgConnection;
use uuid::Uuid;

/// Notes openings in `media_deliveries`, and which of them await their evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryIntake;

/// The last observations and webhooks come in after the end.
const SETTLE_SECONDS: f64 = 1.5;

#[async_trait]
impl Subscriber for DeliveryIntake {
    fn name(&self) -> &'static str {
        "delivery"
    }

    async fn handle(&self, page: &[Arc<Recorded>], transaction: &mut PgConnection) -> Result<(), SubscriberError> {
        for recorded in page {
            let AnyEvent::Room(room, event) = &recorded.event else {
                continue;
            };
            take_in(room.as_uuid(), event, transaction).await?;
        }
        Ok(())
    }
}

async fn take_in(room: Uuid, event: &RoomEvent, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    match event {
        RoomEvent::RoomOpened { session_id, opened_at } => {
            sqlx::query!(
                "INSERT INTO media_deliveries (session_id, room_id, opened_at, look_at) VALUES ($1, $2, $3, now())",
                session_id.as_uuid(),
                room,
                opened_at,
            )
            .execute(transaction)
            .await?;
        }
        // One that was never opened has no row, and one that ended before it was voided has its end.
        RoomEvent::RoomEnded { ended_at }
        | RoomEvent::RoomVoided {
            voided_at: ended_at, ..
        } => {
            sqlx::query!(
                "UPDATE media_deliveries SET ended_at = $2, look_at = NULL, due_at = now() + make_interval(secs => $3)
                 WHERE room_id = $1 AND ended_at IS NULL",
                room,
                ended_at,
                SETTLE_SECONDS,
            )
            .execute(transaction)
            .await?;
        }
        RoomEvent::DeliveryRecorded(delivery) => {
            sqlx::query!(
                "UPDATE media_deliveries SET recorded_at = $2 WHERE session_id = $1 AND recorded_at IS NULL",
                delivery.session_id.as_uuid(),
                delivery.recorded_at,
            )
            .execute(transaction)
            .await?;
        }
        _ => {}
    }
    Ok(())
}
