//! One live room: media server, bridge, gate, webhooks, and people who speak and listen.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::room::{Authority, DeliveryRecorded, PresenceInterval};
use domain::{RoomCommand, RoomEvent, RoomId, SessionId, TicketId, UserId};
use event_log::{Aggregates, Clock, EventLog, LogLimits, MemoryLog, Metadata, PostgresLog, SystemClock};
use livekit_api::services::room::RoomClient;
use media_bridge::fake::{FakeEntitlements, schedule_of};
use media_bridge::identity::room_name;
use media_bridge::rehearsal::{AudioClients, AudioEvent};
use media_bridge::{Badge, Bridge, Identity, LiveKit, MediaServer};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::Sfu;
use super::doors::Doors;

/// For whatever takes the time that processes and media connections take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

pub(crate) struct Stage {
    pub(crate) sfu: Sfu,
    pub(crate) media: Arc<LiveKit>,
    pub(crate) entitlements: Arc<FakeEntitlements>,
    pub(crate) bridge: Bridge,
    pub(crate) clients: AudioClients,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) aggregates: Aggregates,
    pub(crate) pool: PgPool,
    pub(crate) gate: String,
    pub(crate) session: SessionId,
    pub(crate) room: RoomId,
    pub(crate) host: UserId,
    /// Stops bridge, gate and webhooks when it is dropped.
    stop: DropGuard,
}

impl Stage {
    /// Everything runs; the room is not live yet.
    pub(crate) async fn set(pool: PgPool) -> Self {
        Self::set_on(pool, MemoryLog::new()).await
    }

    /// The same where nobody puts the rooms in order: the gate alone is on duty.
    pub(crate) async fn set_without_reconciler(pool: PgPool) -> Self {
        let log = PostgresLog::for_reading(pool.clone(), &LogLimits::default());
        Self::set_on(pool, log).await
    }

    async fn set_on(pool: PgPool, log: Arc<dyn EventLog>) -> Self {
        super::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gate = listener.local_addr().expect("an address").to_string();
        let sfu = Sfu::start(&format!("http://{gate}/webhooks/media")).await;
        let media = Arc::new(LiveKit::new(sfu.config()));
        let entitlements = Arc::new(FakeEntitlements::new());
        let aggregates = Aggregates::new(&log);
        let doors = Doors {
            sfu: &sfu,
            media: &media,
            entitlements: &entitlements,
            log: &log,
            aggregates: &aggregates,
            pool: &pool,
        };
        let (bridge, stop) = doors.open(listener);
        Self {
            sfu,
            media,
            entitlements,
            bridge,
            clients: AudioClients::start(&python()).expect("python"),
            log,
            aggregates,
            pool,
            gate,
            session: SessionId::from_uuid(Uuid::from_u128(1)),
            room: RoomId::from_uuid(Uuid::from_u128(2)),
            host: UserId::from_uuid(Uuid::from_u128(3)),
            stop,
        }
    }

    /// Bridge, gate and webhooks stop as if they were killed, and start anew at the same address.
    pub(crate) async fn restart_doors(&mut self) {
        // The old guard stops the old ones.
        drop(std::mem::replace(&mut self.stop, CancellationToken::new().drop_guard()));
        let deadline = Instant::now() + PATIENCE;
        let listener = loop {
            match TcpListener::bind(&self.gate).await {
                Ok(listener) => break listener,
                Err(failure) => assert!(Instant::now() < deadline, "the address stays taken: {failure}"),
            }
            sleep(POLL).await;
        };
        let doors = Doors {
            sfu: &self.sfu,
            media: &self.media,
            entitlements: &self.entitlements,
            log: &self.log,
            aggregates: &self.aggregates,
            pool: &self.pool,
        };
        (self.bridge, self.stop) = doors.open(listener);
    }

    /// Everything runs, and the room is live.
    pub(crate) async fn open(pool: PgPool) -> Self {
        let stage = Self::set(pool).await;
        stage.go_live();
        stage
    }

    pub(crate) fn go_live(&self) {
        self.entitlements.open(self.room, self.session, self.host);
        self.bridge.wake();
    }

    pub(crate) fn host(&self) -> Identity {
        Identity::Host(self.host)
    }

    /// Somebody with a ticket.
    pub(crate) fn sell(&self, number: u128) -> Identity {
        let ticket = TicketId::from_uuid(Uuid::from_u128(number));
        self.entitlements
            .admit(self.session, ticket, UserId::from_uuid(Uuid::from_u128(number + 1_000)));
        Identity::Ticket(ticket)
    }

