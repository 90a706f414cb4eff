//! Records the evidence of rooms that are over, and gives up rooms whose host does not come.

use std::sync::Arc;
use std::time::Duration;

use domain::room::{JudgeComing, RecordDelivery, RoomPhase, SeenSoFar};
use domain::{Room, RoomCommand, RoomId, Timestamp};
use event_log::{Aggregates, Clock, EventLog, ExecuteError, Leader, Metadata};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::evidence::intervals;
use super::openings::{self, Opening};
use crate::presence::{stays_of, watched};

/// How often ended rooms are looked for, whatever else wakes.
const POLL: Duration = Duration::from_secs(1);
/// A busy log wakes no more often than this.
const MIN_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct DeliveryRecorder {
    pool: PgPool,
    aggregates: Aggregates,
    clock: Arc<dyn Clock>,
    log: Arc<dyn EventLog>,
}

/// What a room says about a look at whether its host's side came.
enum Awaited {
    /// Nobody asks any more: they were heard, or the room is over.
    NoMore,
    StillSilent,
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
            if let Err(failure) = self.do_due().await {
                warn!(
                    error = &failure as &dyn std::error::Error,
                    "the evidence of rooms cannot be looked at"
                );
            }
        }
    }

    async fn do_due(&self) -> Result<(), sqlx::Error> {
        for opening in openings::ended(&self.pool).await? {
            self.record(&opening).await?;
        }
        for opening in openings::awaited(&self.pool).await? {
            match self.judge_coming(&opening).await? {
                Awaited::NoMore => openings::await_no_more(&self.pool, opening.session).await?,
                Awaited::StillSilent => openings::look_again(&self.pool, opening.session).await?,
            }
        }
        Ok(())
    }

    async fn record(&self, opening: &Opening) -> Result<(), sqlx::Error> {
        let Some(ended_at) = opening.ended_at else {
            return Ok(());
        };
        let attendees = stays_of(&self.pool, opening.session).await?;
        let delivery = RecordDelivery {
            session_id: opening.session,
            opened_at: opening.opened_at,
            intervals: intervals(&attendees, opening.opened_at, ended_at),
            interruptions: watched(&self.pool, opening.session)
                .await?
                .interruptions(opening.opened_at, ended_at),
            at: self.clock.now(),
        };
        match self.execute(opening.room, RoomCommand::RecordDelivery(delivery)).await {
            Ok(()) => {
                info!(room.id = %opening.room, stays = attendees.len(), "recorded the evidence of a room");
                openings::mark_recorded(&self.pool, opening.session, self.clock.now()).await
            }
            Err(ExecuteError::Refused(refusal)) => {
                error!(room.id = %opening.room, error = &refusal as &dyn std::error::Error, "evidence is refused");
                openings::mark_refused(&self.pool, opening.session, &refusal.to_string()).await
            }
            Err(failure) => {
                warn!(room.id = %opening.room, error = &failure as &dyn std::error::Error, "evidence is not recorded yet");
                openings::postpone(&self.pool, opening.session).await
            }
        }
    }

    /// A room that is live, and in which nobody of the host's side was heard so far.
    async fn judge_coming(&self, opening: &Opening) -> Result<Awaited, sqlx::Error> {
        let now = self.clock.now();
        let look = move |room: &Room| {
            let promise = room.facts().map(|facts| facts.promise().no_show_at());
            (room.phase(), promise.is_some_and(|deadline| now >= deadline))
        };
        let Ok(((phase, is_time), _)) = self.aggregates.rooms.read(opening.room.as_uuid(), look).await else {
            return Ok(Awaited::StillSilent);
        };
        if phase != RoomPhase::Live {
            return Ok(Awaited::NoMore);
        }
        if !is_time {
            return Ok(Awaited::StillSilent);
        }
        let (seen, was_heard) = self.seen_so_far(opening, now).await?;
        if was_heard {
            return Ok(Awaited::NoMore);
        }
        let judge = JudgeComing {
            seen: Some(seen),
            at: now,
        };
        let judged = self.execute(opening.room, RoomCommand::JudgeComing(Box::new(judge)));
        if let Err(failure) = judged.await {
            warn!(room.id = %opening.room, error = &failure as &dyn std::error::Error, "a silent room is not judged yet");
        }
        Ok(Awaited::StillSilent)
    }

    /// And whether the host's side was heard.
    async fn seen_so_far(&self, opening: &Opening, now: Timestamp) -> Result<(SeenSoFar, bool), sqlx::Error> {
        let seen = SeenSoFar {
            session_id: opening.session,
            opened_at: opening.opened_at,
            intervals: intervals(&stays_of(&self.pool, opening.session).await?, opening.opened_at, now),
            interruptions: watched(&self.pool, opening.session)
                .await?
                .interruptions(opening.opened_at, now),
        };
        let heard = |room: &Room| {
            let facts = room.facts()?;
            Some(facts.host_side_of(&seen.intervals).heard_ms() > 0)
        };
        let heard = self.aggregates.rooms.read(opening.room.as_uuid(), heard).await;
        let was_heard = heard.is_ok_and(|(heard, _)| heard == Some(true));
        Ok((seen, was_heard))
    }

    async fn execute(&self, room: RoomId, command: RoomCommand) -> Result<(), ExecuteError<domain::RoomError>> {
        let metadata = Metadata::for_actor("process:delivery", room.as_uuid());
        let executed = self.aggregates.rooms.execute(room.as_uuid(), command, metadata).await;
        executed.map(|_| ())
    }
}
