//! The two locks on one door, the reconciler and the gate, each with the other one off, with a real media server and
//! clients that keep every token they ever had.

use std::time::Duration;

use livekit_api::access_token::{AccessToken, VideoGrants};
use media_bridge::identity::room_name;
use media_bridge::rehearsal::AudioEvent;
use media_bridge::{Badge, Identity, MediaServer};
use secrecy::ExposeSecret;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use crate::support::Stage;
use crate::support::stage::PATIENCE;

/// What the design promises.
const PROMISED: Duration = Duration::from_secs(2);
const HOST_HZ: u32 = 440;
/// Visits of a hostile client past the gate.
const VISITS: usize = 12;
/// A client that does not get its signalling back at once connects anew, and is silent meanwhile.
const SILENCE_MAX: Duration = Duration::from_secs(10);

fn is_over(event: &AudioEvent) -> bool {
    matches!(event, AudioEvent::Disconnected { .. })
}

fn is_answer(event: &AudioEvent) -> bool {
    matches!(event, AudioEvent::Connected | AudioEvent::Refused { .. })
}

async fn refreshed(stage: &Stage, client: &str) -> String {
    let is_token = |event: &AudioEvent| matches!(event, AudioEvent::Token { .. });
    match stage.clients.wait_for(client, PATIENCE, is_token).await {
        Ok((_, AudioEvent::Token { token })) => token,
        other => panic!("{other:?} instead of a token"),
    }
}

/// The host speaks, and somebody hears it and keeps their tokens.
async fn host_and_guest(stage: &Stage) -> (Identity, Identity, [String; 2]) {
    let (host, guest) = (stage.host(), stage.sell(11));
    stage.come_in(host).await;
    stage.may_speak(host).await;
    stage.speak(host, HOST_HZ).await;
    let token = stage.come_in(guest).await;
    let kept = refreshed(stage, &guest.to_string()).await;
    stage.hears(guest, host, HOST_HZ).await;
    (host, guest, [token, kept])
}

