//! A small world: a log on PostgreSQL, a host, a provider, and the processes.
//!
//! They run by themselves (`World::start`), or step by step under a test's hand (`World::idle`, `settle`).

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::payout::{DecideOnHost, HostPermit};
use domain::room::{
    Authority, HoldSeat, Interruption, PresenceInterval, RecordDelivery, ScheduleRoom, Source, Speaking,
};
use domain::ticket::TicketPhase;
use domain::{
    Channel, Currency, Fingerprint, Money, PaymentId, PayoutCommand, Preset, RefundPolicy, Room, RoomCommand, RoomId,
    SessionId, Ticket, TicketId, Timestamp, UserId,
};
use event_log::{Aggregates, Clock, EventLog, LogLimits, Metadata, PostgresLog, SystemClock};
use payments::PaymentProvider;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::provider::ScriptedProvider;
use crate::{BeginPayment, BeginPaymentError, Begun, Deps, ProcessSettings, Processes};

/// Nothing here takes longer, unless it is broken.
pub(super) const LIMIT: Duration = Duration::from_secs(20);
pub(super) const PRICE_MINOR: i64 = 1_000;

pub(super) const HOST: UserId = user(1);

pub(super) const fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(0xa000 + number))
}

pub(super) const fn ticket(number: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(0xb000 + number))
}

pub(super) const fn payment(number: u128) -> PaymentId {
    PaymentId::from_uuid(Uuid::from_u128(0xc000 + number))
}

pub(super) const fn room(number: u128) -> RoomId {
    RoomId::from_uuid(Uuid::from_u128(0xd000 + number))
}

pub(super) const fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

pub(super) const ROOM: RoomId = room(1);
pub(super) const SESSION: SessionId = SessionId::from_uuid(Uuid::from_u128(0xe001));

pub(super) fn metadata() -> Metadata {
    Metadata::for_actor("test", Uuid::from_u128(1))
}

/// A room as a test wants it; the rest is ordinary.
#[derive(Clone, Copy)]
pub(super) struct RoomPlan {
    pub(super) price_minor: i64,
    pub(super) capacity: u32,
    pub(super) hold_seconds: u32,
    pub(super) tickets_per_buyer: u32,
    pub(super) pending_days: u32,
}

impl Default for RoomPlan {
    fn default() -> Self {
        Self {
            price_minor: PRICE_MINOR,
            capacity: 5,
            hold_seconds: 300,
            tickets_per_buyer: 1,
            pending_days: 0,
        }
    }
}

pub(super) struct World {
    pub(super) deps: Deps,
    pub(super) provider: Arc<ScriptedProvider>,
    pub(super) processes: Processes,
    tracker: TaskTracker,
    cancel: CancellationToken,
    log_cancel: CancellationToken,
}

pub(super) fn hasty() -> ProcessSettings {
    ProcessSettings {
        sweep_interval: Duration::from_millis(100),
        payment_check_delay: Duration::from_millis(100),
        sweep_grace: Duration::ZERO,
        jobs_follow: Duration::from_millis(20),
        backoff_first: Duration::from_millis(10),
        lease: Duration::from_secs(5),
        ..ProcessSettings::default()
    }
}

impl World {
    /// With an approved host and an ordinary room; the processes run.
    pub(super) async fn start(pool: PgPool) -> Self {
        let mut world = Self::idle(pool, hasty()).await;
        world.run();
        world
    }

    /// The same, and nothing runs yet.
    pub(super) async fn idle(pool: PgPool, settings: ProcessSettings) -> Self {
        let clock = Arc::new(SystemClock);
        let provider = Arc::new(ScriptedProvider::new(clock.now()));
        let world = Self::around(pool, settings, Arc::clone(&provider), clock).await;
        world.schedule(ROOM, RoomPlan::default()).await;
        world
    }

    pub(super) async fn around(
        pool: PgPool,
        settings: ProcessSettings,
        provider: Arc<ScriptedProvider>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let deps = deps(pool, settings, Arc::clone(&provider) as _, clock).await;
        let world = Self {
            processes: Processes::idle(deps.0.clone()),
            deps: deps.0,
            provider,
            tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
            log_cancel: deps.1,
        };
        world.approve_host().await;
        world
    }

    /// Starts the processes, the first time or again.
    pub(super) fn run(&mut self) {
        self.cancel = CancellationToken::new();
        self.tracker = TaskTracker::new();
        self.processes = Processes::start(self.deps.clone(), &self.tracker, &self.cancel);
    }