    pub(crate) fn let_speak(&self, identity: Identity, may_speak: bool) {
        self.entitlements.let_speak(self.session, identity, may_speak);
        self.bridge.wake();
    }

    /// One of the host's side, without a ticket.
    pub(crate) fn appoint(&self, number: u128) -> Identity {
        let user = UserId::from_uuid(Uuid::from_u128(number));
        self.entitlements.appoint(self.session, user);
        self.bridge.wake();
        Identity::Host(user)
    }

    pub(crate) fn raise_hand(&self, identity: Identity, asks: bool) {
        self.entitlements.raise_hand(self.session, identity, asks);
        self.bridge.wake();
    }

    pub(crate) fn mute_all(&self) {
        self.entitlements.mute_all(self.session);
        self.bridge.wake();
    }

    pub(crate) fn unmute(&self, identity: Identity) {
        self.entitlements.mute(self.session, identity, false);
        self.bridge.wake();
    }

    pub(crate) fn ban(&self, identity: Identity) {
        self.entitlements.ban(self.session, identity);
        self.bridge.wake();
    }

    pub(crate) fn remove(&self, identity: Identity) {
        self.entitlements.remove(self.session, identity);
        self.bridge.wake();
    }

    pub(crate) async fn token(&self, identity: Identity) -> String {
        self.bridge
            .entry(self.session, identity)
            .await
            .expect("an entry token")
            .token
    }

    /// Comes in through the gate. Returns the token, which somebody might keep.
    pub(crate) async fn come_in(&self, identity: Identity) -> String {
        let token = self.token(identity).await;
        self.connect(&identity.to_string(), &self.gate, &token).await;
        self.expect(identity, PATIENCE, |event| *event == AudioEvent::Connected)
            .await;
        token
    }

    /// The same with a name, as the token says it.
    pub(crate) async fn come_in_as(&self, identity: Identity, name: &str) {
        self.token(identity).await;
        let badge = Badge {
            name: Some(name),
            ..Badge::new(identity)
        };
        let token = self.bridge.token(self.session, badge).expect("a token").token;
        self.connect(&identity.to_string(), &self.gate, &token).await;
        self.expect(identity, PATIENCE, |event| *event == AudioEvent::Connected)
            .await;
    }

    /// What the media server tells everybody in the room.
    pub(crate) async fn name_of(&self, identity: Identity) -> String {
        let config = self.sfu.config();
        let rooms = RoomClient::with_api_key(&config.url, &config.api_key, config.api_secret.expose_secret());
        let there = rooms
            .get_participant(&room_name(self.session), &identity.to_string())
            .await;
        there.expect("somebody").name
    }

