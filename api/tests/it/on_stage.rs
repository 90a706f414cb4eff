//! The stage of a live room: who is let up, silenced, sent out, and by whom.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::live::Listening;
use crate::support::{ALICE, BOB, CLEO, DORA, HOST, Person, TestApp};

/// A live room of the host: Cleo is a co-host without a ticket, Alice and Bob have tickets.
struct Stage {
    app: TestApp,
    room: String,
    ticket: String,
}

impl Stage {
    async fn set(options: PgConnectOptions) -> Self {
        let app = TestApp::start(options).await;
        let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(9)).await;
        let stage = Self {
            ticket: app.buy(&room, ALICE, "a").await,
            app,
            room,
        };
        stage.app.buy(&stage.room, BOB, "b").await;
        stage.put(&format!("co_hosts/{}", CLEO.id), HOST).await;
        stage.post("open", HOST).await;
        stage
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/rooms/{}/{rest}", self.room)
    }

    async fn post(&self, rest: &str, by: Person) -> Value {
        self.app.post(self.path(rest)).by(by).send().await.expect(200)
    }

    async fn put(&self, rest: &str, by: Person) -> Value {
        self.app.put(self.path(rest)).by(by).send().await.expect(200)
    }

    async fn delete(&self, rest: &str, by: Person) -> Value {
        let call = self.app.call(http::Method::DELETE, self.path(rest));
        call.by(by).send().await.expect(200)
    }

    async fn is_refused(&self, rest: &str, by: Person, status: u16, code: &str) {
        let answer = self.app.post(self.path(rest)).by(by).send().await;
        answer.expect_problem(status, code);
    }

    async fn ban(&self, person: Person, by: Person) {
        let call = self.app.post(self.path("bans")).by(by);
        call.json(&json!({"user_id": person.id})).send().await.expect(200);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_co_host_runs_the_stage(_: PgPoolOptions, options: PgConnectOptions) {
    let stage = Stage::set(options).await;
    let alice = ALICE.id;
    // In the order of the log, whatever their ids are.
    stage.post("speak_requests/me", BOB).await;
    let asked = stage.post("speak_requests/me", ALICE).await;
    assert_eq!(asked["requests"], json!([BOB.id, alice]));
    assert_eq!(asked["co_hosts"], json!([CLEO.id]));
    let approved = stage.post(&format!("stage/{alice}/approve"), CLEO).await;
    assert_eq!(
        (&approved["speakers"], &approved["requests"]),
        (&json!([alice]), &json!([BOB.id]))
    );
    stage.post(&format!("stage/{}/decline", BOB.id), CLEO).await;
    let invited = stage.post(&format!("stage/{}/invite", BOB.id), CLEO).await;
    assert_eq!(
        (&invited["invitations"], &invited["requests"]),
        (&json!([BOB.id]), &json!([]))
    );
    let accepted = stage.post("stage/me/accept", BOB).await;
    assert_eq!(accepted["speakers"], json!([alice, BOB.id]));

    let muted = stage.post(&format!("stage/{alice}/mute"), CLEO).await;
    assert_eq!(muted["muted"], json!([alice]));
    let all = stage.post("stage/mute_all", HOST).await;
    assert_eq!(all["muted"], json!([CLEO.id, alice, BOB.id]));
    let unmuted = stage.post("stage/me/unmute", ALICE).await;
    assert_eq!(unmuted["muted"], json!([CLEO.id, BOB.id]));
    let down = stage.post("stage/me/step_down", ALICE).await;
    assert_eq!(down["speakers"], json!([BOB.id]));
    let moved = stage.post(&format!("stage/{}/dismiss", BOB.id), CLEO).await;
    assert_eq!((&moved["speakers"], &moved["muted"]), (&json!([]), &json!([CLEO.id])));

    let seen = stage.app.get(stage.path("stage")).by(BOB).send().await.expect(200);
    assert_eq!(seen["host_id"], HOST.id);
    assert_eq!(
        (&seen["lead_id"], &seen["live"], &seen["listeners"]),
        (&json!(HOST.id), &json!(true), &json!(0))
    );
    stage.app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn powers_end_where_the_table_says(_: PgPoolOptions, options: PgConnectOptions) {
    let stage = Stage::set(options).await;
    let (alice, host) = (ALICE.id, HOST.id);
    stage
        .is_refused(&format!("stage/{alice}/invite"), BOB, 403, "forbidden")
        .await;
    stage
        .is_refused(&format!("stage/{host}/mute"), CLEO, 403, "forbidden")
        .await;
    stage
        .is_refused(&format!("stage/{alice}/mute"), CLEO, 409, "wrong_state")
        .await;
    stage.is_refused("stage/me/accept", ALICE, 409, "wrong_state").await;
    stage.is_refused("stage/me/unmute", DORA, 409, "not_in_room").await;
    stage.is_refused("end", CLEO, 403, "forbidden").await;
    let react = |by: Person, kind: &str| {
        let call = stage.app.post(stage.path("reactions")).by(by);
        call.json(&json!({"reaction": kind})).send()
    };
    react(DORA, "applause").await.expect_problem(403, "forbidden");
    react(ALICE, "applause").await.expect_problem(503, "media_unavailable");
    react(ALICE, "boo").await.expect_problem(422, "invalid_field");
    let second = stage.put(&format!("co_hosts/{}", DORA.id), HOST).await;
    assert_eq!(second["co_hosts"], json!([CLEO.id, DORA.id]));
    let path = format!("/v1/rooms/{}", stage.room);
    let head = stage.app.head().await;
    let room = stage
        .app
        .get(format!("{path}?min_position={head}"))
        .send()
        .await
        .expect(200);
    assert_eq!(room["co_host_ids"], json!([CLEO.id, DORA.id]));
    let third = stage
        .app
        .put(stage.path(&format!("co_hosts/{alice}")))
        .by(HOST)
        .send()
        .await;
    third.expect_problem(409, "stage_full");
    // The door of the host's side is theirs, for as long as they are of it.
    stage.is_refused("entry", CLEO, 503, "media_unavailable").await;
    let gone = stage.delete(&format!("co_hosts/{}", CLEO.id), CLEO).await;
    assert_eq!(gone["speakers"], Value::Null, "the stage is for those inside");
    stage.is_refused("entry", CLEO, 403, "forbidden").await;
    let stranger = stage.app.get(stage.path("stage")).by(CLEO).send().await;
    stranger.expect_problem(403, "forbidden");
    stage.app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_banned_from_a_room_is_out_of_it_until_it_is_over(_: PgPoolOptions, options: PgConnectOptions) {
    let stage = Stage::set(options).await;
    stage.ban(ALICE, CLEO).await;
    stage.ban(DORA, CLEO).await;
    let entry = format!("/v1/tickets/{}/entry", stage.ticket);
    let refused = stage.app.post(&entry).by(ALICE).send().await;
    refused.expect_problem(403, "entry_refused");
    assert_eq!(refused.body["reason"], "banned");
    let hold = || stage.app.post(stage.path("tickets")).by(DORA).key("dora").send();
    let refused = hold().await;
    refused.expect_problem(403, "entry_refused");
    assert_eq!(refused.body["reason"], "banned");
    let listed = stage.app.get(stage.path("bans")).by(HOST).send().await.expect(200);
    let mut expected = [ALICE.id, DORA.id];
    expected.sort_unstable();
    assert_eq!((&listed["here"], &listed["everywhere"]), (&json!(expected), &json!([])));

    stage.delete(&format!("bans/{}", DORA.id), HOST).await;
    hold().await.expect(201);
    stage.delete(&format!("bans/{}", ALICE.id), CLEO).await;
    let back = stage.app.post(&entry).by(ALICE).send().await;
    back.expect_problem(503, "media_unavailable");
    stage.app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_host_bans_from_all_their_rooms(_: PgPoolOptions, options: PgConnectOptions) {
    let stage = Stage::set(options).await;
    let app = &stage.app;
    let everywhere = |person: Person| move |bans: &Value| bans["everywhere"] == json!([person.id]);
    let mine = format!("/v1/me/bans/{}", ALICE.id);
    let banned = app.put(&mine).by(HOST).send().await.expect(202);
    assert_eq!(banned["user_ids"], json!([ALICE.id]));
    let oneself = app.put(format!("/v1/me/bans/{}", HOST.id)).by(HOST).send().await;
    oneself.expect_problem(409, "wrong_state");
    app.eventually(HOST, &stage.path("bans"), everywhere(ALICE)).await;
    let entry = app
        .post(format!("/v1/tickets/{}/entry", stage.ticket))
        .by(ALICE)
        .send()
        .await;
    assert_eq!(entry.body["reason"], "banned");

    // A room that is scheduled later follows, too; and is for everybody when the ban is over.
    let later = app.schedule(HOST, "later", |_| {}).await;
    let bans = format!("/v1/rooms/{later}/bans");
    app.eventually(HOST, &bans, everywhere(ALICE)).await;
    let hold = || {
        app.post(format!("/v1/rooms/{later}/tickets"))
            .by(ALICE)
            .key("again")
            .send()
    };
    assert_eq!(hold().await.body["reason"], "banned");
    let over = app.call(http::Method::DELETE, &mine).by(HOST).send().await.expect(202);
    assert_eq!(over["user_ids"], json!([]));
    app.eventually(HOST, &bans, |bans| bans["everywhere"] == json!([]))
        .await;
    hold().await.expect(201);
    stage.app.stop().await;
}

/// The next stage that is so, on a stream that tells nothing else.
async fn until(stream: &mut Listening, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let (event, _, stage) = stream.next().await.expect("the stream goes on");
        assert_eq!(event, "stage");
        if is_it(&stage) {
            return stage;
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_stage_is_told_whole_and_again_to_who_comes_back(_: PgPoolOptions, options: PgConnectOptions) {
    let stage = Stage::set(options).await;
    let path = stage.path("stage/events");
    let mut stream = Listening::to(&stage.app, &path, Some(BOB), None).await;
    let first = until(&mut stream, |_| true).await;
    assert_eq!(
        (&first["requests"], &first["co_hosts"]),
        (&json!([]), &json!([CLEO.id]))
    );
    stage.post("speak_requests/me", ALICE).await;
    until(&mut stream, |told| told["requests"] == json!([ALICE.id])).await;
    drop(stream);

    // What happened meanwhile is in the first message.
    stage.post(&format!("stage/{}/approve", ALICE.id), CLEO).await;
    stage.post("stage/mute_all", HOST).await;
    let mut stream = Listening::to(&stage.app, &path, Some(BOB), None).await;
    let back = until(&mut stream, |_| true).await;
    assert_eq!(
        (&back["speakers"], &back["muted"]),
        (&json!([ALICE.id]), &json!([CLEO.id, ALICE.id]))
    );
    let now = stage.app.get(stage.path("stage")).by(BOB).send().await.expect(200);
    assert_eq!(back, now);

    // Who may not be inside hears no more.
    stage.ban(BOB, HOST).await;
    while stream.next().await.is_some() {}
    stage.app.stop().await;
}
