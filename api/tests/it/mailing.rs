//! E-mail, over a real SMTP conversation: who is told what, and what happens when the server has a bad day.

use std::time::Duration;

use api::auth::Minting;
use chrono::TimeDelta;
use outbound::mail::{MailSettings, Smtp};
use processes::mail::Mailer;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ALICE, BOB, HOST, Person, Shop, Sink, TestApp, Whim, text};

const ALICES: &str = "alice@example.org";

async fn start(options: PgConnectOptions) -> (TestApp, Sink) {
    let sink = Sink::start().await;
    let app = restart(options, &sink).await;
    (app, sink)
}

async fn restart(options: PgConnectOptions, sink: &Sink) -> TestApp {
    let settings = MailSettings {
        url: sink.url.as_str().into(),
        from: "Night Talks <tickets@shop.example>".to_owned(),
    };
    let mailer = Mailer {
        smtp: Smtp::new(&settings).expect("settings for mail"),
        links: "https://talks.example".to_owned(),
    };
    let shop = Shop {
        mail: Some(mailer),
        ..Shop::default()
    };
    TestApp::start_as(options, shop).await
}

async fn reach(app: &TestApp, person: Person, email: &str) {
    let contact = json!({"email": email});
    app.put("/v1/me/contact")
        .by(person)
        .json(&contact)
        .send()
        .await
        .expect(200);
}

/// A room that starts so long from now; its id.
async fn room_in(app: &TestApp, key: &str, wait: TimeDelta) -> String {
    let starts_at = app.now() + wait;
    app.schedule(HOST, key, |room| room["starts_at"] = json!(starts_at))
        .await
}

