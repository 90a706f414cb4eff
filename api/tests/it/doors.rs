//! The doors of a room, with a media server in memory: the lobby, one connection for each ticket, and the line.

use std::sync::Arc;

use chrono::TimeDelta;
use media_bridge::fake::FakeMediaServer;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::live::Listening;
use crate::support::{ALICE, Answer, BOB, CLEO, DORA, HOST, Person, Shop, TestApp, text};

/// A room of the host on sale, with a media server behind it.
struct House {
    app: TestApp,
    media: Arc<FakeMediaServer>,
    room: String,
}

impl House {
    async fn build(options: PgConnectOptions, doors_per_second: u32) -> Self {
        let media = Arc::new(FakeMediaServer::new());
        let shop = Shop {
            media: Some(Arc::clone(&media)),
            doors_per_second,
            ..Shop::default()
        };
        let app = TestApp::start_as(options, shop).await;
        let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(9)).await;
        Self { app, media, room }
    }

    async fn host_does(&self, what: &str) -> Value {
        let path = format!("/v1/rooms/{}/{what}", self.room);
        self.app.post(path).by(HOST).send().await.expect(200)
    }

    async fn host_comes(&self, person: Person) -> Answer {
        let path = format!("/v1/rooms/{}/entry", self.room);
        self.app.post(path).by(person).send().await
    }

    async fn comes(&self, ticket: &str, person: Person) -> Answer {
        let path = format!("/v1/tickets/{ticket}/entry");
        self.app.post(path).by(person).send().await
    }

    async fn door(&self, ticket: &str, person: Person) -> Value {
        let path = format!("/v1/tickets/{ticket}/entry");
        self.app.get(path).by(person).send().await.expect(200)
    }

    /// Connects with a token, as its text says.
    fn connect(&self, entry: &Value) -> String {
        let token = text(&entry["token"]);
        let words: Vec<&str> = token.split([' ', ',']).collect();
        let (identity, session) = (words[0], words[3]);
        let number = entry["entry"].as_u64().and_then(|number| u32::try_from(number).ok());
        let joined = self.media.join_with(session, identity, number.expect("a number"), None);
        joined.expect("the room is there");
        session.to_owned()
    }

    async fn events_of(&self, kind: &str) -> Vec<Value> {
        let events = self.app.events().await.into_iter();
        events.filter(|event| event["event_type"] == kind).collect()
    }
}

const UNPACED: u32 = 10_000;

