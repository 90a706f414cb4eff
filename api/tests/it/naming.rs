//! What people are called: said by them, shown to those who are inside with them, gone when they want it or are erased.

use std::sync::Arc;

use http::Method;
use media_bridge::fake::FakeMediaServer;
use serde_json::{Value, json};
use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ALICE, Answer, BOB, CLEO, DORA, HOST, Person, Shop, TestApp, text};

const PATH: &str = "/v1/me/profile";
const SURNAME: &str = "Pleasance";

async fn say(app: &TestApp, person: Person, name: &str) {
    let body = json!({"display_name": name});
    let said = app.put(PATH).by(person).json(&body).send().await;
    assert_eq!(said.expect_written(200).0, body);
}

async fn called(app: &TestApp, person: Person) -> Value {
    app.get(PATH).by(person).send().await.expect(200)["display_name"].clone()
}

async fn take_back(app: &TestApp, person: Person) -> Answer {
    app.call(Method::DELETE, PATH).by(person).send().await
}

/// A live room: Cleo is a co-host, Alice has a ticket and asks to speak. All of them have said what they are called.
struct Room {
    app: TestApp,
    id: String,
    ticket: String,
}

impl Room {
    async fn open(options: PgConnectOptions) -> Self {
        let shop = Shop {
            media: Some(Arc::new(FakeMediaServer::new())),
            ..Shop::default()
        };
        let app = TestApp::start_as(options, shop).await;
        let id = app.schedule(HOST, "room", |room| room["capacity"] = json!(9)).await;
        let room = Self {
            ticket: app.buy(&id, ALICE, "a").await,
            app,
            id,
        };
        let co_host = room.app.put(room.path(&format!("co_hosts/{}", CLEO.id))).by(HOST);
        co_host.send().await.expect(200);
        room.post("open", HOST).await;
        for (person, name) in [(HOST, "Hedy"), (CLEO, "Cleo"), (ALICE, "Alice P."), (BOB, "Bob")] {
            say(&room.app, person, name).await;
        }
        room.post("speak_requests/me", ALICE).await;
        room
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/rooms/{}/{rest}", self.id)
    }

    async fn post(&self, rest: &str, by: Person) -> Value {
        self.app.post(self.path(rest)).by(by).send().await.expect(200)
    }

    async fn names(&self) -> Value {
        let stage = self.app.get(self.path("stage")).by(HOST).send().await;
        stage.expect(200)["display_names"].clone()
    }

    /// The token with which Alice comes in.
    async fn token(&self) -> String {
        let path = format!("/v1/tickets/{}/entry", self.ticket);
        let entry = self.app.post(path).by(ALICE).send().await.expect(200);
        text(&entry["token"]).to_owned()
    }

