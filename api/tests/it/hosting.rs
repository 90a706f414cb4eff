//! Who becomes a host of priced rooms: facts, decisions, terms.

use api::HostTerms;
use domain::{Preset, TermsHash};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::earning::record_delivery;
use crate::support::{ADMIN, ALICE, Answer, HOST, OTHER_HOST, Person, Shop, TestApp, text};

fn ticketed_spaces() -> Shop {
    Shop {
        preset: Preset::ticketed_spaces(),
        ..Shop::default()
    }
}

fn with_terms(terms: &str) -> Shop {
    Shop {
        host_terms: Some(HostTerms {
            sha256: TermsHash::of(terms.as_bytes()),
            text: Some(terms.to_owned()),
        }),
        ..Shop::default()
    }
}

/// What an identity provider says about somebody who meets the rules of Ticketed Spaces.
fn good() -> Value {
    json!({
        "age_over_18": true,
        "followers": 1000,
        "profile_complete": true,
        "email_verified": true,
        "amr": ["pwd", "mfa"],
        "address": {"country": "US"},
    })
}

async fn apply(app: &TestApp, host: Person, claims: &Value) -> Value {
    let token = format!("Bearer {}", app.token_with(host, claims));
    let call = app.put("/v1/me/host_application").header("authorization", &token);
    call.json(&json!({"channels": ["ios"]})).send().await.expect(200)
}

async fn decide(app: &TestApp, host: Person, verb: &str, reason: Option<&str>) -> Answer {
    let path = format!("/v1/hosts/{}/{verb}", host.id);
    let body = reason.map_or(json!({}), |reason| json!({"reason": reason}));
    app.post(path).by(ADMIN).json(&body).send().await
}

/// A free room that was held, and heard.
async fn host_a_room(app: &TestApp, host: Person, key: &str) {
    let mut room = app.room();
    room["price"]["amount_minor"] = json!(0);
    let answer = app.post("/v1/rooms").by(host).key(key).json(&room).send().await;
    let room = text(&answer.expect(201)["id"]).to_owned();
    for verb in ["open", "end"] {
        let path = format!("/v1/rooms/{room}/{verb}");
        app.post(path).by(host).send().await.expect(200);
    }
    record_delivery(app, &room).await;
}

fn failed(host: &Value) -> Vec<(&str, bool)> {
    let failed = host["failed_facts"].as_array().expect("a list").iter();
    failed
        .map(|failed| (text(&failed["fact"]), failed["is_known"] == true))
        .collect()
}

