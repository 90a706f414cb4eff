//! Times on the log are within five seconds of what happened, with clients that come late, leave, open and close their
//! microphone, come twice, are killed, or lose their network.

use std::process::Command;
use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;
use domain::room::{InterruptionCause, PresenceInterval, Source, Verdict, VoidReason};
use event_log::{Clock, SystemClock};
use media_bridge::Identity;
use media_bridge::rehearsal::{AudioClients, AudioEvent};
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use crate::support::Stage;
use crate::support::stage::{PATIENCE, is_of, python};

const ERROR_MAX: TimeDelta = TimeDelta::seconds(5);
const HOST_HZ: u32 = 440;
/// The media server waits 20 seconds for a connection that failed.
const TIMEOUT: Duration = Duration::from_secs(40);

#[track_caller]
fn assert_near(recorded: Timestamp, truth: Timestamp, what: &str) {
    let error = (recorded - truth).abs();
    assert!(error < ERROR_MAX, "{what}: {recorded} instead of {truth}");
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// People on a machine of their own.
struct Elsewhere(AudioClients);

impl Elsewhere {
    async fn come_in(stage: &Stage, identity: Identity) -> Self {
        let clients = AudioClients::start(&python()).expect("python");
        let (name, token) = (identity.to_string(), stage.token(identity).await);
        let gate = format!("ws://{}", stage.gate);
        clients.connect(&name, &gate, &token).await.expect("a command taken");
        let connected = clients.wait_for(&name, PATIENCE, |event| *event == AudioEvent::Connected);
        connected.await.expect("connected");
        Self(clients)
    }

    /// Nothing comes from it any more, and nobody is told: its sockets stay open, as after a cut.
    fn cut_off(&self) {
        let process = self.0.process_id().expect("it runs").to_string();
        let stopped = Command::new("kill").args(["-STOP", &process]).status();
        assert!(stopped.expect("kill").success());
    }

    fn kill(self) {
        drop(self);
    }
}

async fn until_left(stage: &Stage, identity: Identity) {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let open = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM media_presence
               WHERE session_id = $1 AND identity = $2 AND left_by IS DISTINCT FROM 'timeout'"#,
            stage.session.as_uuid(),
            identity.to_string(),
        );
        if open.fetch_one(&stage.pool).await.expect("presence") == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "{identity} is still there");
        sleep(Duration::from_millis(100)).await;
    }
}

fn of(intervals: &[PresenceInterval], identity: Identity) -> Vec<&PresenceInterval> {
    intervals.iter().filter(|interval| is_of(interval, identity)).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn whatever_clients_do_is_known_within_five_seconds(pool: PgPool) {
    let stage = Stage::set(pool).await;
    stage.schedule_and_open().await;
    let host = stage.host();
    let [leaver, doubled, killed, cut_off, late] = [11, 12, 13, 14, 15].map(|number| stage.sell(number));
    stage.room_exists_within(PATIENCE, true).await;
    stage.come_in(host).await;
    stage.come_in(leaver).await;
    let host_came = now();
    stage.may_speak(host).await;
    stage.speak(host, HOST_HZ).await;
    stage.hears(leaver, host, HOST_HZ).await;
    let began_to_speak = now();

    let machine = Elsewhere::come_in(&stage, doubled).await;
    let gone_machine = Elsewhere::come_in(&stage, killed).await;
    let cut_machine = Elsewhere::come_in(&stage, cut_off).await;
    let came = now();
    sleep(Duration::from_secs(2)).await;
    stage.leave(leaver).await;
    let left = now();
    // The second connection of a ticket ends the first.
    stage.come_in(doubled).await;
    let took_over = now();
    gone_machine.kill();
    cut_machine.cut_off();
    let lost = now();
    stage
        .clients
        .unpublish(&host.to_string())
        .await
        .expect("a command taken");
    let fell_silent = now();
    stage.come_in(late).await;
    let late_came = now();

    until_left(&stage, killed).await;
    until_left(&stage, cut_off).await;
    let ended = now();
    stage.end().await;
    let delivery = stage.delivery_within(PATIENCE).await;
    assert_eq!(delivery.verdict, Some(Verdict::Delivered));
    // Whoever came last may have heard the end of it.
    assert!((4..=5).contains(&delivery.listeners_present), "{delivery:?}");
    let heard = TimeDelta::milliseconds(delivery.host_heard_ms.try_into().expect("short"));
    assert!((heard - (fell_silent - began_to_speak)).abs() < ERROR_MAX, "{heard}");

    let intervals = stage.recorded_intervals().await;
    let [host] = of(&intervals, host)[..] else {
        panic!("the host stayed: {intervals:?}");
    };
    assert_near(host.joined_at, host_came, "the host came");
    let [speech] = host.speaking[..] else {
        panic!("the host spoke once: {host:?}");
    };
    assert_near(speech.from, began_to_speak, "the host spoke");
    assert_near(speech.until, fell_silent, "the host fell silent");
    assert_eq!((host.left_by, speech.source), (Some(Source::RoomEnd), Source::Poll));

    for (identity, came, gone, by) in [
        (leaver, host_came, left, Source::Webhook),
        (killed, came, lost, Source::Timeout),
        (cut_off, came, lost, Source::Timeout),
        (late, late_came, ended, Source::RoomEnd),
    ] {
        let [stay] = of(&intervals, identity)[..] else {
            panic!("{identity} came once: {intervals:?}");
        };
        assert_near(stay.joined_at, came, "came");
        assert_near(stay.left_at, gone, "left");
        assert_eq!(stay.left_by, Some(by), "{stay:?}");
        assert_eq!(stay.speaking, []);
    }
    let [first, second] = of(&intervals, doubled)[..] else {
        panic!("two connections: {intervals:?}");
    };
    assert_near(first.left_at, took_over, "the first connection ended");
    assert_near(second.joined_at, took_over, "the second began");
    assert_near(second.left_at, ended, "and stayed");
    assert!(
        first.left_at - second.joined_at < TimeDelta::seconds(1),
        "one after the other"
    );
    machine.kill();
    cut_machine.kill();
}

/// A host who could not be heard is not blamed for it.
#[sqlx::test(migrations = "../migrations")]
async fn a_media_server_that_dies_is_on_the_record(pool: PgPool) {
    let mut stage = Stage::set(pool).await;
    stage.schedule_and_open().await;
    let host = stage.host();
    stage.room_exists_within(PATIENCE, true).await;
    stage.come_in(host).await;
    let mut available = stage.bridge.availability();
    stage.sfu.kill().await;
    let died = now();
    available
        .wait_for(|available| !available)
        .await
        .expect("a running bridge");
    let ended = now();
    stage.end().await;
    let delivery = stage.delivery_within(PATIENCE).await;
    let [interruption] = delivery.interruptions[..] else {
        panic!("one interruption: {delivery:?}");
    };
    assert_eq!(interruption.cause, InterruptionCause::MediaServer);
    assert_near(interruption.from, died, "it died");
    assert_near(interruption.until, ended, "for good");
    let reason = VoidReason::Crash;
    assert_eq!(delivery.verdict, Some(Verdict::Void { reason }));
}