    /// Stops them in the middle of whatever they do.
    pub(super) async fn stop(&self) {
        self.cancel.cancel();
        self.tracker.close();
        tokio::time::timeout(LIMIT, self.tracker.wait())
            .await
            .expect("the processes stop in time");
    }

    pub(super) fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    async fn approve_host(&self) {
        self.approve(HOST).await;
    }

    pub(super) async fn approve(&self, host: UserId) {
        let at = self.now();
        for command in [
            PayoutCommand::Approve(DecideOnHost {
                host,
                by: user(0),
                reason: None,
                at,
            }),
            PayoutCommand::LinkDestination {
                destination: "acct_host".to_owned(),
                at,
            },
        ] {
            let payouts = &self.deps.aggregates.payouts;
            payouts.execute(host.as_uuid(), command, metadata()).await.unwrap();
        }
    }

    pub(super) async fn schedule(&self, room: RoomId, plan: RoomPlan) {
        let at = self.now();
        let mut preset = Preset::open();
        preset.fees.earning.pending_days = plan.pending_days;
        let schedule = ScheduleRoom {
            room_id: room,
            host: HOST,
            permit: HostPermit::Sells,
            title: "A talk".to_owned(),
            description: String::new(),
            language: "en".to_owned(),
            starts_at: at + TimeDelta::hours(1),
            planned_minutes: 60,
            price: usd(plan.price_minor),
            capacity: plan.capacity,
            sales_open_at: None,
            sales_close_at: None,
            tickets_per_buyer: plan.tickets_per_buyer,
            hold_seconds: plan.hold_seconds,
            refund_policy: RefundPolicy::UntilStart,
            no_show_minutes: 15,
            sale: domain::room::SaleOptions::default(),
            preset,
            request: Fingerprint::of(b"room"),
            at,
        };
        self.tell_room(room, RoomCommand::Schedule(Box::new(schedule))).await;
    }

    pub(super) async fn tell_room(&self, room: RoomId, command: RoomCommand) {
        let rooms = &self.deps.aggregates.rooms;
        rooms.execute(room.as_uuid(), command, metadata()).await.unwrap();
    }

    /// Buyer `number` holds a seat as ticket `number`.
    pub(super) async fn hold(&self, number: u128) -> TicketId {
        self.hold_in(ROOM, number).await
    }

    pub(super) async fn hold_in(&self, room: RoomId, number: u128) -> TicketId {
        let hold = HoldSeat {
            wish: None,
            rollout: None,
            ticket_id: ticket(number),
            buyer: user(number),
            channel: Channel::Web,
            options: None,
            request: Fingerprint::of(b"hold"),
            at: self.now(),
            customer: domain::Customer::NotAsked,
        };
        self.tell_room(room, RoomCommand::HoldSeat(hold)).await;
        ticket(number)
    }

    pub(super) fn begin(&self, number: u128, payment: PaymentId) -> BeginPayment {
        BeginPayment {
            room_id: ROOM,
            ticket_id: ticket(number),
            buyer: user(number),
            payment_id: payment,
            request: Fingerprint::of(b"pay"),
            at: self.now(),
            metadata: metadata(),
        }
    }

    /// Buyer `number` starts payment `payment` of ticket `number`.
    pub(super) async fn begin_payment(&self, number: u128, payment: PaymentId) -> Result<Begun, BeginPaymentError> {
        let request = self.begin(number, payment);
        self.processes.begin_payment(request).await
    }

    /// Buyer `number` holds a seat and starts payment `number`.
    pub(super) async fn order(&self, number: u128) -> TicketId {
        let ticket = self.hold(number).await;
        self.begin_payment(number, payment(number)).await.unwrap();
        ticket
    }

    /// Buyer `number` buys a ticket, and the webhook comes.
    pub(super) async fn pay(&self, number: u128) -> TicketId {
        let ticket = self.order(number).await;
        let body = self.provider.capture(payment(number));
        self.processes.receive_webhook(&body).await.unwrap();
        ticket
    }

    pub(super) async fn cancel_room(&self, room: RoomId) {
        let cancel = RoomCommand::Cancel {
            by: Authority::Admin,
            at: self.now(),
        };
        self.tell_room(room, cancel).await;
    }

    /// Opens and ends the room, and records that its host was heard for so long.
    pub(super) async fn hold_session(&self, host_heard_ms: u64) {
        let at = self.now();
        let open = RoomCommand::Open {
            by: HOST,
            session_id: SESSION,
            at,
        };
        self.tell_room(ROOM, open).await;
        let end = RoomCommand::End {
            by: Authority::User(HOST),
            at,
        };
        self.tell_room(ROOM, end).await;
        self.tell_room(ROOM, heard(SESSION, HOST, host_heard_ms, vec![], at))
            .await;
    }