    /// The webhooks that were kept, once there are so many about this person.
    pub(crate) async fn webhooks_about(&self, identity: Identity, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let bodies =
                sqlx::query_scalar!("SELECT convert_from(body, 'UTF8') FROM media_webhooks").fetch_all(&self.pool);
            let mut bodies: Vec<String> = bodies.await.expect("webhooks").into_iter().flatten().collect();
            bodies.retain(|body| body.contains(&identity.to_string()));
            if bodies.len() >= count {
                return bodies;
            }
            assert!(Instant::now() < deadline, "of {identity} there are {bodies:?}");
            sleep(POLL).await;
        }
    }

    /// Tries to connect as a new client of this name, at the gate or past it.
    pub(crate) async fn connect(&self, client: &str, address: &str, token: &str) {
        self.clients
            .connect(client, &format!("ws://{address}"), token)
            .await
            .expect("a command taken");
    }

    /// Comes in and publishes a tone, as soon as that is permitted.
    pub(crate) async fn speak(&self, identity: Identity, hz: u32) {
        let client = identity.to_string();
        self.clients.publish(&client, hz).await.expect("a command taken");
        self.expect(identity, PATIENCE, |event| {
            matches!(event, AudioEvent::Published { .. })
        })
        .await;
    }

    pub(crate) async fn may_speak(&self, identity: Identity) {
        self.expect(identity, PATIENCE, |event| {
            *event == AudioEvent::Permission { can_publish: true }
        })
        .await;
    }

    /// `listener` hears the tone of `speaker`.
    pub(crate) async fn hears(&self, listener: Identity, speaker: Identity, hz: u32) -> Instant {
        let speaker = speaker.to_string();
        self.expect(listener, PATIENCE, |event| event.is_tone(&speaker, hz))
            .await
            .0
    }

    pub(crate) async fn leave(&self, identity: Identity) {
        self.clients
            .leave(&identity.to_string())
            .await
            .expect("a command taken");
        self.expect(identity, PATIENCE, |event| {
            matches!(event, AudioEvent::Disconnected { .. })
        })
        .await;
    }

    pub(crate) async fn expect(
        &self,
        identity: Identity,
        limit: Duration,
        is_wanted: impl Fn(&AudioEvent) -> bool + Send,
    ) -> (Instant, AudioEvent) {
        let client = identity.to_string();
        self.clients
            .wait_for(&client, limit, is_wanted)
            .await
            .unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// A token refused with this status, as a client sees it.
    pub(crate) async fn is_refused(&self, client: &str, token: &str, expected: u16) {
        self.connect(client, &self.gate, token).await;
        let outcome = self
            .clients
            .wait_for(client, PATIENCE, |event| {
                matches!(event, AudioEvent::Refused { .. } | AudioEvent::Connected)
            })
            .await;
        match outcome {
            Ok((_, AudioEvent::Refused { status, .. })) => assert_eq!(status, Some(expected)),
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(crate) async fn room_exists(&self) -> bool {
        let name = room_name(self.session);
        self.media
            .list_rooms()
            .await
            .is_ok_and(|rooms| rooms.iter().any(|room| room.name == name))
    }

    pub(crate) async fn room_exists_within(&self, limit: Duration, exists: bool) {
        let deadline = Instant::now() + limit;
        while self.room_exists().await != exists {
            assert!(
                Instant::now() < deadline,
                "room_exists is not {exists} within {limit:?}"
            );
            sleep(POLL).await;
        }
    }
}

/// With the room on the log, for what is recorded there.
impl Stage {
    pub(crate) async fn schedule_and_open(&self) {
        let at = SystemClock.now();
        let schedule = schedule_of(self.room, self.host, at);
        self.execute(RoomCommand::Schedule(Box::new(schedule))).await;
        let (by, session_id) = (self.host, self.session);
        self.execute(RoomCommand::Open { by, session_id, at }).await;
        self.go_live();
    }

    pub(crate) async fn end(&self) {
        let (by, at) = (Authority::User(self.host), SystemClock.now());
        self.execute(RoomCommand::End { by, at }).await;
        self.entitlements.end(self.session);
        self.bridge.wake();
    }

    pub(crate) async fn execute(&self, command: RoomCommand) {
        let metadata = Metadata::for_actor(self.host.to_string(), self.room.as_uuid());
        self.aggregates
            .rooms
            .execute(self.room.as_uuid(), command, metadata)
            .await
            .expect("an accepted command");
    }

    pub(crate) async fn delivery_within(&self, limit: Duration) -> DeliveryRecorded {
        let deadline = Instant::now() + limit;
        loop {
            for event in self.room_events().await {
                if let RoomEvent::DeliveryRecorded(delivery) = event {
                    return delivery;
                }
            }
            assert!(Instant::now() < deadline, "no delivery within {limit:?}");
            sleep(POLL).await;
        }
    }

    pub(crate) async fn recorded_intervals(&self) -> Vec<PresenceInterval> {
        let parts = self.room_events().await.into_iter().filter_map(|event| match event {
            RoomEvent::PresenceRecorded { intervals, .. } => Some(intervals),
            _ => None,
        });
        parts.flatten().collect()
    }

    pub(crate) async fn room_events(&self) -> Vec<RoomEvent> {
        let events = self.log.read_all(0, 1_000).await.expect("the log");
        let events = events.into_iter().filter(|event| event.aggregate_type == "room");
        events
            .map(|event| serde_json::from_str(&event.payload).expect("a room event"))
            .collect()
    }
}

pub(crate) fn python() -> PathBuf {
    super::tool("BOXOFFICE_PYTHON", ".tools/venv/bin/python")
}

pub(crate) fn is_of(interval: &PresenceInterval, identity: Identity) -> bool {
    match identity {
        Identity::Ticket(ticket) => interval.ticket_id == Some(ticket),
        Identity::Host(host) => interval.ticket_id.is_none() && interval.user == host,
    }
}
