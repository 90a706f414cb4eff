//! Records the evidence of rooms that ended.

use std::sync::Arc;
use std::time::Duration;

use domain::room::RecordDelivery;
use domain::{Room, RoomCommand, RoomId, SessionId, Timestamp, UserId};
use event_log::{Aggregates, Clock, EventLog, ExecuteError, Leader, Metadata};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::evidence::{Attendee, evidence};
use crate::presence::Stay;

/// How often ended rooms are looked for, whatever else wakes.
const POLL: Duration = Duration::from_secs(1);
/// A busy log wakes no more often than this.
const MIN_INTERVAL: Duration = Duration::from_millis(200);
const ROOMS_PER_LOOK: i64 = 20;
const RETRY_SECONDS: f64 = 2.0;
/// Ten times the connections of a full room.
const MAX_STAYS: i64 = 100_000;

#[derive(Debug)]
pub(crate) struct DeliveryRecorder {
    pool: PgPool,
    aggregates: Aggregates,
    clock: Arc<dyn Clock>,
    log: Arc<dyn EventLog>,
}

struct EndedRoom {
    session: SessionId,
    room: RoomId,
    ended_at: Timestamp,
}

impl DeliveryRecorder {
    pub(crate) fn new(pool: PgPool, aggregates: Aggregates, clock: Arc<dyn Clock>, log: Arc<dyn EventLog>) -> Self {
        Self {
            pool,
            aggregates,
            clock,
            log,
        }
    }

    /// Records until cancelled. A crash anywhere repeats the recording, which adds nothing.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let _fatal = cancel.clone().drop_guard();
        let mut log = self.log.wake();
        let mut log_is_open = true;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
                changed = log.changed(), if log_is_open => {
                    log_is_open = changed.is_ok();
                    tokio::time::sleep(MIN_INTERVAL).await;
                }
            }
            if *self.log.leader().borrow() != Leader::Here {
                continue;
            }
            if let Err(failure) = self.record_due().await {
                warn!(
                    error = &failure as &dyn std::error::Error,
                    "ended rooms cannot be looked for"
                );
            }
        }
    }

    async fn record_due(&self) -> Result<(), sqlx::Error> {
        for ended in self.due().await? {
            self.record(&ended).await?;
        }
        Ok(())
    }

    async fn due(&self) -> Result<Vec<EndedRoom>, sqlx::Error> {
        let rows = sqlx::query!(
            r#"SELECT session_id, room_id, ended_at AS "ended_at!" FROM media_deliveries
               WHERE recorded_at IS NULL AND refusal IS NULL AND due_at <= now() ORDER BY due_at LIMIT $1"#,
            ROOMS_PER_LOOK,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| EndedRoom {
                session: SessionId::from_uuid(row.session_id),
                room: RoomId::from_uuid(row.room_id),
                ended_at: row.ended_at,
            })
            .collect())
    }

    async fn record(&self, ended: &EndedRoom) -> Result<(), sqlx::Error> {
        let Some(co_hosts) = self.co_hosts(ended.room).await else {
            return self.postpone(ended).await;
        };
        let delivery = evidence(
            ended.session,
            &self.attendees(ended.session).await?,
            &co_hosts,
            ended.ended_at,
            self.clock.now(),
        );
        let RecordDelivery {
            host_heard_ms,
            listeners_present,
            ..
        } = delivery;
        let metadata = Metadata::for_actor("process:delivery", ended.room.as_uuid());
        let command = RoomCommand::RecordDelivery(delivery);
        match self
            .aggregates
            .rooms
            .execute(ended.room.as_uuid(), command, metadata)
            .await
        {
            Ok(_) => {
                info!(room.id = %ended.room, host_heard_ms, listeners_present, "recorded the delivery of a room");
                self.mark_recorded(ended).await
            }
            Err(ExecuteError::Refused(refusal)) => {
                error!(room.id = %ended.room, error = &refusal as &dyn std::error::Error, "a delivery is refused");
                self.mark_refused(ended, &refusal.to_string()).await
            }
            Err(failure) => {
                warn!(room.id = %ended.room, error = &failure as &dyn std::error::Error, "a delivery is not recorded yet");
                self.postpone(ended).await
            }
        }
    }

    /// Of the room when it ended; nothing, if that cannot be read now.
    async fn co_hosts(&self, room: RoomId) -> Option<Vec<UserId>> {
        let look = |room: &Room| room.facts().map(|facts| facts.co_hosts.clone()).unwrap_or_default();
        match self.aggregates.rooms.read(room.as_uuid(), look).await {
            Ok((co_hosts, _)) => Some(co_hosts),
            Err(failure) => {
                warn!(room.id = %room, error = &failure as &dyn std::error::Error, "a room that ended cannot be read");
                None
            }
        }
    }

    async fn attendees(&self, session: SessionId) -> Result<Vec<Attendee>, sqlx::Error> {
        let rows = sqlx::query!(
            "SELECT identity, user_id, joined_at, seen_at, left_at, audible, audible_ms FROM media_presence
             WHERE session_id = $1 ORDER BY joined_at, identity, participant_sid LIMIT $2",
            session.as_uuid(),
            MAX_STAYS,
        )
        .fetch_all(&self.pool)
        .await?;
        let attendees = rows.into_iter().filter_map(|row| {
            Some(Attendee {
                identity: row.identity.parse().ok()?,
                user: UserId::from_uuid(row.user_id),
                stay: Stay {
                    joined_at: row.joined_at,
                    seen_at: row.seen_at,
                    left_at: row.left_at,
                    audible: row.audible,
                    audible_ms: row.audible_ms,
                },
            })
        });
        Ok(attendees.collect())
    }

    async fn mark_recorded(&self, ended: &EndedRoom) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "UPDATE media_deliveries SET recorded_at = $2 WHERE session_id = $1 AND recorded_at IS NULL",
            ended.session.as_uuid(),
            self.clock.now(),
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }

    async fn mark_refused(&self, ended: &EndedRoom, refusal: &str) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "UPDATE media_deliveries SET refusal = $2 WHERE session_id = $1",
            ended.session.as_uuid(),
            refusal,
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }

    async fn postpone(&self, ended: &EndedRoom) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "UPDATE media_deliveries SET due_at = now() + make_interval(secs => $2) WHERE session_id = $1",
            ended.session.as_uuid(),
            RETRY_SECONDS,
        )
        .execute(&self.pool)
        .await
        .map(|_| ())
    }
}
