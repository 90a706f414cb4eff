//! Erasing a person: what leads to them is gone, the log and its figures stay.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::dividing::books;
use crate::earning::record_delivery;
use crate::support::{ADMIN, ALICE, Answer, BOB, HOST, Person, TestApp, text};

/// Nothing that a test waits for takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

const ALICES: &str = "alice@example.org";

async fn reach(app: &TestApp, person: Person, email: &str) {
    for (path, body) in [
        ("/v1/me/contact", json!({"email": email})),
        ("/v1/me/profile", json!({"display_name": email})),
    ] {
        app.put(path).by(person).json(&body).send().await.expect(200);
    }
}

async fn erase_me(app: &TestApp, person: Person) -> Answer {
    app.call(http::Method::DELETE, "/v1/me").by(person).send().await
}

async fn erase(app: &TestApp, user: &str) -> Answer {
    let path = format!("/v1/people/{user}");
    app.call(http::Method::DELETE, path).by(ADMIN).send().await
}

/// Who the bearer of this token is on the log.
async fn id_of(app: &TestApp, person: Person) -> String {
    let host = app.get("/v1/me/host").by(person).send().await.expect(200);
    text(&host["user_id"]).to_owned()
}

#[track_caller]
fn expect_refusal(answer: &Answer, reason: &str) {
    answer.expect_problem(409, "erasure_refused");
    assert_eq!(answer.body["reason"], reason, "{}", answer.text);
}

async fn rows_about(app: &TestApp, user: &str) -> i64 {
    let user: uuid::Uuid = user.parse().expect("an id");
    sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM people WHERE user_id = $1)
                + (SELECT count(*) FROM contacts WHERE user_id = $1)
                + (SELECT count(*) FROM derived_people WHERE user_id = $1)
                + (SELECT count(*) FROM person_vault WHERE user_id = $1)
                + (SELECT count(*) FROM person_keys WHERE user_id = $1) AS "count!""#,
        user,
    )
    .fetch_one(&app.pool)
    .await
    .expect("a count")
}

