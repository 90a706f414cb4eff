//! `kill -9` in a full room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use media_bridge::LiveParticipant;
use media_bridge::rehearsal::{AudioClients, AudioEvent};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::house::{Door, House, LIMIT};
use super::watch::{heard_anything, longest_gap};

/// From the kill on.
const BACK_WITHIN: Duration = Duration::from_secs(10);
const OUT_WITHIN: Duration = Duration::from_secs(2);
/// A window of sound is 200 ms; a machine with two cores may be late by as much as this.
const GAP_MAX: Duration = Duration::from_secs(1);
const API_IS_DOWN: Duration = Duration::from_secs(4);

/// Somebody with a token who is not to come in, and tries and tries.
struct Intruder {
    audio: Arc<AudioClients>,
    tracker: TaskTracker,
    stop: CancellationToken,
    tries: Arc<AtomicU32>,
}

impl Intruder {
    /// At the gate every time, and every other time past it.
    fn start(audio: &Arc<AudioClients>, gate: &Door, past: &str) -> Self {
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let (clients, gate, past) = (Arc::clone(audio), gate.clone(), past.to_owned());
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let trying = async move {
            for number in 0_u32.. {
                let at_gate = format!("intruder-{number}-gate");
                if clients.connect(&at_gate, &gate.url, &gate.token).await.is_err() {
                    return;
                }
                counted.store(number + 1, Ordering::SeqCst);
                if number % 2 == 0 {
                    let past_gate = format!("intruder-{number}-past");
                    let _ = clients.connect(&past_gate, &past, &gate.token).await;
                }
                sleep(Duration::from_millis(300)).await;
            }
        };
        let until = stop.clone();
        tracker.spawn(async move { until.run_until_cancelled(trying).await });
        tracker.close();
        Self {
            audio: Arc::clone(audio),
            tracker,
            stop,
            tries,
        }
    }

    /// Ends, and says how often they were refused at the gate. Whoever got in past it was out again soon.
    async fn end(self) -> Result<u32> {
        self.stop.cancel();
        self.tracker.wait().await;
        let tries = self.tries.load(Ordering::SeqCst);
        for number in 0..tries {
            let at_gate = format!("intruder-{number}-gate");
            let outcome = |event: &AudioEvent| matches!(event, AudioEvent::Connected | AudioEvent::Refused { .. });
            let (_, event) = self.audio.wait_for(&at_gate, LIMIT, outcome).await?;
            ensure!(event != AudioEvent::Connected, "{at_gate} came in");
            ensure!(!heard_anything(&self.audio, &at_gate), "{at_gate} heard something");
            let past_gate = format!("intruder-{number}-past");
            if number % 2 == 0
                && let Ok((came, AudioEvent::Connected)) = self.audio.wait_for(&past_gate, LIMIT, outcome).await
            {
                let is_end = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { .. });
                let (went, _) = self.audio.wait_for(&past_gate, LIMIT, is_end).await?;
                ensure!(went - came <= OUT_WITHIN, "{past_gate} stayed for {:?}", went - came);
            }
        }
        Ok(tries)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_media_server_gets_its_full_room_back_and_lets_nobody_else_in() -> Result<()> {
    let (mut house, removed) = House::full(5).await?;
    // One is silenced: their client has a token from when they spoke.
    let silenced = house.guests[1].name.clone();
    house.promote(&house.guests[1]).await?;
    house.may_speak(&silenced, true).await?;
    let mute = format!("/stage/{}/mute", house.guests[1].caller.user_id());
    house.direct(&mute).await?;
    house.may_speak(&silenced, false).await?;
    let before = house.stage().await?;

    let past = format!("ws://127.0.0.1:{}", house.sfu.port());
    let intruder = Intruder::start(&house.audio, &removed, &past);
    let killed = Instant::now();
    house.sfu.kill().await?;
    house.sfu.start_again().await?;
    let back = house.everybody_is_back(killed).await? - killed;
    println!("everybody hears everybody again {back:?} after the kill");
    assert!(back <= BACK_WITHIN, "back after {back:?}");
    let refused = intruder.end().await?;
    println!("the gate refused {refused} times");
    assert!(refused > 0, "somebody tried");
    house.becomes(&before).await
}

/// The right to speak is taken, and whoever should do it at the media server is gone.
async fn mute_and_kill(house: &mut House) -> Result<(Vec<(String, bool)>, Instant)> {
    let muted = &house.guests[1];
    house.promote(muted).await?;
    house.may_speak(&muted.name, true).await?;
    let (identity, mut wanted) = (muted.identity(), house.stage().await?);
    let person = wanted.iter_mut().find(|(who, _)| *who == identity);
    person.context("expected the speaker to be there")?.1 = false;
    // Acknowledged, and perhaps not done any more.
    let mute = format!("/stage/{}/mute", muted.caller.user_id());
    house.direct(&mute).await?;
    house.shop.server.kill_in_place().await?;
    Ok((wanted, Instant::now()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_bridge_follows_the_log_when_it_is_back_and_so_are_all() -> Result<()> {
    let (mut house, removed) = House::full(5).await?;
    let (wanted, killed) = mute_and_kill(&mut house).await?;
    let past = format!("ws://127.0.0.1:{}", house.sfu.port());
    // Past the gate, while nobody looks: in, until somebody does.
    house.audio.connect("intruder", &past, &removed.token).await?;
    let came = |event: &AudioEvent| *event == AudioEvent::Connected;
    house.audio.wait_for("intruder", LIMIT, came).await?;
    sleep(API_IS_DOWN.saturating_sub(killed.elapsed())).await;
    assert!(house.direct("/stage/mute_all").await.is_err(), "nobody answers");
    let restarted = Instant::now();
    house.restart_shop(&[]).await?;
    let went = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { .. });
    let (out, _) = house.audio.wait_for("intruder", LIMIT, went).await?;
    println!("the intruder is out {:?} after the restart began", out - restarted);
    house.becomes(&wanted).await?;
    println!("as the log says {:?} after the kill", killed.elapsed());
    let back = house.everybody_is_back(killed).await? - restarted;
    println!("everybody hears everybody again {back:?} after the restart began");
    assert!(back <= BACK_WITHIN, "back after {back:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_goes_on_while_the_api_answers_nobody() -> Result<()> {
    let (house, _) = House::full(4).await?;
    let before = house.people().await?;
    let began = Instant::now();
    house.shop.server.signal("STOP").await?;
    let call = tokio::time::timeout(API_IS_DOWN, house.direct("/stage/mute_all"));
    assert!(call.await.is_err(), "nobody answers");
    let ended = Instant::now();
    house.shop.server.signal("CONT").await?;
    house.everybody_hears_both(ended).await?;
    for ear in house.listeners() {
        for (voice, hz) in &house.voices() {
            let gap = longest_gap(&house.audio, ear, (voice, *hz), (began, ended));
            assert!(gap <= GAP_MAX, "{ear} heard nothing of {voice} for {gap:?}");
        }
    }
    let sids = |people: &[LiveParticipant]| -> Vec<String> { people.iter().map(|person| person.sid.clone()).collect() };
    assert_eq!(
        sids(&house.people().await?),
        sids(&before),
        "nobody had to come in again"
    );
    Ok(())
}