    async fn run(&self, sql: &str) {
        self.app.pool.execute(sql).await.expect("an administrator may");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_name_is_its_persons_to_say_and_to_take_back(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options.clone()).await;
    assert_eq!(called(&app, ALICE).await, Value::Null);
    say(&app, ALICE, "Alice P.").await;
    say(&app, BOB, "Alice P.").await;
    let spaced = json!({"display_name": format!("\u{3000} Alice {SURNAME} ")});
    let said = app.put(PATH).by(ALICE).json(&spaced).send().await.expect(200);
    assert_eq!(said["display_name"], format!("Alice {SURNAME}"));
    let read = app.get(PATH).by(ALICE).send().await;
    let etag = read.header("etag").expect("a tag").to_owned();
    let again = app.get(PATH).by(ALICE).header("if-none-match", &etag).send().await;
    again.expect(304);
    let head = app.head().await;
    let too_long = "x".repeat(81);
    for bad in [
        json!(""),
        json!(" "),
        json!(too_long),
        json!("a\nb"),
        json!("a\u{202e}b"),
        json!(7),
        json!(null),
    ] {
        let answer = app.put(PATH).by(ALICE).json(&json!({"display_name": bad})).send().await;
        answer.expect_problem(422, "invalid_field");
        assert_eq!(answer.pointer(), Some("/display_name"), "{bad}");
        let word = bad.as_str().filter(|word| word.len() > 2);
        assert!(word.is_none_or(|word| !answer.text.contains(word)), "{}", answer.text);
    }
    app.put(PATH)
        .by(ALICE)
        .json(&json!({}))
        .send()
        .await
        .expect_problem(422, "invalid_field");
    assert_eq!(called(&app, ALICE).await, format!("Alice {SURNAME}"));
    assert_eq!(app.head().await, head, "nothing of it is on the log");
    app.stop().await;
    // It is kept over a restart.
    let app = TestApp::start(options).await;
    assert_eq!(called(&app, ALICE).await, format!("Alice {SURNAME}"));
    for _ in 0..2 {
        let gone = take_back(&app, ALICE).await.expect_written(200).0;
        assert_eq!(gone["display_name"], Value::Null);
    }
    assert_eq!(called(&app, ALICE).await, Value::Null);
    assert_eq!(called(&app, BOB).await, "Alice P.");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn names_are_shown_where_people_are_listed(_: PgPoolOptions, options: PgConnectOptions) {
    let room = Room::open(options).await;
    let app = &room.app;
    // Bob is not here, so his name is not either.
    let expected = json!({HOST.id: "Hedy", CLEO.id: "Cleo", ALICE.id: "Alice P."});
    assert_eq!(room.names().await, expected);
    let token = room.token().await;
    assert!(token.ends_with(", called Alice P."), "{token}");
    let host_side = app.post(room.path("entry")).by(HOST).send().await.expect(200);
    assert!(text(&host_side["token"]).ends_with(", called Hedy"), "{host_side}");

    let ban = app.post(room.path("bans")).by(HOST);
    ban.json(&json!({"user_id": BOB.id})).send().await.expect(200);
    let bans = app.get(room.path("bans")).by(HOST).send().await.expect(200);
    assert_eq!(bans["display_names"], json!({BOB.id: "Bob"}));
    let everywhere = |person: Person| app.put(format!("/v1/me/bans/{}", person.id)).by(HOST);
    everywhere(BOB).send().await.expect(202);
    everywhere(DORA).send().await.expect(202);
    let mine = app.get("/v1/me/bans").by(HOST).send().await.expect(200);
    assert_eq!(mine["display_names"], json!({BOB.id: "Bob"}), "Dora has said nothing");

    take_back(app, ALICE).await.expect(200);
    assert_eq!(room.names().await, json!({HOST.id: "Hedy", CLEO.id: "Cleo"}));
    assert!(!room.token().await.contains("called"));
    // Bob is on lists of banned people, and nobody counts on him: he may be erased.
    app.call(Method::DELETE, "/v1/me").by(BOB).send().await.expect(200);
    let mine = app.get("/v1/me/bans").by(HOST).send().await.expect(200);
    assert_eq!(mine["display_names"], json!({}));
    assert_eq!(mine["user_ids"].as_array().map(Vec::len), Some(2));
    let log = app
        .get("/v1/log/events?limit=200")
        .by(crate::support::ADMIN)
        .send()
        .await
        .text;
    for name in ["Hedy", "Cleo", "Alice P."] {
        assert!(!log.contains(name), "{name} is on the log");
    }
    room.app.stop().await;
}

/// Whatever is lost of the vault, names are missing and nothing else.
#[sqlx::test(migrations = "../migrations")]
async fn a_room_goes_on_without_the_vault(_: PgPoolOptions, options: PgConnectOptions) {
    let room = Room::open(options).await;
    let app = &room.app;
    for loss in [
        // Another vault key wrapped them, or says that it did.
        "UPDATE person_keys SET vault_key = '\\x0000000000000000'",
        "TRUNCATE person_keys",
        "TRUNCATE person_vault",
    ] {
        room.run(loss).await;
        assert_eq!(room.names().await, json!({}), "{loss}");
        assert_eq!(called(app, ALICE).await, Value::Null, "{loss}");
        assert!(!room.token().await.contains("called"), "{loss}");
        app.get(room.path("bans")).by(HOST).send().await.expect(200);
        say(app, ALICE, "Alice again").await;
        assert_eq!(room.names().await, json!({ALICE.id: "Alice again"}), "{loss}");
    }
    room.app.stop().await;
}
