//! Recordings: who starts them, who agreed to be heard, who gets what was recorded, and for how long.

use std::time::{Duration, Instant};

use axum::body::Body;
use chrono::TimeDelta;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tower::ServiceExt as _;

use crate::live::Listening;
use crate::support::{ADMIN, ALICE, BOB, CLEO, DORA, HOST, Person, TestApp, text};

const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A live room of the host that may be recorded: Cleo is a co-host without a ticket, Alice and Bob have tickets.
struct Studio {
    app: TestApp,
    room: String,
}

impl Studio {
    async fn open(options: PgConnectOptions, for_holders: bool) -> Self {
        let app = TestApp::start(options).await;
        let terms = json!({"allowed": true, "for_holders": for_holders});
        let room = app
            .schedule(HOST, "room", |room| {
                room["capacity"] = json!(9);
                room["recording"] = terms;
            })
            .await;
        app.buy(&room, ALICE, "a").await;
        app.buy(&room, BOB, "b").await;
        let studio = Self { app, room };
        let co_host = studio.path(&format!("co_hosts/{}", CLEO.id));
        studio.app.put(co_host).by(HOST).send().await.expect(200);
        studio.post("open", HOST).await;
        studio
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/rooms/{}/{rest}", self.room)
    }

    async fn post(&self, rest: &str, by: Person) -> Value {
        self.app.post(self.path(rest)).by(by).send().await.expect(200)
    }

    async fn is_refused(&self, rest: &str, by: Person, status: u16, code: &str) {
        let answer = self.app.post(self.path(rest)).by(by).send().await;
        answer.expect_problem(status, code);
    }

    /// The host's list, once it is so.
    async fn recordings(&self, is_it: impl Fn(&Value) -> bool + Send + Sync) -> Value {
        let path = self.path("recordings");
        let shown = self.app.eventually(HOST, &path, |body| is_it(&body["data"])).await;
        shown["data"].clone()
    }

    /// One that was stopped, with one part.
    async fn record(&self) -> Value {
        self.post("recording/consent", CLEO).await;
        self.post("recording/start", HOST).await;
        self.recordings(|data| data[0]["parts"][0].is_object()).await;
        self.post("recording/stop", HOST).await;
        let data = self.recordings(|data| !data[0]["parts"][0]["sha256"].is_null()).await;
        data[0].clone()
    }

    /// The status and the bytes.
    async fn download(&self, rest: &str, by: Person, range: Option<&str>) -> (StatusCode, Vec<u8>) {
        let mut request =
            Request::get(self.path(rest)).header("authorization", format!("Bearer {}", self.app.token(by)));
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.app.router().oneshot(request).await.expect("an answer");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("a body");
        (status, body.to_bytes().to_vec())
    }

    /// Nothing is left on the disk.
    async fn is_erased(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.app.studio.recorded_rooms() > 0 {
            assert!(Instant::now() < deadline, "files are left");
            tokio::time::sleep(POLL).await;
        }
    }