async fn tell_room(app: &TestApp, room: &str, verb: &str, body: Value) {
    let call = app.post(format!("/v1/rooms/{room}/{verb}")).by(HOST);
    let answer = call.json(&body).send().await;
    assert!(answer.status.is_success(), "{}", answer.text);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_is_mailed_to_the_address_of_the_token(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options).await;
    let minting = Minting {
        subject: ALICE.id,
        roles: &[],
        email: Some(ALICES),
        timezone: Some("Asia/Tokyo"),
        others: serde_json::Map::new(),
        ttl: Duration::from_hours(1),
    };
    let bearer = format!("Bearer {}", app.mint(&minting));
    let contact = app
        .get("/v1/me/contact")
        .header("authorization", &bearer)
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&contact["email"], &contact["source"]),
        (&json!(ALICES), &json!("token"))
    );
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    let letter = sink.letter("Your ticket").await;
    assert_eq!(letter.to, ALICES);
    assert_eq!(letter.header("From").unwrap(), "\"Night Talks\" <tickets@shop.example>");
    assert!(
        letter.says(&format!("https://talks.example/tickets/{ticket}")),
        "{}",
        letter.raw
    );
    assert!(letter.says("JST") && letter.says("An evening"), "{}", letter.raw);
    assert!(letter.says("text/plain") && letter.says("text/html"), "{}", letter.raw);
    // Nothing of the address is on the log.
    let log = app
        .get("/v1/log/events?limit=200")
        .by(crate::support::ADMIN)
        .send()
        .await;
    assert!(!log.text.contains("example.org"));
    app.stop().await;
    assert_eq!(sink.received().len(), 1, "{:?}", sink.subjects());
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_not_reached_gets_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options).await;
    reach(&app, BOB, "bob@example.org").await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    app.buy(&room, BOB, "b").await;
    assert_eq!(sink.letter("Your ticket").await.to, "bob@example.org");
    app.stop().await;
    assert_eq!(sink.received().len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn reminders_come_a_day_and_a_quarter_of_an_hour_before_and_when_doors_open(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let (app, sink) = start(options).await;
    reach(&app, ALICE, ALICES).await;
    let an_hour = TimeDelta::hours(1);
    let tomorrow = room_in(&app, "tomorrow", TimeDelta::hours(24) + an_hour).await;
    let today = room_in(&app, "today", TimeDelta::minutes(15) + an_hour).await;
    app.buy(&tomorrow, ALICE, "a").await;
    app.buy(&today, ALICE, "b").await;
    app.advance(an_hour);
    sink.letter("Tomorrow: An evening").await;
    sink.letter("In a quarter of an hour: An evening").await;
    tell_room(&app, &today, "open", json!({})).await;
    assert_eq!(sink.letter("Doors are open").await.to, ALICES);
    app.stop().await;
    let mut subjects = sink.subjects();
    subjects.sort();
    assert_eq!(
        subjects.len(),
        5,
        "two tickets, three reminders, each once: {subjects:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reminder_follows_the_room_to_its_new_time(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options).await;
    reach(&app, ALICE, ALICES).await;
    let (a_day, an_hour) = (TimeDelta::hours(24), TimeDelta::hours(1));
    let room = room_in(&app, "room", a_day + an_hour).await;
    let ticket = app.buy(&room, ALICE, "a").await;
    let later = app.now() + TimeDelta::hours(48);
    tell_room(&app, &room, "reschedule", json!({"starts_at": later})).await;
    let letter = sink.letter("A new time").await;
    assert!(
        letter.says(&format!("https://talks.example/tickets/{ticket}/decline_reschedule")),
        "{}",
        letter.raw
    );
    assert!(letter.says("you may decline until"), "{}", letter.raw);
    app.advance(an_hour);
    let sooner = app.now() + a_day + an_hour;
    tell_room(&app, &room, "reschedule", json!({"starts_at": sooner})).await;
    app.advance(an_hour);
    sink.letter("Tomorrow").await;
    app.stop().await;
    let subjects = sink.subjects();
    let reminders = subjects.iter().filter(|subject| subject.starts_with("Tomorrow"));
    assert_eq!(reminders.count(), 1, "the old time has passed in silence: {subjects:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_room_says_so_and_reminds_nobody(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options).await;
    reach(&app, ALICE, ALICES).await;
    let an_hour = TimeDelta::hours(1);
    let soon = TimeDelta::minutes(15) + an_hour;
    let room = room_in(&app, "room", soon).await;
    // Its timer rings right after that of the cancelled room, and shows that it has.
    let other = room_in(&app, "other", soon + TimeDelta::seconds(1)).await;
    app.buy(&room, ALICE, "a").await;
    sink.letter("Your ticket").await;
    app.buy(&other, ALICE, "b").await;
    tell_room(&app, &room, "cancel", json!({})).await;
    sink.letter("Cancelled").await;
    let refund = sink.letter("Your refund").await;
    assert!(refund.says("10.00 USD"), "{}", refund.raw);
    app.advance(an_hour + TimeDelta::seconds(2));
    sink.letter("In a quarter of an hour").await;
    sink.until_asked(5).await;
    app.stop().await;
    let mut subjects = sink.subjects();
    subjects.sort();
    assert_eq!(
        subjects,
        [
            "Cancelled: An evening",
            "In a quarter of an hour: An evening",
            "Your refund for An evening",
            "Your ticket for An evening",
            "Your ticket for An evening",
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn who_waits_in_line_is_told_of_their_turn(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options).await;
    reach(&app, BOB, "bob@example.org").await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(1)).await;
    let held = app.hold(&room, ALICE, "a").await;
    let path = format!("/v1/rooms/{room}/waiting_list/me");
    app.post(path.clone())
        .by(BOB)
        .key("wait")
        .json(&json!({}))
        .send()
        .await
        .expect(201);
    app.post(format!("/v1/tickets/{held}/release"))
        .by(ALICE)
        .send()
        .await
        .expect(200);
    let letter = sink.letter("A seat for you").await;
    assert_eq!(letter.to, "bob@example.org");
    assert!(letter.says("It is held for you until"), "{}", letter.raw);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_busy_server_is_asked_again(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options).await;
    reach(&app, ALICE, ALICES).await;
    sink.will([Whim::Busy]);
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    sink.letter("Your ticket").await;
    app.stop().await;
    assert_eq!((sink.asked(), sink.received().len()), (2, 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_mailbox_that_is_not_there_is_not_written_to_again(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options).await;
    reach(&app, ALICE, ALICES).await;
    sink.will([Whim::NoMailbox]);
    let room = app
        .schedule(HOST, "room", |room| room["tickets_per_buyer"] = json!(2))
        .await;
    app.buy(&room, ALICE, "a").await;
    let is_refused = |contact: &Value| contact["undeliverable"] == true;
    app.eventually(ALICE, "/v1/me/contact", is_refused).await;
    tell_room(&app, &room, "open", json!({})).await;
    // Somebody else's letter shows that hers would have been there.
    reach(&app, BOB, "bob@example.org").await;
    app.buy(&room, BOB, "b").await;
    sink.letter("Your ticket").await;
    assert_eq!(sink.asked(), 2);
    reach(&app, ALICE, "new@example.org").await;
    let contact = app.get("/v1/me/contact").by(ALICE).send().await.expect(200);
    assert_eq!(
        (&contact["undeliverable"], &contact["source"]),
        (&json!(false), &json!("person"))
    );
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_letter_that_is_refused_waits_for_a_human(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options).await;
    reach(&app, ALICE, ALICES).await;
    sink.will([Whim::Refuses]);
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    let dead = loop {
        let jobs = processes::jobs::list(&app.pool, Some(processes::jobs::JobState::Dead), 10)
            .await
            .unwrap();
        if let Some(job) = jobs.into_iter().next() {
            break job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(dead.kind, "send_mail");
    let error = dead.last_error.unwrap();
    assert!(error.contains("554") && !error.contains("example.org"), "{error}");
    assert!(!dead.key.contains("example.org"));
    assert!(processes::jobs::rerun(&app.pool, dead.id, app.now()).await.unwrap());
    sink.letter("Your ticket").await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_letter_whose_answer_was_lost_comes_again_under_the_same_name(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options.clone()).await;
    reach(&app, ALICE, ALICES).await;
    sink.will([Whim::HangsUp]);
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    sink.until_asked(2).await;
    sink.letter("Your ticket").await;
    while sink.received().len() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let names: Vec<_> = sink
        .received()
        .iter()
        .map(|letter| letter.header("Message-ID").unwrap())
        .collect();
    assert_eq!(names[0], names[1]);
    assert!(names[0].ends_with("@shop.example>"), "{names:?}");
    // What was sent is not sent again, by whoever runs its job once more.
    let job = loop {
        let jobs = processes::jobs::list(&app.pool, Some(processes::jobs::JobState::Done), 200)
            .await
            .unwrap();
        if let Some(job) = jobs.into_iter().find(|job| job.kind == "send_mail") {
            break job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    app.stop().await;
    sqlx::query!(
        "UPDATE jobs SET state = 'queued', finished_at = NULL WHERE id = $1",
        job.id
    )
    .execute(&sqlx::PgPool::connect_with(options.clone()).await.unwrap())
    .await
    .unwrap();
    let app = restart(options, &sink).await;
    loop {
        let queued = processes::jobs::list(&app.pool, Some(processes::jobs::JobState::Queued), 200)
            .await
            .unwrap();
        if queued.iter().all(|left| left.id != job.id) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.stop().await;
    assert_eq!(sink.received().len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_contact_is_checked_and_one_without_an_address_is_left_alone(_: PgPoolOptions, options: PgConnectOptions) {
    let (app, sink) = start(options).await;
    let nothing = app.get("/v1/me/contact").by(ALICE).send().await.expect(200);
    assert_eq!(nothing["email"], Value::Null);
    for (field, value) in [
        ("email", "nobody"),
        ("email", "a@example.org\r\nBcc: b@example.org"),
        ("timezone", "Middle/Earth"),
        ("locale", "the one of my youth"),
    ] {
        let body = json!({field: value});
        let answer = app.put("/v1/me/contact").by(ALICE).json(&body).send().await;
        answer.expect_problem(422, "invalid_field");
        assert_eq!(answer.pointer(), Some(format!("/{field}").as_str()));
    }
    let body = json!({"email": ALICES, "locale": "pt-BR", "timezone": "America/Sao_Paulo"});
    let set = app.put("/v1/me/contact").by(ALICE).json(&body).send().await.expect(200);
    assert_eq!(text(&set["timezone"]), "America/Sao_Paulo");
    app.put("/v1/me/contact")
        .by(ALICE)
        .json(&json!({}))
        .send()
        .await
        .expect(200);
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    reach(&app, BOB, "bob@example.org").await;
    app.buy(&room, BOB, "b").await;
    sink.letter("Your ticket").await;
    app.stop().await;
    assert_eq!(sink.received().len(), 1);
}