#[sqlx::test(migrations = "../migrations")]
async fn a_second_device_takes_over_and_everybody_concerned_is_told(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::build(options, UNPACED).await;
    let app = &house.app;
    let ticket = app.buy(&house.room, ALICE, "a").await;
    house.host_does("open").await;
    let first = house.comes(&ticket, ALICE).await.expect(200);
    let told = |entry: &Value| (entry["entry"].clone(), entry["took_over"].clone());
    assert_eq!(told(&first), (json!(1), json!(false)));
    // The answer was lost, nobody is connected: the same entry once more.
    assert_eq!(
        told(&house.comes(&ticket, ALICE).await.expect(200)),
        (json!(1), json!(false))
    );

    house.connect(&first);
    let mut mine = Listening::to(app, "/v1/me/events", Some(ALICE), None).await;
    let path = format!("/v1/tickets/{ticket}/entry/events");
    let mut door = Listening::to(app, &path, Some(ALICE), None).await;
    assert_eq!(door.next().await.expect("a first message").2["entry"], 1);
    let second = house.comes(&ticket, ALICE).await.expect(200);
    assert_eq!(told(&second), (json!(2), json!(true)));
    let (_, _, change) = mine.until("entry_taken_over").await;
    assert_eq!(change["ticket_id"], json!(ticket));
    let (event, _, state) = door.next().await.expect("the stream goes on");
    assert_eq!(
        (event.as_str(), &state["entry"], &state["state"]),
        ("entry", &json!(2), &json!("open"))
    );
    assert_eq!(house.door(&ticket, ALICE).await["entry"], 2);

    // Both at once: each has a number of its own, and the last one is good.
    let (one, other) = tokio::join!(house.comes(&ticket, ALICE), house.comes(&ticket, ALICE));
    let mut numbers = [one, other].map(|answer| answer.expect(200)["entry"].as_u64());
    numbers.sort_unstable();
    assert_eq!(numbers, [Some(3), Some(4)]);
    let recorded = house.events_of("entry_taken_over").await;
    let data = recorded[0]["payload"].as_object();
    let mut fields: Vec<&str> = data.expect("a payload").keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["entry", "taken_over_at", "ticket_id", "type", "user"]);
    assert_eq!(recorded.len(), 3);
    house.app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_hosts_side_waits_in_the_lobby_and_is_there_when_the_room_opens(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let house = House::build(options, UNPACED).await;
    let app = &house.app;
    let ticket = app.buy(&house.room, ALICE, "a").await;
    let early = app
        .schedule(HOST, "early", |room| {
            room["starts_at"] = json!(app.now() + TimeDelta::hours(3));
        })
        .await;
    let too_early = app.post(format!("/v1/rooms/{early}/entry")).by(HOST).send().await;
    too_early.expect_problem(409, "room_not_live");
    let appoint = app
        .put(format!("/v1/rooms/{}/co_hosts/{}", house.room, CLEO.id))
        .by(HOST);
    appoint.send().await.expect(200);

    let cleo = house.host_comes(CLEO).await.expect(200);
    assert_eq!((&cleo["room_state"], &cleo["entry"]), (&json!("lobby"), &json!(1)));
    let session = house.connect(&cleo);
    house.connect(&house.host_comes(HOST).await.expect(200));
    // Among themselves nobody is taken over on the log; they are told all the same.
    let again = house.host_comes(CLEO).await.expect(200);
    assert_eq!((&again["took_over"], &again["entry"]), (&json!(true), &json!(1)));
    house.host_comes(ALICE).await.expect_problem(403, "forbidden");
    house.comes(&ticket, ALICE).await.expect_problem(409, "room_not_live");
    assert_eq!(house.door(&ticket, ALICE).await["state"], "not_open");

    house.host_does("open").await;
    let entry = house.comes(&ticket, ALICE).await.expect(200);
    assert_eq!(house.connect(&entry), session, "where the host's side is already");
    let over = house.host_comes(HOST).await.expect(200);
    assert_eq!(
        (&over["room_state"], &over["entry"], &over["took_over"]),
        (&json!("live"), &json!(2), &json!(true))
    );
    assert_eq!(house.media.people(&session).len(), 3, "nobody was sent out");
    assert_eq!(house.events_of("lobby_opened").await.len(), 1);
    assert_eq!(house.media.ceiling(&session), Some(1_000 + 3 + 2));
    house.app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_comes_when_many_do_has_a_place_in_line_by_the_log(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::build(options, 1).await;
    let app = &house.app;
    let mut tickets = vec![];
    for (person, key) in [(ALICE, "a"), (BOB, "b"), (CLEO, "c"), (DORA, "d")] {
        tickets.push((app.buy(&house.room, person, key).await, person));
    }
    house.host_does("open").await;
    let [(alices, _), (bobs, _), (cleos, _), (doras, _)] = &tickets[..] else {
        panic!("four tickets");
    };
    assert_eq!(house.door(bobs, BOB).await["state"], "not_presented");
    // Somebody is let in an hour from now; then it is now again.
    app.advance(TimeDelta::hours(1));
    house.comes(alices, ALICE).await.expect(200);
    app.advance(TimeDelta::hours(-1));
    let mut waits = vec![];
    for (ticket, person) in &tickets[1..] {
        let busy = house.comes(ticket, *person).await;
        busy.expect_problem(503, "doors_busy");
        let wait: i64 = busy
            .header("retry-after")
            .and_then(|text| text.parse().ok())
            .expect("seconds");
        let again = house.comes(ticket, *person).await;
        again.expect_problem(503, "doors_busy");
        waits.push(wait);
    }
    assert!(
        waits.is_sorted() && waits.iter().all(|wait| (3_500..=3_603).contains(wait)),
        "{waits:?}"
    );
    let presented: Vec<Value> = house.events_of("ticket_presented").await;
    let order: Vec<&str> = presented.iter().map(|event| text(&event["aggregate_id"])).collect();
    assert_eq!(order, [alices, bobs, cleos, doras], "once each, and in this order");

    let path = format!("/v1/tickets/{doras}/entry/events");
    let mut stream = Listening::to(app, &path, Some(DORA), None).await;
    let (_, _, told) = stream.next().await.expect("a first message");
    assert_eq!((&told["state"], &told["place"]), (&json!("waiting"), &json!(4)));
    assert_eq!(house.door(cleos, CLEO).await["place"], 3);
    // Whoever is out of the room is out of the line.
    let ban = app.post(format!("/v1/rooms/{}/bans", house.room)).by(HOST);
    ban.json(&json!({"user_id": CLEO.id})).send().await.expect(200);

    app.advance(TimeDelta::seconds(waits[0] + 1));
    house.comes(bobs, BOB).await.expect(200);
    let refused = house.comes(cleos, CLEO).await;
    assert_eq!(
        (refused.code(), &refused.body["reason"]),
        ("entry_refused", &json!("banned"))
    );
    app.advance(TimeDelta::seconds(5));
    loop {
        let (_, _, told) = stream.next().await.expect("the stream goes on");
        if told["state"] == "open" {
            break;
        }
    }
    house.comes(doras, DORA).await.expect(200);
    house.app.stop().await;
}

/// The tables that hold a text, wherever in a row.
#[expect(clippy::disallowed_methods, reason = "whatever tables there are")]
async fn tables_with(pool: &PgPool, wanted: &str) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(pool)
    .await
    .expect("tables");
    let mut found = vec![];
    for table in tables {
        let query = format!("SELECT count(*) FROM {table} AS kept WHERE strpos(kept::text, $1) > 0");
        let count: i64 = sqlx::query_scalar(&query)
            .bind(wanted)
            .fetch_one(pool)
            .await
            .expect("a count");
        if count > 0 {
            found.push(table);
        }
    }
    found
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_lasts_minutes_and_is_kept_nowhere(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::build(options, UNPACED).await;
    let app = &house.app;
    let ticket = app.buy(&house.room, ALICE, "a").await;
    house.host_does("open").await;
    let entry = house.comes(&ticket, ALICE).await;
    let entry = entry.expect(200);
    let expires_at: domain::Timestamp = serde_json::from_value(entry["expires_at"].clone()).expect("a time");
    let ttl = expires_at - app.now();
    assert!(ttl > TimeDelta::seconds(60) && ttl <= TimeDelta::minutes(5), "{ttl}");
    app.advance(TimeDelta::minutes(1));
    let later = house.comes(&ticket, ALICE).await.expect(200);
    assert_ne!(later["expires_at"], entry["expires_at"], "made for each request");
    let token = text(&entry["token"]);
    assert_eq!(tables_with(&app.pool, token).await, Vec::<String>::new());
    assert_ne!(
        tables_with(&app.pool, &ticket).await,
        Vec::<String>::new(),
        "looked at something"
    );
    house.app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_larger_than_a_node_carries_is_refused_with_the_figure_and_its_source(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let house = House::build(options, UNPACED).await;
    let app = &house.app;
    let is_told = |refused: &Answer| {
        refused.expect_problem(422, "invalid_field");
        assert_eq!(refused.pointer(), Some("/capacity"));
        let detail = text(&refused.body["errors"][0]["detail"]);
        assert!(
            detail.contains("1000 listeners") && detail.contains("LiveKit measured"),
            "{detail}"
        );
    };
    let mut room = app.room();
    room["capacity"] = json!(1_001);
    is_told(&app.post("/v1/rooms").by(HOST).key("too-large").json(&room).send().await);
    let path = format!("/v1/rooms/{}", house.room);
    let larger = json!({"capacity": 1_001});
    is_told(&app.patch(&path).by(HOST).json(&larger).send().await);
    house.app.stop().await;
}

/// `rules.md` 21: by the policy of the sale, by the host, by an admin.
#[sqlx::test(migrations = "../migrations")]
async fn a_ban_before_the_opening_gives_nothing_back_by_itself(_: PgPoolOptions, options: PgConnectOptions) {
    let house = House::build(options, UNPACED).await;
    let app = &house.app;
    let ticket = app.buy(&house.room, ALICE, "a").await;
    let ban = app.post(format!("/v1/rooms/{}/bans", house.room)).by(HOST);
    ban.json(&json!({"user_id": ALICE.id})).send().await.expect(200);
    house.host_does("open").await;
    let refused = house.comes(&ticket, ALICE).await;
    assert_eq!(
        (refused.code(), &refused.body["reason"]),
        ("entry_refused", &json!("banned"))
    );
    // What is bought later has gone all its way: what happens by itself has had its time.
    app.buy(&house.room, BOB, "b").await;
    let path = format!("/v1/tickets/{ticket}");
    let kept = app.eventually(ALICE, &path, |body| body["state"] == "issued").await;
    assert_eq!(kept["refunds"], json!([]));
    assert!(house.events_of("refund_owed").await.is_empty());
    let seats = json!({"free": 7, "held": 0, "sold": 2});
    app.eventually(HOST, &format!("/v1/rooms/{}", house.room), |room| {
        room["seats"] == seats
    })
    .await;

    let refund = app.post(format!("{path}/refunds")).by(HOST).key("r").json(&json!({}));
    assert!(refund.send().await.status.is_success());
    app.ticket_becomes(&ticket, ALICE, "refunded").await;
    let seats = json!({"free": 8, "held": 0, "sold": 1});
    app.eventually(HOST, &format!("/v1/rooms/{}", house.room), |room| {
        room["seats"] == seats
    })
    .await;
    house.app.stop().await;
}
