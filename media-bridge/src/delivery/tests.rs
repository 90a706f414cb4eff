//! From what was seen, to what the room says: without a media server, on the tables that hold what was seen of one.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::room::{Authority, RoomPhase, VoidReason};
use domain::{Room, RoomCommand, RoomId, SessionId, Timestamp, UserId};
use event_log::{Aggregates, Clock, EventLog, ManualClock, MemoryLog, Metadata, SystemClock};
use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{DeliveryDeps, start};
use crate::fake::schedule_of;

const PATIENCE: Duration = Duration::from_secs(20);
const ROOM: RoomId = RoomId::from_uuid(Uuid::from_u128(1));
const SESSION: SessionId = SessionId::from_uuid(Uuid::from_u128(2));
const HOST: UserId = UserId::from_uuid(Uuid::from_u128(3));
/// The room starts in a minute, and waits so long for its host.
const WAIT: TimeDelta = TimeDelta::minutes(16);

/// A room that is live.
struct Hall {
    aggregates: Aggregates,
    clock: ManualClock,
    opened_at: Timestamp,
    pool: PgPool,
    _stop: DropGuard,
}

impl Hall {
    async fn open(pool: PgPool) -> Self {
        let log: Arc<dyn EventLog> = MemoryLog::new();
        let (clock, aggregates) = (ManualClock::new(SystemClock.now()), Aggregates::new(&log));
        let cancel = CancellationToken::new();
        let deps = DeliveryDeps {
            log,
            aggregates: aggregates.clone(),
            pool: pool.clone(),
            clock: Arc::new(clock.clone()),
        };
        start(deps, &TaskTracker::new(), &cancel);
        let opened_at = clock.now();
        let hall = Self {
            aggregates,
            clock,
            opened_at,
            pool,
            _stop: cancel.drop_guard(),
        };
        let schedule = schedule_of(ROOM, HOST, opened_at);
        hall.tell(RoomCommand::Schedule(Box::new(schedule))).await;
        let session_id = SESSION;
        hall.tell(RoomCommand::Open {
            by: HOST,
            session_id,
            at: opened_at,
        })
        .await;
        hall
    }

    async fn tell(&self, command: RoomCommand) {
        let metadata = Metadata::for_actor(HOST.to_string(), ROOM.as_uuid());
        let told = self.aggregates.rooms.execute(ROOM.as_uuid(), command, metadata).await;
        told.expect("an accepted command");
    }

    /// The host is there from the opening on, and was heard or not; somebody looked until `watched`.
    async fn seen(&self, was_heard: bool, watched: TimeDelta) {
        let until = self.opened_at + watched;
        let speech = if was_heard {
            let from = self.opened_at.timestamp_millis();
            serde_json::json!([[from, from + 1_000]])
        } else {
            serde_json::json!([])
        };
        sqlx::query!(
            "INSERT INTO media_presence
                 (session_id, identity, participant_sid, user_id, joined_at, seen_at, audible, audible_ms, speech)
             VALUES ($1, $2, 'PA_1', $3, $4, $5, false, 0, $6)
             ON CONFLICT (session_id, identity, participant_sid) DO UPDATE SET seen_at = EXCLUDED.seen_at",
            SESSION.as_uuid(),
            format!("host-{HOST}"),
            HOST.as_uuid(),
            self.opened_at,
            until,
            speech,
        )
        .execute(&self.pool)
        .await
        .expect("presence");
        sqlx::query!(
            "INSERT INTO media_watches (session_id, media_sid, first_at, watched_at) VALUES ($1, 'RM_1', $2, $3)
             ON CONFLICT (session_id) DO UPDATE SET watched_at = EXCLUDED.watched_at",
            SESSION.as_uuid(),
            self.opened_at,
            until,
        )
        .execute(&self.pool)
        .await
        .expect("a watch");
    }

    fn later(&self, by: TimeDelta) {
        self.clock.advance(by.to_std().expect("later"));
    }

    async fn look<T: Send>(&self, look: impl Fn(&Room) -> T + Send) -> T {
        let read = self.aggregates.rooms.read(ROOM.as_uuid(), look).await;
        read.expect("the room").0
    }

    async fn until(&self, what: &str, is_so: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self).await {
            assert!(Instant::now() < deadline, "{what}: not so far");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_known(&self) {
        self.until("known", async |hall| {
            let known = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM media_deliveries"#);
            known.fetch_one(&hall.pool).await.expect("a count") == 1
        })
        .await;
    }

    /// The room was looked at, at a time that is after the last change.
    async fn is_looked_at(&self) {
        for _ in 0..2 {
            sqlx::query!("UPDATE media_deliveries SET look_at = '2000-01-01' WHERE look_at IS NOT NULL")
                .execute(&self.pool)
                .await
                .expect("asked");
            self.until("looked at", async |hall| {
                let waits = sqlx::query_scalar!(
                    r#"SELECT count(*) AS "count!" FROM media_deliveries WHERE look_at = '2000-01-01'"#
                );
                waits.fetch_one(&hall.pool).await.expect("a count") == 0
            })
            .await;
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_live_room_whose_host_is_not_heard_in_time_is_given_up(pool: PgPool) {
    let hall = Hall::open(pool).await;
    let nearly = WAIT - TimeDelta::seconds(1);
    hall.seen(false, nearly).await;
    hall.later(nearly);
    hall.is_known().await;
    hall.is_looked_at().await;
    assert_eq!(hall.look(Room::phase).await, RoomPhase::Live);
    hall.seen(false, WAIT).await;
    hall.later(TimeDelta::seconds(1));
    let no_show = Some(VoidReason::NoShow);
    hall.until("given up", async |hall| hall.look(Room::void_reason).await == no_show)
        .await;
    // What was seen of it is evidence.
    hall.until("recorded", async |hall| {
        hall.look(|room| room.delivery().is_some()).await
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_host_who_was_heard_once_may_be_silent(pool: PgPool) {
    let hall = Hall::open(pool).await;
    hall.seen(true, WAIT * 2).await;
    hall.later(WAIT * 2);
    hall.until("asked no more", async |hall| {
        let settled = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM media_deliveries WHERE opened_at IS NOT NULL AND look_at IS NULL"#
        );
        settled.fetch_one(&hall.pool).await.expect("a count") == 1
    })
    .await;
    assert_eq!(hall.look(Room::phase).await, RoomPhase::Live);
}

/// Nothing is known of the time in which nobody looked, so it is not held against the host.
#[sqlx::test(migrations = "../migrations")]
async fn where_nobody_looked_the_host_is_waited_for(pool: PgPool) {
    let hall = Hall::open(pool).await;
    hall.seen(false, TimeDelta::minutes(5)).await;
    hall.later(WAIT * 2);
    hall.is_known().await;
    hall.is_looked_at().await;
    assert_eq!(hall.look(Room::phase).await, RoomPhase::Live);
    let (by, at) = (Authority::User(HOST), hall.clock.now());
    hall.tell(RoomCommand::End { by, at }).await;
    let crash = Some(VoidReason::Crash);
    hall.until("judged", async |hall| hall.look(Room::void_reason).await == crash)
        .await;
}