async fn schedule(app: &TestApp, host: Person, key: &str) -> Answer {
    app.post("/v1/rooms").by(host).key(key).json(&app.room()).send().await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_host_hears_each_fact_that_failed_and_applies_again(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, ticketed_spaces()).await;
    let mut claims = good();
    (claims["age_over_18"], claims["followers"]) = (json!(false), json!(999));
    claims["address"]["country"] = json!("FR");
    let declined = apply(&app, HOST, &claims).await;
    assert_eq!(declined["standing"], "declined");
    let expected = [
        ("adult", true),
        ("followers", true),
        ("rooms_hosted", true),
        ("country", true),
    ];
    assert_eq!(failed(&declined), expected);
    let fact = &declined["facts"]["followers"];
    assert_eq!((&fact["value"], &fact["source"]), (&json!(999), &json!("claim")));
    let rooms = &declined["facts"]["rooms_hosted"];
    assert_eq!((&rooms["value"], &rooms["source"]), (&json!(0), &json!("log")));
    assert_eq!(declined["channels"], json!(["ios"]));
    app.link_destination(HOST).await;
    schedule(&app, HOST, "early")
        .await
        .expect_problem(403, "host_not_approved");

    // A room counts when it was delivered; anybody may host a free one.
    for key in ["1", "2", "3"] {
        host_a_room(&app, HOST, key).await;
    }
    let head = app.head().await;
    let rooms = format!("/v1/rooms?min_position={head}");
    app.get(rooms).send().await.expect(200);
    let approved = apply(&app, HOST, &good()).await;
    assert_eq!(
        (approved["standing"].as_str(), failed(&approved)),
        (Some("approved"), vec![])
    );
    assert_eq!(approved["facts"]["rooms_hosted"]["value"], 3);
    schedule(&app, HOST, "room").await.expect(201);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_application_once_more_records_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, ticketed_spaces()).await;
    let first = apply(&app, HOST, &good()).await;
    assert_eq!(failed(&first), [("rooms_hosted", true)]);
    let head = app.head().await;
    assert_eq!(apply(&app, HOST, &good()).await, first);
    assert_eq!(app.head().await, head);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_not_known_waits_until_an_admin_states_the_facts(_: PgPoolOptions, options: PgConnectOptions) {
    let mut shop = ticketed_spaces();
    shop.preset.hosts.rooms_hosted_min = 0;
    let app = TestApp::start_as(options, shop).await;
    let waits = apply(&app, HOST, &json!({"email_verified": true, "profile_complete": true})).await;
    assert_eq!(waits["standing"], "waitlisted");
    let unknown = [
        ("adult", false),
        ("two_factor", false),
        ("followers", false),
        ("country", false),
    ];
    assert_eq!(failed(&waits), unknown);
    let path = format!("/v1/hosts/{}/facts", HOST.id);
    let state = |facts: Value| app.put(&path).by(ADMIN).json(&facts).send();
    let facts = json!({"adult": true, "two_factor": true, "followers": 5000});
    let waits = state(facts).await.expect(200);
    assert_eq!(
        (waits["standing"].as_str(), failed(&waits)),
        (Some("waitlisted"), vec![("country", false)])
    );
    let facts = json!({"adult": true, "two_factor": true, "followers": 5000, "country": "US"});
    let approved = state(facts).await.expect(200);
    assert_eq!(approved["standing"], "approved");
    let country = &approved["facts"]["country"];
    assert_eq!((&country["value"], &country["source"]), (&json!("US"), &json!("admin")));
    state(json!({"country": "Germany"}))
        .await
        .expect_problem(422, "invalid_field");
    state(json!({"birthdate": "1990-01-01"}))
        .await
        .expect_problem(422, "unknown_field");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn admins_waitlist_decline_and_approve_with_a_reason(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    decide(&app, HOST, "decline", Some("spam"))
        .await
        .expect_problem(409, "wrong_state");
    assert_eq!(apply(&app, HOST, &json!({})).await["standing"], "applied");
    let waits = decide(&app, HOST, "waitlist", Some("next-month")).await.expect(200);
    assert_eq!(
        (&waits["standing"], &waits["reason"]),
        (&json!("waitlisted"), &json!("next-month"))
    );
    decide(&app, HOST, "decline", None)
        .await
        .expect_problem(422, "invalid_field");
    decide(&app, HOST, "decline", Some("Because I say so."))
        .await
        .expect_problem(422, "invalid_field");
    let declined = decide(&app, HOST, "decline", Some("spam")).await.expect(200);
    assert_eq!(
        (&declined["standing"], &declined["reason"]),
        (&json!("declined"), &json!("spam"))
    );
    let again = apply(&app, HOST, &json!({})).await;
    assert_eq!(
        (&again["standing"], &again["reason"]),
        (&json!("applied"), &Value::Null)
    );
    let list = |standing: &'static str| app.get(format!("/v1/hosts?standing={standing}")).by(ADMIN).send();
    assert_eq!(list("applied").await.expect(200)["data"][0]["user_id"], HOST.id);
    let approved = decide(&app, HOST, "approve", None).await.expect(200);
    assert_eq!(approved["standing"], "approved");
    assert_eq!(list("applied").await.expect(200)["data"], json!([]));
    decide(&app, HOST, "waitlist", None)
        .await
        .expect_problem(409, "wrong_state");
    let one = app
        .get(format!("/v1/hosts/{}", HOST.id))
        .by(ADMIN)
        .send()
        .await
        .expect(200);
    assert_eq!(one, approved);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_priced_room_needs_accepted_terms_and_a_place_for_the_money(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, with_terms("Be kind.")).await;
    let terms = app.get("/v1/host_terms").send().await.expect(200);
    let hash = text(&terms["sha256"]).to_owned();
    assert_eq!(terms["text"], "Be kind.");
    decide(&app, HOST, "approve", None).await.expect(200);
    schedule(&app, HOST, "a")
        .await
        .expect_problem(409, "terms_not_accepted");
    let accept = |hash: &str| {
        let body = json!({"terms_sha256": hash});
        app.put("/v1/me/host_application").by(HOST).json(&body).send()
    };
    let other = TermsHash::of(b"Be rude.").to_string();
    let refused = accept(&other).await;
    refused.expect_problem(422, "invalid_field");
    assert_eq!(refused.pointer(), Some("/terms_sha256"));
    let host = accept(&hash).await.expect(200);
    assert_eq!(
        (&host["standing"], &host["terms"]["is_accepted"]),
        (&json!("approved"), &json!(true))
    );
    schedule(&app, HOST, "b")
        .await
        .expect_problem(409, "no_payout_destination");
    app.link_destination(HOST).await;
    schedule(&app, HOST, "c").await.expect(201);
    // A free room asks for none of it, until it has a price.
    let mut room = app.room();
    room["price"]["amount_minor"] = json!(0);
    let free = app
        .post("/v1/rooms")
        .by(OTHER_HOST)
        .key("free")
        .json(&room)
        .send()
        .await;
    let path = format!("/v1/rooms/{}", text(&free.expect(201)["id"]));
    decide(&app, OTHER_HOST, "approve", None).await.expect(200);
    let price = json!({"price": {"amount_minor": 500, "currency": "USD"}});
    let reprice = app.patch(path).by(OTHER_HOST).json(&price).send().await;
    reprice.expect_problem(409, "terms_not_accepted");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn new_terms_are_accepted_before_the_next_priced_room(_: PgPoolOptions, options: PgConnectOptions) {
    let accept = async |app: &TestApp, terms: &str| {
        let body = json!({"terms_sha256": TermsHash::of(terms.as_bytes()).to_string()});
        let answer = app.put("/v1/me/host_application").by(HOST).json(&body).send().await;
        answer.expect(200)
    };
    let app = TestApp::start_as(options.clone(), with_terms("Be kind.")).await;
    app.approve(HOST).await;
    accept(&app, "Be kind.").await;
    let room = text(&schedule(&app, HOST, "a").await.expect(201)["id"]).to_owned();
    app.stop().await;

    let app = TestApp::start_as(options, with_terms("Be kind, always.")).await;
    let host = app.get("/v1/me/host").by(HOST).send().await.expect(200);
    assert_eq!(host["terms"]["is_accepted"], false);
    schedule(&app, HOST, "b")
        .await
        .expect_problem(409, "terms_not_accepted");
    // What is on sale goes on.
    app.buy(&room, ALICE, "a").await;
    accept(&app, "Be kind, always.").await;
    schedule(&app, HOST, "b").await.expect(201);
    app.stop().await;
}