/// Out within the promised time at each visit, whatever token it is.
#[sqlx::test(migrations = "../migrations")]
async fn the_reconciler_alone_puts_a_hostile_client_out_again_and_again(pool: PgPool) {
    let stage = Stage::open(pool).await;
    let (_, guest, tokens) = host_and_guest(&stage).await;
    stage.ban(guest);
    stage.expect(guest, PATIENCE, is_over).await;
    let mut took = vec![];
    let mut heard = 0;
    for visit in 0..VISITS {
        let client = format!("visit {visit}");
        stage.connect(&client, &stage.sfu.address(), &tokens[visit % 2]).await;
        let (came, answer) = stage
            .clients
            .wait_for(&client, PATIENCE, is_answer)
            .await
            .expect("an answer");
        // Whoever is put out while still connecting was never in.
        if answer == AudioEvent::Connected {
            let (out, _) = stage
                .clients
                .wait_for(&client, PATIENCE, is_over)
                .await
                .expect("put out");
            took.push(out - came);
        }
        let events = stage.clients.events_of(&client).into_iter();
        heard += events
            .filter(|reported| matches!(reported.event, AudioEvent::Heard { .. }))
            .count();
    }
    took.sort_unstable();
    println!(
        "{} of {VISITS} visits got in, out after {took:?}, {heard} windows of sound",
        took.len()
    );
    assert!(took.iter().all(|took| *took < PROMISED), "{took:?}");
    let name = room_name(stage.session);
    let there = stage.media.list_participants(&name).await.expect("a listing");
    assert!(
        there
            .iter()
            .all(|participant| participant.identity != guest.to_string())
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_gate_alone_lets_nobody_in_who_may_not_be_there(pool: PgPool) {
    let stage = Stage::set_without_reconciler(pool).await;
    let name = room_name(stage.session);
    stage.media.create_room(&name, 10).await.expect("a room");
    stage.go_live();
    let guest = stage.sell(11);
    let token = stage.come_in(guest).await;
    let kept = refreshed(&stage, &guest.to_string()).await;
    stage.remove(guest);
    stage.leave(guest).await;
    for attempt in 0..3 {
        stage.is_refused(&format!("old {attempt}"), &token, 403).await;
        stage.is_refused(&format!("refreshed {attempt}"), &kept, 403).await;
    }
    // The media server counts who was let in.
    let name_of_guest = guest.to_string();
    let is_listed = async || {
        let there = stage.media.list_participants(&name).await.expect("a listing");
        there.iter().any(|participant| participant.identity == name_of_guest)
    };
    assert!(!is_listed().await);
    // Nobody put them out: that is the other lock's part.
    let still = stage.sell(12);
    stage.come_in(still).await;
    stage.ban(still);
    sleep(PROMISED).await;
    let there = stage.media.list_participants(&name).await.expect("a listing");
    assert_eq!(there.len(), 1, "the reconciler is off");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_doors_start_anew_and_nobody_is_thrown_out(pool: PgPool) {
    let mut stage = Stage::open(pool).await;
    let (host, guest, tokens) = host_and_guest(&stage).await;
    let client = guest.to_string();
    let before = Instant::now();
    stage.restart_doors().await;
    stage.bridge.wake();
    // Both find their way back to the signalling, or never missed it.
    let late = stage.sell(12);
    stage.come_in(late).await;
    stage.hears(late, host, HOST_HZ).await;
    sleep(PROMISED * 2).await;
    let windows: Vec<Instant> = stage
        .clients
        .events_since(&client, before)
        .into_iter()
        .filter(|reported| reported.event.is_tone(&host.to_string(), HOST_HZ))
        .map(|reported| reported.at)
        .collect();
    let silence = windows.windows(2).map(|pair| pair[1] - pair[0]).max().expect("sound");
    println!("the longest silence over a restart of the doors was {silence:?}");
    assert!(silence < SILENCE_MAX, "{silence:?}");
    for somebody in [host, guest] {
        let events = stage.clients.events_of(&somebody.to_string());
        assert!(
            !events.iter().any(|reported| is_over(&reported.event)),
            "{somebody} was thrown out"
        );
    }
    // The new ones are on duty.
    stage.remove(guest);
    stage.expect(guest, PATIENCE, is_over).await;
    stage.is_refused("again", &tokens[1], 403).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn after_a_take_over_the_tokens_of_the_first_device_are_good_for_nothing(pool: PgPool) {
    let stage = Stage::open(pool).await;
    let (host, guest, tokens) = host_and_guest(&stage).await;
    let knock = stage.bridge.knock(stage.session, guest).await.expect("welcome");
    assert!(knock.is_occupied);
    let at = event_log::Clock::now(&event_log::SystemClock);
    let entry = stage.entitlements.take_over(stage.session, guest, at);
    let badge = Badge {
        entry,
        ..Badge::new(guest)
    };
    let token = stage.bridge.token(stage.session, badge).expect("a token").token;
    // The first one stays until the second is there.
    stage.hears(guest, host, HOST_HZ).await;
    stage.connect("second", &stage.gate, &token).await;
    let wait =
        |client: &'static str, is_wanted: fn(&AudioEvent) -> bool| stage.clients.wait_for(client, PATIENCE, is_wanted);
    wait("second", |event| *event == AudioEvent::Connected)
        .await
        .expect("connected");
    let (_, told) = stage.expect(guest, PATIENCE, is_over).await;
    let reason = "DUPLICATE_IDENTITY".to_owned();
    assert_eq!(told, AudioEvent::Disconnected { reason });
    let kept = refreshed(&stage, "second").await;
    for token in &tokens {
        stage.is_refused("with what is outdated", token, 403).await;
    }
    let validate = format!("http://{}/rtc/validate?access_token={kept}", stage.gate);
    assert_eq!(
        reqwest::get(validate).await.expect("an answer").status(),
        200,
        "the second one's, refreshed"
    );

    // Past the gate, the media server lets the first one throw the second out; and the other lock shuts.
    sleep(PROMISED).await;
    stage.connect("past the gate", &stage.sfu.address(), &tokens[1]).await;
    let (came, answer) = wait("past the gate", is_answer).await.expect("an answer");
    if answer == AudioEvent::Connected {
        let (out, _) = wait("past the gate", is_over).await.expect("put out");
        assert!(out - came < PROMISED, "{:?}", out - came);
    }
    stage.connect("third", &stage.gate, &token).await;
    wait("third", |event| *event == AudioEvent::Connected)
        .await
        .expect("connected");
    let speaker = host.to_string();
    let is_tone = |event: &AudioEvent| event.is_tone(&speaker, HOST_HZ);
    stage
        .clients
        .wait_for("third", PATIENCE, is_tone)
        .await
        .expect("hears the host");
}

/// The second lock against more people than the media server carries. Recorders, who say what they are, do not count.
#[sqlx::test(migrations = "../migrations")]
async fn the_media_server_takes_in_no_more_than_a_room_may_have(pool: PgPool) {
    let stage = Stage::set(pool).await;
    // Not one of ours, which the reconciler would see to.
    let room = "elsewhere";
    stage.media.create_room(room, 2).await.expect("a room");
    let token = |identity: &str, is_recorder: bool| {
        let grants = VideoGrants {
            room_join: true,
            room: room.to_owned(),
            can_publish: Some(false),
            can_subscribe: Some(true),
            hidden: is_recorder,
            recorder: is_recorder,
            ..VideoGrants::default()
        };
        let config = stage.sfu.config();
        AccessToken::with_api_key(&config.api_key, config.api_secret.expose_secret())
            .with_identity(identity)
            .with_grants(grants)
            .to_jwt()
            .expect("a token")
    };
    let come = async |client: &str, is_recorder: bool| {
        stage
            .connect(client, &stage.sfu.address(), &token(client, is_recorder))
            .await;
        let is_end = |event: &AudioEvent| is_answer(event) || is_over(event);
        let (_, answer) = stage
            .clients
            .wait_for(client, PATIENCE, is_end)
            .await
            .expect("an answer");
        answer == AudioEvent::Connected
    };
    assert!(come("one", false).await && come("two", false).await);
    assert!(!come("three", false).await, "one too many");
    assert!(come("recorder", true).await);
    assert!(!come("four", false).await);
}
