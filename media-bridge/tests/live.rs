//! The bridge and its gate with a real media server and real audio.

mod evidence;
mod locks;
mod recording;
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use media_bridge::identity::room_name;
use media_bridge::reactions::{Reaction, TOPIC};
use media_bridge::rehearsal::AudioEvent;
use media_bridge::{EntryError, Identity, MediaError, MediaServer, RefusalReason};
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use support::Stage;
use support::stage::PATIENCE;

/// What the design promises: a room is there, a removed person is out, a restarted server has its rooms back.
const PROMISED: Duration = Duration::from_secs(2);
const HOST_HZ: u32 = 440;
const GUEST_HZ: u32 = 1_000;
const CO_HOST_HZ: u32 = 660;
const CO_HOST_AGAIN_HZ: u32 = 770;

fn is_removal(event: &AudioEvent) -> bool {
    matches!(event, AudioEvent::Disconnected { reason } if reason == "PARTICIPANT_REMOVED")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_lives_from_its_opening_to_its_end(pool: PgPool) {
    let stage = Stage::open(pool).await;
    let (host, guest, mute) = (stage.host(), stage.sell(11), stage.sell(12));
    stage.room_exists_within(PROMISED, true).await;

    stage.come_in(host).await;
    stage.come_in(guest).await;
    stage.come_in(mute).await;
    // Refused by the media server, which a client learns only by waiting: looked at further down.
    stage
        .clients
        .publish(&mute.to_string(), 700)
        .await
        .expect("a command taken");
    stage.may_speak(host).await;
    stage.speak(host, HOST_HZ).await;
    stage.hears(guest, host, HOST_HZ).await;

    stage.let_speak(guest, true);
    stage.may_speak(guest).await;
    stage.speak(guest, GUEST_HZ).await;
    stage.hears(host, guest, GUEST_HZ).await;
    stage.hears(mute, guest, GUEST_HZ).await;

    let demoted = Instant::now();
    stage.let_speak(guest, false);
    let speaker = guest.to_string();
    let is_silence = |event: &AudioEvent| matches!(event, AudioEvent::Lost { speaker: lost } if *lost == speaker);
    let (silent, _) = stage.expect(host, PATIENCE, is_silence).await;
    assert!(silent - demoted < PROMISED, "silenced after {:?}", silent - demoted);

    stage
        .expect(mute, PATIENCE, |event| {
            matches!(event, AudioEvent::PublishFailed { .. })
        })
        .await;

    stage.entitlements.end(stage.session);
    stage.bridge.wake();
    let is_end = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { reason } if reason == "ROOM_DELETED");
    stage.expect(host, PATIENCE, is_end).await;
    stage.room_exists_within(PROMISED, false).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_co_host_speaks_and_all_are_silenced_until_their_own_word(pool: PgPool) {
    let stage = Stage::open(pool).await;
    let (host, co_host, guest) = (stage.host(), stage.appoint(7), stage.sell(11));
    stage.room_exists_within(PROMISED, true).await;
    for identity in [host, co_host, guest] {
        let token = stage.come_in(identity).await;
        assert!(!token.is_empty());
    }
    // Nobody's token lets them speak: the word comes once they are in.
    stage.may_speak(host).await;
    stage.may_speak(co_host).await;
    stage.speak(host, HOST_HZ).await;
    stage.speak(co_host, CO_HOST_HZ).await;
    stage.hears(guest, co_host, CO_HOST_HZ).await;
    stage.let_speak(guest, true);
    stage.may_speak(guest).await;
    stage.speak(guest, GUEST_HZ).await;
    stage.hears(host, guest, GUEST_HZ).await;

    let muted = Instant::now();
    stage.mute_all();
    // In either order.
    let mut audible = vec![co_host.to_string(), guest.to_string()];
    while !audible.is_empty() {
        let is_silence =
            |event: &AudioEvent| matches!(event, AudioEvent::Lost { speaker } if audible.contains(speaker));
        let (silent, event) = stage.expect(host, PATIENCE, is_silence).await;
        let elapsed = silent - muted;
        assert!(elapsed < PROMISED, "{event:?} after {elapsed:?}");
        audible.retain(|speaker| {
            event
                != AudioEvent::Lost {
                    speaker: speaker.clone(),
                }
        });
    }
    stage.hears(guest, host, HOST_HZ).await;

    stage.unmute(co_host);
    stage.may_speak(co_host).await;
    stage.speak(co_host, CO_HOST_AGAIN_HZ).await;
    stage.hears(host, co_host, CO_HOST_AGAIN_HZ).await;
}

/// Listeners have no right to say anything in the room: the bridge says it for them, and their token what they are called.
#[sqlx::test(migrations = "../migrations")]
async fn a_name_a_raised_hand_and_reactions_reach_everybody(pool: PgPool) {
    let stage = Stage::open(pool).await;
    let (host, guest) = (stage.host(), stage.sell(11));
    stage.come_in(host).await;
    stage.come_in_as(guest, "Alice P.").await;
    assert_eq!(stage.name_of(guest).await, "Alice P.");
    assert_eq!(stage.name_of(host).await, "");
    for webhook in stage.webhooks_about(guest, 1).await {
        assert!(!webhook.contains("Alice"), "{webhook}");
    }
    stage.raise_hand(guest, true);
    let hand = |value: &'static str, event: &AudioEvent| {
        matches!(event, AudioEvent::Attributes { of, attributes }
            if *of == guest.to_string() && attributes.get("boxoffice.hand").map_or("", String::as_str) == value)
    };
    stage.expect(host, PATIENCE, |event| hand("raised", event)).await;
    stage.expect(guest, PATIENCE, |event| hand("raised", event)).await;
    stage.raise_hand(guest, false);
    stage.expect(host, PATIENCE, |event| hand("", event)).await;

    for reaction in [Reaction::Applause, Reaction::Heart, Reaction::Applause] {
        stage.bridge.react(stage.session, reaction);
    }
    let mut told = 0;
    while told < 3 {
        let is_told = |event: &AudioEvent| matches!(event, AudioEvent::Data { topic, .. } if topic == TOPIC);
        let (_, event) = stage.expect(guest, PATIENCE, is_told).await;
        let AudioEvent::Data { message, .. } = event else {
            unreachable!("waited for data");
        };
        let counts: BTreeMap<String, u32> = serde_json::from_str(&message).expect("counts");
        assert!(
            counts.keys().all(|kind| kind == "applause" || kind == "heart"),
            "{message}"
        );
        told += counts.values().sum::<u32>();
    }
    assert_eq!(told, 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_is_banned_is_out_and_stays_out_at_both_doors(pool: PgPool) {
    let stage = Stage::open(pool).await;
    let (host, guest) = (stage.host(), stage.sell(11));
    stage.come_in(host).await;
    stage.let_speak(guest, true);
    let token = stage.come_in(guest).await;
    stage.may_speak(guest).await;
    stage.speak(guest, GUEST_HZ).await;
    stage.hears(host, guest, GUEST_HZ).await;

    let banned = Instant::now();
    stage.ban(guest);
    let (out, _) = stage.expect(guest, PATIENCE, is_removal).await;
    assert!(out - banned < PROMISED, "out after {:?}", out - banned);
    let refused = stage.bridge.entry(stage.session, guest).await;
    assert!(
        matches!(refused, Err(EntryError::Refused(RefusalReason::Banned))),
        "{refused:?}"
    );
    stage.is_refused("at the gate", &token, 403).await;
    stage.connect("past the gate", &stage.sfu.address(), &token).await;
    let wait = |is_wanted: fn(&AudioEvent) -> bool| stage.clients.wait_for("past the gate", PATIENCE, is_wanted);
    let (back, _) = wait(|event| *event == AudioEvent::Connected)
        .await
        .expect("the media server lets them in");
    let (out, _) = wait(is_removal).await.expect("removed");
    assert!(out - back < PROMISED, "out after {:?}", out - back);
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_is_removed_is_out_and_the_gate_stays_shut(pool: PgPool) {
    let stage = Stage::open(pool).await;
    let guest = stage.sell(11);
    let token = stage.come_in(guest).await;
    let (_, refreshed) = stage
        .expect(guest, PATIENCE, |event| matches!(event, AudioEvent::Token { .. }))
        .await;
    let AudioEvent::Token { token: refreshed } = refreshed else {
        unreachable!("waited for a token");
    };
    let removed = Instant::now();
    stage.remove(guest);
    let (out, _) = stage.expect(guest, PATIENCE, is_removal).await;
    assert!(out - removed < PROMISED, "out after {:?}", out - removed);
    stage.is_refused("with the old token", &token, 403).await;
    stage.is_refused("with the refreshed token", &refreshed, 403).await;

    let http = reqwest::Client::new();
    for path in [
        "/twirp/livekit.RoomService/ListRooms",
        "/whip/v1",
        "/agent",
        "/settings/regions",
        "/",
    ] {
        let answer = http
            .post(format!("http://{}{path}", stage.gate))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
    }
    let validate = format!("http://{}/rtc/validate?access_token={token}", stage.gate);
    assert_eq!(http.get(validate).send().await.expect("an answer").status(), 403);
    let stranger = stage.token(stage.host()).await;
    let validate = |token: &str| {
        http.get(format!("http://{}/rtc/validate?access_token={token}", stage.gate))
            .send()
    };
    assert_eq!(validate(&stranger).await.expect("an answer").status(), 200);
    assert_eq!(validate("nonsense").await.expect("an answer").status(), 401);
    stage.entitlements.end(stage.session);
    assert_eq!(validate(&stranger).await.expect("an answer").status(), 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_comes_back_past_the_gate_is_out_again(pool: PgPool) {
    let stage = Stage::open(pool).await;
    let guest = stage.sell(11);
    let token = stage.come_in(guest).await;
    stage.remove(guest);
    stage.expect(guest, PATIENCE, is_removal).await;

    for attempt in ["once", "twice"] {
        stage.connect(attempt, &stage.sfu.address(), &token).await;
        let wait = |is_wanted: fn(&AudioEvent) -> bool| stage.clients.wait_for(attempt, PATIENCE, is_wanted);
        let (back, _) = wait(|event| *event == AudioEvent::Connected)
            .await
            .expect("the media server lets them in");
        let (out, _) = wait(is_removal).await.expect("removed");
        assert!(out - back < PROMISED, "out after {:?}", out - back);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_killed_media_server_gets_its_rooms_back_and_people_return_by_themselves(pool: PgPool) {
    let mut stage = Stage::open(pool).await;
    let (host, guest) = (stage.host(), stage.sell(11));
    stage.come_in(guest).await;
    stage.come_in(host).await;
    stage.may_speak(host).await;
    stage.speak(host, HOST_HZ).await;
    stage.hears(guest, host, HOST_HZ).await;

    let waiting = stage.sell(12);
    let token = stage.token(waiting).await;
    stage.sfu.kill().await;
    let mut available = stage.bridge.availability();
    available
        .wait_for(|available| !available)
        .await
        .expect("a running bridge");
    // Somebody comes meanwhile: the gate holds them until the room is back.
    stage.connect(&waiting.to_string(), &stage.gate, &token).await;
    stage.sfu.restart().await;
    let restarted = Instant::now();
    stage.room_exists_within(PROMISED, true).await;
    assert!(restarted.elapsed() < PROMISED);

    stage
        .expect(waiting, PATIENCE, |event| *event == AudioEvent::Connected)
        .await;
    stage
        .expect(guest, PATIENCE, |event| *event == AudioEvent::Reconnected)
        .await;
    // The host did nothing for it.
    stage.hears(guest, host, HOST_HZ).await;
    let deadline = Instant::now() + PATIENCE;
    while stays_of(&stage, guest).await < 2 {
        assert!(Instant::now() < deadline, "a new connection is a new stay");
        sleep(Duration::from_millis(50)).await;
    }
}

/// How many connections of somebody were seen.
async fn stays_of(stage: &Stage, identity: Identity) -> i64 {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM media_presence WHERE session_id = $1 AND identity = $2"#,
        stage.session.as_uuid(),
        identity.to_string(),
    );
    count.fetch_one(&stage.pool).await.expect("presence")
}

#[sqlx::test(migrations = "../migrations")]
async fn calls_about_what_is_not_there_say_so_and_a_wrong_key_is_refused(pool: PgPool) {
    let stage = Stage::set(pool).await;
    let name = room_name(stage.session);
    let media = &stage.media;
    assert!(matches!(media.delete_room(&name).await, Err(MediaError::NotFound)));
    assert!(matches!(
        media.remove_participant(&name, "nobody").await,
        Err(MediaError::NotFound)
    ));
    let promoted = media
        .set_permission(&name, "nobody", media_bridge::Permission::Speak)
        .await;
    assert!(matches!(promoted, Err(MediaError::NotFound)), "{promoted:?}");
    assert_eq!(media.list_participants(&name).await.expect("an answer"), []);
    let created = media.create_room(&name, 10).await.expect("a room");
    assert_eq!(media.create_room(&name, 10).await.expect("the same room"), created);

    let mut config = stage.sfu.config();
    config.api_secret = "another secret, also of at least 32 characters".into();
    let refused = media_bridge::LiveKit::new(config).list_rooms().await;
    assert!(matches!(refused, Err(MediaError::Refused(_))), "{refused:?}");
}