    async fn is_hidden_from(&self, rest: &str, person: Person) {
        let answer = self.app.get(self.path(rest)).by(person).send().await;
        answer.expect_problem(404, "not_found");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_recording_is_started_stopped_and_seen_by_everybody(_: PgPoolOptions, options: PgConnectOptions) {
    let studio = Studio::open(options, false).await;
    let shown = async || {
        let path = format!("/v1/rooms/{}?min_position={}", studio.room, studio.app.head().await);
        studio.app.get(path).send().await.expect(200)["recording"].clone()
    };
    let as_agreed = json!({"allowed": true, "running": false, "for_holders": false, "retention_days": 30});
    assert_eq!(shown().await, as_agreed);
    let mut following = Listening::to(&studio.app, &studio.path("stage/events"), Some(ALICE), None).await;
    let (_, _, stage) = following.next().await.expect("a stage");
    assert_eq!(stage["recording"], json!({"allowed": true, "running": false}));

    studio.is_refused("recording/start", ALICE, 403, "forbidden").await;
    studio
        .is_refused("recording/start", HOST, 409, "recording_consent_required")
        .await;
    let started = studio.post("recording/start", CLEO).await;
    assert_eq!(started["recording"], json!({"allowed": true, "running": true}));
    assert_eq!(shown().await["running"], json!(true));
    while let Some((_, _, stage)) = following.next().await {
        if stage["recording"]["running"] == json!(true) {
            break;
        }
    }
    studio.recordings(|data| data[0]["parts"][0].is_object()).await;
    assert!(studio.app.studio.recorder.is_recording());
    let stopped = studio.post("recording/stop", HOST).await;
    assert_eq!(stopped["recording"]["running"], json!(false));
    let data = studio
        .recordings(|data| !data[0]["parts"][0]["ended_at"].is_null())
        .await;
    assert_eq!(data[0]["state"], json!("stopped"));
    assert_eq!(data[0]["parts"][0]["broke_off"], json!(false));
    assert!(!studio.app.studio.recorder.is_recording());
}

#[sqlx::test(migrations = "../migrations")]
async fn who_would_speak_agrees_first(_: PgPoolOptions, options: PgConnectOptions) {
    let studio = Studio::open(options, false).await;
    studio
        .is_refused("speak_requests/me", ALICE, 409, "recording_consent_required")
        .await;
    studio.post("recording/consent", ALICE).await;
    studio.post("recording/consent", ALICE).await;
    studio.post("speak_requests/me", ALICE).await;
    studio.post(&format!("stage/{}/invite", BOB.id), HOST).await;
    studio
        .is_refused("stage/me/accept", BOB, 409, "recording_consent_required")
        .await;
    studio.post("recording/consent", BOB).await;
    let stage = studio.post("stage/me/accept", BOB).await;
    assert_eq!(stage["speakers"], json!([BOB.id]));
    studio.is_refused("recording/consent", DORA, 409, "not_in_room").await;
    let consents = studio.app.events().await;
    let consents = consents
        .iter()
        .filter(|event| event["event_type"] == "recording_consented");
    assert_eq!(consents.count(), 2, "a repeat records nothing");
    let change = json!({"recording": {"allowed": false}});
    let path = format!("/v1/rooms/{}", studio.room);
    let answer = studio.app.patch(path).by(HOST).json(&change).send().await;
    answer.expect_problem(409, "wrong_state");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_that_does_not_allow_it_is_not_recorded(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let post = async |rest: &str| app.post(format!("/v1/rooms/{room}/{rest}")).by(HOST).send().await;
    post("open").await.expect(200);
    post("recording/start")
        .await
        .expect_problem(409, "recording_not_allowed");
    let mut body = app.room();
    body["recording"] = json!({"allowed": true, "retention_days": 0});
    let answer = app
        .post("/v1/rooms")
        .by(HOST)
        .key("another-room")
        .json(&body)
        .send()
        .await;
    answer.expect_problem(422, "invalid_field");
    assert_eq!(answer.pointer(), Some("/recording/retention_days"));
}

/// A recorder that dies, and one whose process forgets everything: another part goes on, and says so.
#[sqlx::test(migrations = "../migrations")]
async fn what_breaks_off_goes_on_as_another_part(_: PgPoolOptions, options: PgConnectOptions) {
    let studio = Studio::open(options, false).await;
    studio.post("recording/start", CLEO).await;
    studio.recordings(|data| data[0]["parts"][0].is_object()).await;
    studio.app.studio.recorder.break_off();
    studio.recordings(|data| data[0]["parts"][1].is_object()).await;
    studio.app.studio.recorder.restart();
    studio.recordings(|data| data[0]["parts"][2].is_object()).await;
    studio.app.studio.recorder.set_away(true);
    studio.post("end", HOST).await;
    studio.app.studio.recorder.set_away(false);
    let data = studio
        .recordings(|data| !data[0]["parts"][2]["ended_at"].is_null())
        .await;
    let parts = data[0]["parts"].as_array().expect("parts").iter();
    let broke_off: Vec<&Value> = parts.map(|part| &part["broke_off"]).collect();
    assert_eq!(broke_off, [&json!(true), &json!(true), &json!(false)]);
    assert_eq!(data[0]["state"], json!("stopped"), "it ends with the room");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_host_has_it_and_to_others_it_is_as_if_there_was_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    let studio = Studio::open(options, false).await;
    let recording = studio.record().await;
    let one = format!("recordings/{}", text(&recording["id"]));
    let (file, manifest) = (format!("{one}/parts/1"), format!("{one}/manifest"));
    let (status, bytes) = studio.download(&file, HOST, None).await;
    assert_eq!(status, StatusCode::OK);
    let part = &recording["parts"][0];
    assert_eq!(part["bytes"], json!(bytes.len()));
    assert_eq!(part["sha256"], json!(format!("{:x}", Sha256::digest(&bytes))));
    let (status, range) = studio.download(&file, ADMIN, Some("bytes=4-11")).await;
    assert_eq!((status, &*range), (StatusCode::PARTIAL_CONTENT, &bytes[4..12]));
    let noted = studio.app.get(studio.path(&manifest)).by(HOST).send().await.expect(200);
    assert_eq!(noted["parts"][0]["file"]["sha256"], part["sha256"]);
    for path in ["recordings", &one, &file, &manifest] {
        for person in [ALICE, CLEO, DORA] {
            studio.is_hidden_from(path, person).await;
        }
    }
    studio.is_hidden_from(&format!("{one}/parts/2"), HOST).await;
    studio.is_hidden_from(&format!("{one}/parts/x"), HOST).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn ticket_holders_have_it_if_the_host_allows_it(_: PgPoolOptions, options: PgConnectOptions) {
    let studio = Studio::open(options, true).await;
    let recording = studio.record().await;
    studio.post("end", HOST).await;
    let one = format!("recordings/{}", text(&recording["id"]));
    let file = format!("{one}/parts/1");
    for person in [ALICE, CLEO, HOST, ADMIN] {
        assert_eq!(studio.download(&file, person, None).await.0, StatusCode::OK);
    }
    studio.is_hidden_from(&file, DORA).await;
    let delete = async |by: Person| {
        let call = studio.app.call(Method::DELETE, studio.path(&one));
        call.by(by).send().await
    };
    delete(ALICE).await.expect_problem(403, "forbidden");
    delete(DORA).await.expect_problem(404, "not_found");
    assert_eq!(delete(HOST).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        delete(HOST).await.status,
        StatusCode::NO_CONTENT,
        "a repeat changes nothing"
    );
    for person in [ALICE, HOST, ADMIN] {
        studio.is_hidden_from(&file, person).await;
    }
    let data = studio.recordings(|data| data[0]["state"] == json!("deleted")).await;
    assert!(!data[0]["deleted_at"].is_null());
    studio.is_erased().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn it_is_deleted_by_itself_when_it_is_due(_: PgPoolOptions, options: PgConnectOptions) {
    let studio = Studio::open(options, false).await;
    studio.record().await;
    studio.app.advance(TimeDelta::days(31));
    studio.recordings(|data| data[0]["state"] == json!("deleted")).await;
    let events = studio.app.events().await;
    let deleted = events.iter().find(|event| event["event_type"] == "recording_deleted");
    assert_eq!(deleted.expect("an event")["payload"]["reason"], json!("retention_over"));
    studio.is_erased().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_being_recorded_is_not_deleted(_: PgPoolOptions, options: PgConnectOptions) {
    let studio = Studio::open(options, false).await;
    studio.post("recording/start", CLEO).await;
    let data = studio.recordings(|data| data[0]["parts"][0].is_object()).await;
    let path = studio.path(&format!("recordings/{}", text(&data[0]["id"])));
    let answer = studio.app.call(Method::DELETE, path).by(HOST).send().await;
    answer.expect_problem(409, "wrong_state");
}