#[sqlx::test(migrations = "../migrations")]
async fn an_erased_person_is_nobody_and_comes_back_as_somebody_new(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options.clone()).await;
    reach(&app, ALICE, ALICES).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    expect_refusal(&erase_me(&app, ALICE).await, "upcoming_room");
    app.post(format!("/v1/rooms/{room}/cancel"))
        .by(HOST)
        .json(&json!({}))
        .send()
        .await
        .expect(202);
    app.ticket_becomes(&ticket, ALICE, "refunded").await;
    let is_back = |ticket: &Value| ticket["refunds"][0]["state"] == "done";
    app.eventually(ALICE, &format!("/v1/tickets/{ticket}"), is_back).await;
    let before = books(&app).await;
    let (erased, position) = erase_me(&app, ALICE).await.expect_written(200);
    assert_eq!(erased["user_id"], ALICE.id);
    assert_eq!(rows_about(&app, ALICE.id).await, 0);
    let events = app
        .get(format!("/v1/log/events?after={}", position - 1))
        .by(ADMIN)
        .send()
        .await
        .expect(200);
    assert_eq!(events["data"][0]["event_type"], "person_erased");
    assert_eq!(events["data"][0]["payload"]["person"], ALICE.id);
    // The same token is somebody else's now, who has no ticket and no address.
    let reborn = id_of(&app, ALICE).await;
    assert_ne!(reborn, ALICE.id);
    assert_eq!(id_of(&app, ALICE).await, reborn);
    let contact = app.get("/v1/me/contact").by(ALICE).send().await.expect(200);
    let profile = app.get("/v1/me/profile").by(ALICE).send().await.expect(200);
    assert_eq!(
        (&contact["email"], &profile["display_name"]),
        (&Value::Null, &Value::Null)
    );
    app.get(format!("/v1/tickets/{ticket}"))
        .by(ALICE)
        .send()
        .await
        .expect_problem(404, "not_found");
    let tickets = app.get("/v1/me/tickets").by(ALICE).send().await.expect(200);
    assert_eq!(tickets["data"], json!([]));
    // Facts and figures are as they were.
    assert_eq!(books(&app).await, before);
    let sale = app
        .get(format!("/v1/tickets/{ticket}"))
        .by(ADMIN)
        .send()
        .await
        .expect(200);
    assert_eq!(sale["holder_id"], ALICE.id);
    app.stop().await;
    // So it is after a restart, when nothing is in memory.
    let app = TestApp::start(options).await;
    assert_eq!(id_of(&app, ALICE).await, reborn);
    let other = app.schedule(HOST, "other", |_| {}).await;
    app.buy(&other, ALICE, "b").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_admin_erases_once_and_nobody_unknown(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let unknown = "00000000-0000-7000-8000-000000000404";
    erase(&app, unknown).await.expect_problem(404, "not_found");
    reach(&app, BOB, "bob@example.org").await;
    let (_, position) = erase(&app, BOB.id).await.expect_written(200);
    let again = erase(&app, BOB.id).await.expect_written(200).1;
    assert!(again >= position);
    let log = app.get("/v1/log/events?limit=200").by(ADMIN).send().await;
    assert_eq!(
        log.text.matches("\"person_erased\"").count(),
        2,
        "one event, which names its type twice"
    );
    assert!(!log.text.contains("example.org"));
    assert_eq!(rows_about(&app, BOB.id).await, 0);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_holds_a_seat_or_is_owed_money_is_not_erased(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    expect_refusal(&erase_me(&app, HOST).await, "upcoming_room");
    let held = app.hold(&room, ALICE, "a").await;
    expect_refusal(&erase_me(&app, ALICE).await, "open_ticket");
    app.post(format!("/v1/tickets/{held}/release"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    erase_me(&app, ALICE).await.expect(200);
    let ticket = app.hold(&room, BOB, "b").await;
    let payment = app.start_payment(&ticket, BOB, "b").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, BOB, "issued").await;
    expect_refusal(&erase(&app, BOB.id).await, "upcoming_room");
    let dispute = json!({"payment_ref": payment["provider_ref"]});
    app.post("/sandbox/disputes")
        .by(ADMIN)
        .json(&dispute)
        .send()
        .await
        .expect(204);
    let deadline = std::time::Instant::now() + PATIENCE;
    while erase(&app, BOB.id).await.body["reason"] != "open_dispute" {
        assert!(std::time::Instant::now() < deadline, "the dispute is not heard of");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.stop().await;
}

/// The host's side was heard: the money is the host's, until it is paid out.
#[sqlx::test(migrations = "../migrations")]
async fn a_host_is_erased_when_the_money_is_out(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    for verb in ["open", "end"] {
        let path = format!("/v1/rooms/{room}/{verb}");
        app.post(path).by(HOST).send().await.expect(200);
    }
    expect_refusal(&erase_me(&app, HOST).await, "upcoming_room");
    expect_refusal(&erase_me(&app, ALICE).await, "upcoming_room");
    record_delivery(&app, &room).await;
    let is_earned = |body: &Value| body["balances"][0]["available"]["amount_minor"].as_i64() > Some(0);
    app.eventually(HOST, "/v1/me/earnings", is_earned).await;
    erase_me(&app, ALICE).await.expect(200);
    expect_refusal(&erase_me(&app, HOST).await, "open_balance");
    let destination = json!({"destination": "acct_host"});
    app.put("/v1/me/payout_destination")
        .by(HOST)
        .json(&destination)
        .send()
        .await
        .expect(200);
    let wish = json!({"currency": "USD"});
    app.post("/v1/me/payouts")
        .by(HOST)
        .key("all")
        .json(&wish)
        .send()
        .await
        .expect(202);
    app.eventually(HOST, "/v1/me/payouts", |body| body["data"][0]["state"] == "paid")
        .await;
    erase(&app, HOST.id).await.expect(200);
    app.get("/v1/me/payouts").by(HOST).send().await.expect(200);
    app.stop().await;
}

/// Who agreed to share a room is counted on like its host: until the room is over and each sale divided.
#[sqlx::test(migrations = "../migrations")]
async fn who_shares_a_room_is_erased_when_their_part_is_out(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let half = |person: Person| json!({"user_id": person.id, "basis_points": 5_000});
    let propose = app.put(format!("/v1/rooms/{room}/shares")).by(HOST);
    let shares = json!({"shares": [half(HOST), half(BOB)]});
    propose.json(&shares).send().await.expect(200);
    // Asked, and not bound yet. Whoever comes with the token from here on is somebody else, and so asked for once more.
    reach(&app, BOB, "bob@example.org").await;
    erase_me(&app, BOB).await.expect(200);
    let bob = id_of(&app, BOB).await;
    let shares = json!({"shares": [half(HOST), {"user_id": bob, "basis_points": 5_000}]});
    let propose = app.put(format!("/v1/rooms/{room}/shares")).by(HOST);
    propose.json(&shares).send().await.expect(200);
    let accept = app.post(format!("/v1/rooms/{room}/shares/me/accept")).by(BOB);
    accept.json(&json!({"basis_points": 5_000})).send().await.expect(200);
    expect_refusal(&erase_me(&app, BOB).await, "upcoming_room");
    app.buy(&room, ALICE, "a").await;
    for verb in ["open", "end"] {
        let path = format!("/v1/rooms/{room}/{verb}");
        app.post(path).by(HOST).send().await.expect(200);
        expect_refusal(&erase_me(&app, BOB).await, "upcoming_room");
    }
    record_delivery(&app, &room).await;
    let is_earned = |body: &Value| body["balances"][0]["available"]["amount_minor"].as_i64() > Some(0);
    app.eventually(BOB, "/v1/me/earnings", is_earned).await;
    expect_refusal(&erase_me(&app, BOB).await, "open_balance");
    let approve = app.post(format!("/v1/hosts/{bob}/approve")).by(ADMIN);
    approve.send().await.expect(200);
    app.link_destination(BOB).await;
    let ask = app.post("/v1/me/payouts").by(BOB).key("all");
    ask.json(&json!({"currency": "USD"})).send().await.expect(202);
    app.eventually(BOB, "/v1/me/payouts", |body| body["data"][0]["state"] == "paid")
        .await;
    erase_me(&app, BOB).await.expect(200);
    app.stop().await;
}

/// An application is judged by yes, no, counts and a country; what else a token or an admin says stays outside.
#[sqlx::test(migrations = "../migrations")]
async fn what_the_log_knows_of_an_applicant_is_no_persons_data(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let claims = json!({
        "name": "Alice Liddell", "birthdate": "1990-05-04", "email": ALICES, "email_verified": true,
        "phone_number": "+49 151 123456", "address": {"country": "DE", "street_address": "Gasse 4"},
    });
    let bearer = format!("Bearer {}", app.token_with(ALICE, &claims));
    let apply = app.put("/v1/me/host_application").header("authorization", &bearer);
    apply.json(&json!({})).send().await.expect(200);
    let state = |facts: Value| {
        let path = format!("/v1/hosts/{}/facts", ALICE.id);
        app.put(path).by(ADMIN).json(&facts).send()
    };
    state(json!({"adult": true, "country": "DE"})).await.expect(200);
    for (field, text) in [
        ("country", json!("Gasse 4, Berlin")),
        ("adult", json!("born 1990-05-04")),
        ("source", json!("a call with Alice Liddell")),
    ] {
        let refused = state(json!({"adult": true, (field): text})).await;
        assert_eq!(refused.status, 422, "{field}: {}", refused.text);
    }
    let suspend = app.post(format!("/v1/hosts/{}/suspend", ALICE.id)).by(ADMIN);
    let free_text = json!({"reason": "Alice Liddell called me names"});
    suspend
        .json(&free_text)
        .send()
        .await
        .expect_problem(422, "invalid_field");
    let log = app.get("/v1/log/events?limit=200").by(ADMIN).send().await.text;
    assert!(log.contains("host_applied") && log.contains("facts_stated"), "{log}");
    // A year alone is in every tenth log: ids and hashes are hexadecimal.
    for word in [
        "Liddell",
        "1990-05-04",
        ":1990",
        "example.org",
        "+49",
        "Gasse",
        "Berlin",
    ] {
        assert!(!log.contains(word), "{word} is on the log");
    }
    app.stop().await;
}

/// The process dies between the event and the deletion.
#[sqlx::test(migrations = "../migrations")]
async fn an_erasure_that_is_on_the_log_is_carried_out(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    reach(&app, ALICE, ALICES).await;
    assert_eq!(rows_about(&app, ALICE.id).await, 4);
    let erase = domain::ShopCommand::ErasePerson {
        person: ALICE.id.parse().unwrap(),
        by: ALICE.id.parse().unwrap(),
        at: app.now(),
    };
    let metadata = event_log::Metadata::for_actor("test", uuid::Uuid::from_u128(3));
    let shop = domain::Shop::ID.as_uuid();
    app.aggregates.shop.execute(shop, erase, metadata).await.unwrap();
    let carried_out = async {
        while rows_about(&app, ALICE.id).await != 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, carried_out).await;
    assert!(in_time.is_ok(), "it is not carried out");
    assert_ne!(id_of(&app, ALICE).await, ALICE.id);
    app.stop().await;
}

/// Another node has answered, and this one still has the person in memory.
#[sqlx::test(migrations = "../migrations")]
async fn every_node_hears_of_an_erasure(_: PgPoolOptions, options: PgConnectOptions) {
    let one = TestApp::start(options.clone()).await;
    let known = id_of(&one, BOB).await;
    let user: uuid::Uuid = known.parse().unwrap();
    sqlx::query!(
        "INSERT INTO erased_people (user_id, erased_at) VALUES ($1, now())",
        user
    )
    .execute(&one.pool)
    .await
    .unwrap();
    sqlx::query!("DELETE FROM people WHERE user_id = $1", user)
        .execute(&one.pool)
        .await
        .unwrap();
    one.eventually(BOB, "/v1/me/host", |host| host["user_id"] != known.as_str())
        .await;
    one.stop().await;
}
