//! boxoffice without its HTTP: the real domain, executor and sequencer on a database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::TimeDelta;
use domain::payout::HostPermit;
use domain::room::ScheduleRoom;
use domain::{Currency, Fingerprint, Money, Preset, RefundPolicy, RoomCommand, RoomId, UserId};
use event_log::{
    Aggregates, Clock as _, CopiedLog, EventLog, LogLimits, LogSettings, Metadata, PostgresLog, SystemClock,
};
use event_log_esdb::{EsdbLimits, EsdbLog, Kurrent};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::buyers::{hold, metadata, scattered};
use super::clients::{Answer, Course, Run, drive};
use crate::world::Database;

/// So long a hold that none lapses while it is measured.
const HOLD_SECONDS: u32 = 900;
/// Rooms that are being scheduled at a time.
const SCHEDULING: usize = 64;
const POOL: u32 = 8;

/// The `number`th room.
pub(crate) fn room_id(number: u64) -> RoomId {
    RoomId::from_uuid(scattered(number, 0))
}

/// An open log and the executors on it.
pub(crate) struct Office {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) pool: sqlx::PgPool,
    pub(crate) aggregates: Aggregates,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Office {
    pub(crate) async fn open(database: &Database) -> Result<Self> {
        Self::open_with_pool(database, POOL).await
    }

    pub(crate) async fn open_with_pool(database: &Database, connections: u32) -> Result<Self> {
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let pool = database.pool(connections);
        let log = postgres(database, &pool, false, (&tracker, &cancel)).await?;
        Ok(Self::on(log, pool, tracker, cancel))
    }

    /// With the log on an engine, of which the database holds a copy.
    pub(crate) async fn open_on_engine(database: &Database, url: &str) -> Result<Self> {
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let pool = database.pool(POOL);
        let beneath = CancellationToken::new();
        let copy = postgres(database, &pool, true, (&tracker, &beneath)).await?;
        let source = engine(url, &tracker, &beneath).await?;
        let stops = (cancel.clone(), beneath);
        let log = CopiedLog::start(source, copy, &LogLimits::default(), &tracker, stops).await;
        Ok(Self::on(log.context("copy the log")?, pool, tracker, cancel))
    }

    fn on(log: Arc<dyn EventLog>, pool: sqlx::PgPool, tracker: TaskTracker, cancel: CancellationToken) -> Self {
        Self {
            aggregates: Aggregates::with_tracker(&log, &tracker),
            log,
            pool,
            tracker,
            cancel,
        }
    }

    pub(crate) async fn close(self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.pool.close().await;
    }

    /// Schedules rooms `0..count`, each with `capacity` seats that cost `price_minor` cents.
    pub(crate) async fn schedule(&self, count: u64, capacity: u32, price_minor: i64) -> Result<()> {
        stream::iter(0..count)
            .map(|number| async move {
                let command = schedule(room_id(number), capacity, price_minor);
                let rooms = &self.aggregates.rooms;
                rooms.execute(room_id(number).as_uuid(), command, host_metadata()).await
            })
            .buffer_unordered(SCHEDULING)
            .try_for_each(|_| async { Ok(()) })
            .await
            .context("schedule the rooms")
    }

    /// Clients hold seats of rooms `0..rooms` in turn.
    pub(crate) async fn hold(&self, rooms: u64, course: Course) -> Result<Run> {
        self.hold_from(0, rooms, course).await
    }

    /// The same, with the wishes of buyers `first` and after.
    pub(crate) async fn hold_from(&self, first: u64, rooms: u64, course: Course) -> Result<Run> {
        let executor = self.aggregates.rooms.clone();
        let request = fingerprint();
        drive(course, move |nth| {
            let number = first + nth;
            let executor = executor.clone();
            async move {
                let room = room_id(number % rooms);
                let command = RoomCommand::HoldSeat(hold(number, request));
                executor.execute(room.as_uuid(), command, metadata(number)).await?;
                Ok(Answer::Done)
            }
        })
        .await
    }
}

async fn postgres(
    database: &Database,
    pool: &sqlx::PgPool,
    is_copy: bool,
    (tracker, cancel): (&TaskTracker, &CancellationToken),
) -> Result<Arc<PostgresLog>> {
    let options = database.options.clone();
    let settings = LogSettings {
        is_copy,
        ..LogSettings::default()
    };
    PostgresLog::connect_with(options, pool.clone(), settings, tracker, cancel.clone())
        .await
        .context("open the log")
}

/// The log on an engine alone.
pub(crate) async fn engine(url: &str, tracker: &TaskTracker, cancel: &CancellationToken) -> Result<Arc<dyn EventLog>> {
    let limits = (LogLimits::default(), EsdbLimits::default());
    let client = Kurrent::connect(url)?;
    let log = EsdbLog::start(client, limits, Arc::new(SystemClock), tracker, cancel.clone()).await;
    Ok(log.context("reach the engine")?)
}

/// What the API computes for one and the same request of many buyers: the same for all of them.
pub(crate) fn fingerprint() -> Fingerprint {
    Fingerprint::of(b"POST /v1/rooms/{room}/tickets")
}

/// A host whom nobody needs to approve: these rooms are made before the shop opens.
pub(crate) fn host() -> UserId {
    UserId::from_uuid(Uuid::from_u128(1))
}

pub(crate) fn host_metadata() -> Metadata {
    Metadata::for_actor(host().to_string(), Uuid::from_u128(2))
}

pub(crate) fn schedule(room_id: RoomId, capacity: u32, price_minor: i64) -> RoomCommand {
    let at = SystemClock.now();
    let preset = Preset {
        capacity_max: u32::MAX,
        tickets_per_buyer_max: u32::MAX,
        ..Preset::open()
    };
    RoomCommand::Schedule(Box::new(ScheduleRoom {
        room_id,
        host: host(),
        permit: HostPermit::Sells,
        title: "The hot room".to_owned(),
        description: "Everybody wants to be there".to_owned(),
        language: "en".to_owned(),
        starts_at: at + TimeDelta::days(1),
        planned_minutes: 60,
        price: Money::new(price_minor, Currency::EUR),
        capacity,
        sales_open_at: None,
        sales_close_at: None,
        tickets_per_buyer: u32::MAX,
        hold_seconds: HOLD_SECONDS,
        refund_policy: RefundPolicy::UntilStart,
        no_show_minutes: 15,
        sale: domain::room::SaleOptions::default(),
        preset,
        request: fingerprint(),
        at,
    }))
}

/// A course without an end but its time.
pub(crate) const fn timed(clients: usize, warm_up: Duration, measured: Duration) -> Course {
    Course {
        clients,
        warm_up,
        measured,
        operations_max: u64::MAX,
    }
}