    pub(super) async fn look_at_ticket<T: Send>(&self, ticket: TicketId, look: impl Fn(&Ticket) -> T + Send) -> T {
        let tickets = &self.deps.aggregates.tickets;
        tickets.read(ticket.as_uuid(), look).await.unwrap().0
    }

    pub(super) async fn look_at_room<T: Send>(&self, room: RoomId, look: impl Fn(&Room) -> T + Send) -> T {
        self.deps.aggregates.rooms.read(room.as_uuid(), look).await.unwrap().0
    }

    pub(super) async fn phase(&self, ticket: TicketId) -> TicketPhase {
        self.look_at_ticket(ticket, Ticket::phase).await
    }

    pub(super) async fn until_phase(&self, ticket: TicketId, phase: TicketPhase) {
        until(&format!("{ticket} is {phase:?}"), || async {
            self.phase(ticket).await == phase
        })
        .await;
    }

    /// Nothing is left to do: no due job, no open webhook.
    ///
    /// The order of the looks matters: jobs are counted after their events were read, and no event came meanwhile.
    pub(super) async fn until_quiet(&self) {
        until("no work is left", || async {
            let head = self.deps.log.head().await.unwrap().position;
            if self.processes.position() < head {
                return false;
            }
            let inbox = crate::inbox::count(&self.deps.pool).await.unwrap();
            let jobs = crate::jobs::count(&self.deps.pool, self.now()).await.unwrap();
            let is_idle = jobs.due == 0 && inbox.open == 0;
            is_idle && self.deps.log.head().await.unwrap().position == head
        })
        .await;
    }

    /// How many events of this type the log holds.
    pub(super) async fn events(&self, event_type: &str) -> i64 {
        sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM events WHERE event_type = $1"#,
            event_type
        )
        .fetch_one(&self.deps.pool)
        .await
        .unwrap()
    }

    pub(super) async fn dead_jobs(&self) -> i64 {
        crate::jobs::count(&self.deps.pool, self.now()).await.unwrap().dead
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.log_cancel.cancel();
    }
}

pub(super) async fn deps(
    pool: PgPool,
    settings: ProcessSettings,
    provider: Arc<dyn PaymentProvider>,
    clock: Arc<dyn Clock>,
) -> (Deps, CancellationToken) {
    let cancel = CancellationToken::new();
    let options = (*pool.connect_options()).clone();
    let (tracker, limits) = (TaskTracker::new(), LogLimits::default());
    let connected = PostgresLog::connect(options, pool.clone(), limits, &tracker, cancel.clone());
    let log: Arc<dyn EventLog> = connected.await.unwrap();
    let deps = Deps {
        mail: None,
        people: crate::People::new(pool.clone(), Arc::clone(&clock), vault::VaultKey::random()),
        aggregates: Aggregates::new(&log),
        log,
        pool,
        provider,
        clock,
        store: None,
        settings,
    };
    (deps, cancel)
}

/// Waits for a condition, and fails when it does not come.
pub(super) async fn until<F>(what: &str, condition: impl Fn() -> F + Send + Sync)
where
    F: Future<Output = bool> + Send,
{
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let came = tokio::time::timeout(LIMIT, wait).await.is_ok();
    assert!(came, "not within {LIMIT:?}: {what}");
}

/// The evidence of a room whose host was heard for so long from its opening on, up to the first interruption.
pub(super) fn heard(
    session_id: SessionId,
    host: UserId,
    host_heard_ms: u64,
    interruptions: Vec<Interruption>,
    at: Timestamp,
) -> RoomCommand {
    let length = TimeDelta::milliseconds(i64::try_from(host_heard_ms).unwrap());
    let until = interruptions.first().map_or(at, |first| first.from);
    let from = until - length;
    RoomCommand::RecordDelivery(RecordDelivery {
        session_id,
        opened_at: from,
        intervals: vec![PresenceInterval {
            user: host,
            ticket_id: None,
            joined_at: from,
            left_at: until,
            audible_ms: host_heard_ms,
            joined_by: Some(Source::Poll),
            left_by: Some(Source::Webhook),
            speaking: vec![Speaking {
                from,
                until,
                source: Source::Webhook,
            }],
        }],
        interruptions,
        at,
    })
}
