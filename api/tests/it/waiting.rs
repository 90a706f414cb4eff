//! The waiting list, and money that comes too late.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ALICE, BOB, HOST, OTHER_HOST, Person, TestApp};

const CLEO: Person = OTHER_HOST;

impl TestApp {
    async fn join(&self, room: &str, who: Person, key: &str) -> Value {
        let path = format!("/v1/rooms/{room}/waiting_list/me");
        self.post(path).by(who).key(key).send().await.expect(201)
    }

    async fn place(&self, room: &str, who: Person) -> Value {
        let path = format!("/v1/rooms/{room}/waiting_list/me");
        self.get(path).by(who).send().await.expect(200)
    }

    async fn is_offered(&self, room: &str, who: Person) -> String {
        let path = format!("/v1/rooms/{room}/waiting_list/me");
        let place = self.eventually(who, &path, |place| place["state"] == "offered").await;
        place["offer"]["ticket_id"].as_str().expect("a ticket").to_owned()
    }

    /// One seat, so that the second buyer waits.
    async fn small_room(&self, change: impl FnOnce(&mut Value)) -> String {
        let one_seat = |room: &mut Value| {
            room["capacity"] = json!(1);
            change(room);
        };
        self.schedule(HOST, "room", one_seat).await
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn first_come_first_served_and_a_declined_offer_passes_on(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.small_room(|_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    assert_eq!(app.join(&room, BOB, "b").await["place"], 1);
    assert_eq!(app.join(&room, CLEO, "c").await["place"], 2);
    let again = app.join(&room, BOB, "b").await;
    assert_eq!((&again["state"], &again["place"]), (&json!("waiting"), &json!(1)));
    let mine = app.get(format!("/v1/rooms/{room}/waiting_list/me")).by(ALICE);
    mine.send().await.expect_problem(404, "not_found");

    let release = app.post(format!("/v1/tickets/{ticket}/release")).by(ALICE);
    release.send().await.expect(200);
    let offer = app.place(&room, BOB).await;
    assert_eq!((&offer["state"], &offer["place"]), (&json!("offered"), &Value::Null));
    assert_eq!(app.place(&room, CLEO).await["place"], 1);
    let held = app
        .post(format!("/v1/rooms/{room}/tickets"))
        .by(ALICE)
        .key("a2")
        .send()
        .await;
    held.expect_problem(409, "sold_out");

    let decline = app.call(http::Method::DELETE, format!("/v1/rooms/{room}/waiting_list/me"));
    assert_eq!(decline.by(BOB).send().await.expect(200)["state"], "left");
    let offered = app.is_offered(&room, CLEO).await;
    let payment = app.start_payment(&offered, CLEO, "c").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&offered, CLEO, "issued").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_seat_that_lapses_goes_down_the_line_by_itself(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.small_room(|_| {}).await;
    app.hold(&room, ALICE, "a").await;
    app.join(&room, BOB, "b").await;
    app.join(&room, CLEO, "c").await;
    // Alice does not pay, Bob does not either.
    app.let_holds_lapse();
    app.is_offered(&room, BOB).await;
    app.let_offers_lapse();
    let offered = app.is_offered(&room, CLEO).await;
    let bobs = app.get("/v1/me/tickets?limit=1").by(BOB).send().await.expect(200);
    assert_ne!(
        bobs["data"][0]["id"],
        offered.as_str(),
        "each offer is a ticket of its own"
    );
    app.let_offers_lapse();
    app.ticket_becomes(&offered, CLEO, "lapsed").await;
    let path = format!("/v1/rooms/{room}");
    app.eventually(ALICE, &path, |room| room["seats"]["free"] == 1).await;
    app.hold(&room, ALICE, "again").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_line_is_over_when_the_room_is_cancelled(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.small_room(|_| {}).await;
    app.buy(&room, ALICE, "a").await;
    app.join(&room, BOB, "b").await;
    app.post(format!("/v1/rooms/{room}/cancel"))
        .by(HOST)
        .send()
        .await
        .expect(202);
    let path = format!("/v1/rooms/{room}/waiting_list/me");
    app.get(&path).by(BOB).send().await.expect_problem(404, "not_found");
    let late = app.post(&path).by(CLEO).key("c").send().await;
    late.expect_problem(409, "room_over");
    app.stop().await;
}
