//! Who gets in where. An endpoint without a row here fails the test.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::contract::operations;
use crate::support::{ADMIN, ALICE, ANALYST, Answer, BOB, FINANCE, HOST, Person, TestApp};

/// `(endpoint, what somebody without a token gets, what a stranger gets)`. The stranger has a token, no role, no ticket
/// and no room.
const TABLE: &[(&str, u16, u16)] = &[
    ("GET /v1/rooms", 200, 200),
    ("POST /v1/rooms", 401, 403),
    ("GET /v1/rooms/{room}", 200, 200),
    ("PATCH /v1/rooms/{room}", 401, 403),
    ("POST /v1/rooms/{room}/reschedule", 401, 403),
    ("PUT /v1/rooms/{room}/shares", 401, 403),
    ("GET /v1/rooms/{room}/shares", 401, 403),
    ("POST /v1/rooms/{room}/shares/me/accept", 401, 403),
    ("POST /v1/rooms/{room}/pause_sales", 401, 403),
    ("POST /v1/rooms/{room}/resume_sales", 401, 403),
    ("POST /v1/rooms/{room}/open", 401, 403),
    ("POST /v1/rooms/{room}/end", 401, 403),
    ("POST /v1/rooms/{room}/cancel", 401, 403),
    ("POST /v1/rooms/{room}/void", 401, 403),
    ("GET /v1/rooms/{room}/events", 200, 200),
    ("GET /v1/me/events", 401, 200),
    ("GET /v1/rooms/{room}/sales", 401, 403),
    ("GET /v1/rooms/{room}/promo_codes", 401, 403),
    ("GET /v1/rooms/{room}/attendance", 401, 403),
    ("GET /v1/rooms/{room}/timeline", 401, 403),
    ("GET /v1/me/tickets", 401, 200),
    ("GET /v1/tickets/{ticket}", 401, 404),
    ("POST /v1/tickets/{ticket}/payments", 401, 404),
    ("POST /v1/tickets/{ticket}/receipts", 401, 404),
    ("POST /v1/tickets/{ticket}/release", 401, 404),
    ("POST /v1/tickets/{ticket}/refunds", 401, 404),
    ("POST /v1/tickets/{ticket}/transfer", 401, 404),
    ("POST /v1/tickets/{ticket}/decline_reschedule", 401, 404),
    ("GET /v1/tickets/{ticket}/evidence", 401, 404),
    ("GET /v1/tickets/{ticket}/receipt", 401, 404),
    ("GET /v1/rooms/{room}/refusals/{position}", 401, 404),
    ("POST /v1/tickets/{ticket}/entry", 401, 404),
    ("GET /v1/tickets/{ticket}/entry", 401, 404),
    ("GET /v1/tickets/{ticket}/entry/events", 401, 404),
    ("POST /v1/rooms/{room}/entry", 401, 403),
    ("GET /v1/rooms/{room}/stage", 401, 403),
    ("GET /v1/rooms/{room}/stage/events", 401, 403),
    ("POST /v1/rooms/{room}/speak_requests/me", 401, 409),
    ("DELETE /v1/rooms/{room}/speak_requests/me", 401, 409),
    ("POST /v1/rooms/{room}/stage/{user}/approve", 401, 403),
    ("POST /v1/rooms/{room}/stage/{user}/decline", 401, 403),
    ("POST /v1/rooms/{room}/stage/{user}/dismiss", 401, 403),
    ("POST /v1/rooms/{room}/removals", 401, 403),
    ("POST /v1/rooms/{room}/reactions", 401, 403),
    ("POST /v1/rooms/{room}/stage/{user}/invite", 401, 403),
    ("POST /v1/rooms/{room}/stage/{user}/mute", 401, 403),
    ("POST /v1/rooms/{room}/stage/mute_all", 401, 403),
    ("POST /v1/rooms/{room}/stage/me/accept", 401, 409),
    ("POST /v1/rooms/{room}/stage/me/decline", 401, 409),
    ("POST /v1/rooms/{room}/stage/me/step_down", 401, 200),
    ("POST /v1/rooms/{room}/stage/me/unmute", 401, 409),
    ("PUT /v1/rooms/{room}/co_hosts/{user}", 401, 403),
    ("DELETE /v1/rooms/{room}/co_hosts/{user}", 401, 403),
    ("POST /v1/rooms/{room}/bans", 401, 403),
    ("GET /v1/rooms/{room}/bans", 401, 403),
    ("DELETE /v1/rooms/{room}/bans/{user}", 401, 403),
    ("POST /v1/rooms/{room}/recording/start", 401, 403),
    ("POST /v1/rooms/{room}/recording/stop", 401, 403),
    ("POST /v1/rooms/{room}/recording/consent", 401, 409),
    ("GET /v1/rooms/{room}/recordings", 401, 404),
    ("GET /v1/rooms/{room}/recordings/{recording}", 401, 404),
    ("DELETE /v1/rooms/{room}/recordings/{recording}", 401, 404),
    ("GET /v1/rooms/{room}/recordings/{recording}/manifest", 401, 404),
    ("GET /v1/rooms/{room}/recordings/{recording}/parts/{part}", 401, 404),
    ("GET /v1/me/bans", 401, 200),
    ("PUT /v1/me/bans/{user}", 401, 202),
    ("DELETE /v1/me/bans/{user}", 401, 202),
    ("POST /v1/rooms/{room}/waiting_list/me", 401, 201),
    ("GET /v1/rooms/{room}/waiting_list/me", 401, 200),
    ("DELETE /v1/rooms/{room}/waiting_list/me", 401, 200),
    ("POST /v1/rooms/{room}/tickets", 401, 201),
    ("PUT /v1/me/host_application", 401, 200),
    ("GET /v1/me/host", 401, 200),
    ("PUT /v1/me/payout_destination", 401, 200),
    ("POST /v1/me/payout_account", 401, 200),
    ("GET /v1/me/earnings", 401, 200),
    ("GET /v1/me/statements", 401, 200),
    ("GET /v1/me/statements/{month}", 401, 200),
    ("GET /v1/hosts/{user}/years/{year}", 401, 404),
    ("PUT /v1/me/payout_schedule", 401, 200),
    ("POST /v1/me/payouts", 401, 403),
    ("GET /v1/me/payouts", 401, 200),
    ("GET /v1/hosts", 401, 403),
    ("GET /v1/hosts/{user}", 401, 403),
    ("POST /v1/hosts/{user}/approve", 401, 403),
    ("POST /v1/hosts/{user}/waitlist", 401, 403),
    ("POST /v1/hosts/{user}/decline", 401, 403),
    ("POST /v1/hosts/{user}/suspend", 401, 403),
    ("POST /v1/hosts/{user}/reinstate", 401, 403),
    ("PUT /v1/hosts/{user}/facts", 401, 403),
    ("PUT /v1/hosts/{user}/cohorts", 401, 403),
    ("GET /v1/rollout", 401, 403),
    ("PUT /v1/rollout", 401, 403),
    ("GET /v1/host_terms", 404, 404),
    ("GET /v1/ledger/accounts", 401, 403),
    ("GET /v1/ledger/accounts/{account}/lines", 401, 403),
    ("GET /v1/ledger/trial_balance", 401, 403),
    ("GET /v1/ledger/explain", 401, 403),
    ("GET /v1/reconciliation", 401, 403),
    ("GET /v1/days", 401, 403),
    ("GET /v1/days/{date}", 401, 403),
    ("POST /v1/days/{date}/seal", 401, 403),
    ("GET /v1/months/{month}", 401, 403),
    ("GET /v1/log/events", 401, 403),
    ("GET /v1/log/head", 401, 403),
    ("GET /v1/log/checkpoints", 401, 403),
    ("GET /v1/log/proofs/{position}", 401, 403),
    ("GET /v1/log/consistency", 401, 403),
    ("GET /v1/log/tile/{level}/{index}", 401, 403),
    ("GET /v1/log/tile/entries/{index}", 401, 403),
    ("GET /v1/log/checkpoint", 401, 403),
    ("GET /v1/me/contact", 401, 200),
    ("PUT /v1/me/contact", 401, 200),
    ("GET /v1/me/profile", 401, 200),
    ("PUT /v1/me/profile", 401, 200),
    ("DELETE /v1/me/profile", 401, 200),
    ("DELETE /v1/people/{user}", 401, 403),
    ("GET /v1/subscriptions", 401, 403),
    ("POST /v1/subscriptions", 401, 403),
    ("GET /v1/subscriptions/{subscription}", 401, 403),
    ("PATCH /v1/subscriptions/{subscription}", 401, 403),
    ("DELETE /v1/subscriptions/{subscription}", 401, 403),
    ("POST /v1/subscriptions/{subscription}/pause", 401, 403),
    ("POST /v1/subscriptions/{subscription}/resume", 401, 403),
    ("POST /v1/subscriptions/{subscription}/rewind", 401, 403),
    ("POST /v1/subscriptions/{subscription}/rotate_secret", 401, 403),
    // Signatures are the keys here, and the intent's secret there.
    ("POST /v1/webhooks/{provider}", 401, 401),
    ("POST /v1/webhooks/livekit", 404, 404),
    ("POST /sandbox/intents/{ref}/confirm", 404, 404),
    ("POST /sandbox/next_payment", 401, 403),
    ("POST /sandbox/store/purchases", 200, 200),
    ("POST /sandbox/store/refunds", 401, 403),
    ("POST /sandbox/disputes", 401, 403),
    ("POST /sandbox/disputes/{ref}/close", 401, 403),
    ("POST /sandbox/transfers/{payout}/return", 401, 403),
    // The last of what has a token: the stranger is somebody else after it, and holds a seat before it.
    ("DELETE /v1/me", 401, 409),
    ("GET /healthz", 200, 200),
    ("GET /readyz", 200, 200),
];

/// `(endpoint, finance, analyst, admin)`
const ROLES: &[(&str, u16, u16, u16)] = &[
    ("GET /v1/ledger/accounts", 200, 403, 200),
    ("GET /v1/ledger/accounts/{account}/lines", 200, 403, 200),
    ("GET /v1/ledger/trial_balance", 200, 403, 200),
    ("GET /v1/ledger/explain", 200, 403, 200),
    ("GET /v1/reconciliation", 200, 403, 200),
    ("GET /v1/days", 200, 403, 200),
    ("GET /v1/days/{date}", 404, 403, 404),
    ("POST /v1/days/{date}/seal", 409, 403, 409),
    ("GET /v1/hosts/{user}/years/{year}", 200, 404, 200),
    ("GET /v1/log/events", 200, 200, 200),
    ("GET /v1/log/head", 200, 200, 200),
    ("GET /v1/log/checkpoints", 200, 200, 200),
    ("GET /v1/log/consistency", 200, 200, 200),
    ("GET /v1/hosts", 403, 403, 200),
    ("DELETE /v1/people/{user}", 403, 403, 409),
    ("GET /v1/subscriptions", 403, 403, 200),
    ("POST /v1/subscriptions", 403, 403, 201),
    ("GET /v1/subscriptions/{subscription}", 403, 403, 404),
    ("POST /v1/hosts/{user}/approve", 403, 403, 200),
    ("GET /v1/rooms/{room}/shares", 200, 403, 200),
    ("PUT /v1/rooms/{room}/shares", 403, 403, 403),
    ("POST /sandbox/disputes/{ref}/close", 403, 403, 404),
    ("POST /sandbox/transfers/{payout}/return", 403, 403, 404),
    ("POST /sandbox/next_payment", 403, 403, 204),
    ("GET /v1/tickets/{ticket}", 404, 404, 200),
    ("GET /v1/rooms/{room}/sales", 403, 403, 200),
    ("POST /v1/rooms/{room}/open", 403, 403, 403),
];

/// A live room of the host, with one sold seat.
struct Scene {
    app: TestApp,
    room: String,
    ticket: String,
}

impl Scene {
    async fn set(options: PgConnectOptions) -> Self {
        let app = TestApp::start(options).await;
        let room = app.schedule(HOST, "room", |_| {}).await;
        let ticket = app.buy(&room, ALICE, "a").await;
        app.post(format!("/v1/rooms/{room}/open"))
            .by(HOST)
            .send()
            .await
            .expect(200);
        Self { app, room, ticket }
    }

    async fn ask(&self, endpoint: &str, by: Option<Person>) -> Answer {
        let (method, path) = endpoint.split_once(' ').expect("a method and a path");
        let path = path
            .replace("{room}", &self.room)
            .replace("{ticket}", &self.ticket)
            .replace("{user}", ALICE.id)
            .replace("{recording}", ALICE.id)
            .replace("{part}", "1")
            .replace("{payout}", ALICE.id)
            .replace("{month}", "2026-11")
            .replace("{year}", "2026")
            .replace("{date}", "2026-11-01")
            .replace("/explain", "/explain?account=clearing:charge")
            .replace("{account}", "clearing:charge")
            .replace("{provider}", "sandbox")
            .replace("{ref}", "sbx_unknown")
            .replace("{position}", "1")
            .replace("{level}/{index}", "0/000")
            .replace("/consistency", "/consistency?from=0")
            .replace("{subscription}", ALICE.id);
        let method: Method = method.parse().expect("a method");
        let mut call = self.app.call(method.clone(), path).key(endpoint_key(endpoint).as_str());
        if let Some(person) = by {
            call = call.by(person);
        }
        if method == Method::GET {
            return call.send().await;
        }
        call.json(&self.body(endpoint)).send().await
    }

    fn body(&self, endpoint: &str) -> Value {
        match endpoint {
            "POST /v1/rooms" => self.app.room(),
            "POST /v1/rooms/{room}/reschedule" => json!({"starts_at": "2031-01-01T00:00:00Z"}),
            "POST /v1/tickets/{ticket}/transfer" => json!({"user_id": HOST.id}),
            "PUT /v1/rooms/{room}/shares" => json!({"shares": []}),
            "POST /v1/rooms/{room}/shares/me/accept" => json!({"basis_points": 5_000}),
            "POST /v1/rooms/{room}/reactions" => json!({"reaction": "applause"}),
            "POST /v1/rooms/{room}/removals" | "POST /v1/rooms/{room}/bans" => json!({"user_id": ALICE.id}),
            "POST /v1/hosts/{user}/decline" | "POST /v1/hosts/{user}/suspend" => json!({"reason": "risk"}),
            "PUT /v1/hosts/{user}/cohorts" => json!({"cohorts": ["pioneers"]}),
            "PUT /v1/me/profile" => json!({"display_name": "Somebody"}),
            "PUT /v1/me/payout_destination" => json!({"destination": "acct_stranger"}),
            "POST /v1/me/payout_account" => json!({"return_url": "https://tickets.example.org/"}),
            "PUT /v1/me/payout_schedule" => json!({"schedule": "monthly"}),
            "POST /v1/me/payouts" => json!({"currency": "USD"}),
            "POST /v1/subscriptions" => json!({"url": "https://hooks.example.org/boxoffice"}),
            "POST /v1/subscriptions/{subscription}/rewind" => json!({"position": 0}),
            "POST /sandbox/intents/{ref}/confirm" => json!({"client_secret": "guessed"}),
            "POST /sandbox/next_payment" => json!({"outcome": "hang"}),
            "POST /v1/tickets/{ticket}/receipts" => json!({"receipt": "stolen"}),
            "POST /sandbox/store/purchases" => json!({
                "ticket_id": self.ticket, "channel": "ios", "amount": {"amount_minor": 1, "currency": "USD"},
            }),
            "POST /sandbox/store/refunds" => json!({"ticket_id": self.ticket, "channel": "ios"}),
            "POST /sandbox/disputes" => json!({"payment_ref": "pi_unknown"}),
            "POST /sandbox/disputes/{ref}/close" => json!({"outcome": "won"}),
            _ => json!({}),
        }
    }
}

fn endpoint_key(endpoint: &str) -> String {
    endpoint.replace([' ', '{', '}'], "")
}

#[test]
fn every_endpoint_has_a_row() {
    let built: BTreeSet<_> = operations().into_iter().map(|(name, _)| name).collect();
    let judged: BTreeSet<_> = TABLE.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(built, judged);
}

#[test]
fn the_document_says_where_a_token_is_needed() {
    for (name, operation) in operations() {
        let (_, anonymous, stranger) = TABLE.iter().find(|(row, ..)| *row == name).unwrap();
        let needs_token = *anonymous == 401 && *stranger != 401;
        assert_eq!(operation["security"].is_array(), needs_token, "{name}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn strangers_get_what_is_public(_: PgPoolOptions, options: PgConnectOptions) {
    let scene = Scene::set(options).await;
    let head = scene.app.head().await;
    for (endpoint, expected, _) in TABLE {
        let answer = scene.ask(endpoint, None).await;
        assert_eq!(
            answer.status.as_u16(),
            *expected,
            "{endpoint} without a token: {}",
            answer.text
        );
        if *expected == 401 {
            answer.expect_problem(401, "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(scene.app.head().await, head, "nothing is recorded");
    for (endpoint, _, expected) in TABLE {
        let answer = scene.ask(endpoint, Some(BOB)).await;
        assert_eq!(
            answer.status.as_u16(),
            *expected,
            "{endpoint} for a stranger: {}",
            answer.text
        );
    }
    scene.app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn roles_open_what_is_theirs(_: PgPoolOptions, options: PgConnectOptions) {
    let scene = Scene::set(options).await;
    let path = "/v1/ledger/accounts";
    let is_booked = |body: &Value| body["data"].as_array().is_some_and(|accounts| !accounts.is_empty());
    scene.app.eventually(FINANCE, path, is_booked).await;
    for (endpoint, finance, analyst, admin) in ROLES {
        for (person, expected) in [(FINANCE, finance), (ANALYST, analyst), (ADMIN, admin)] {
            let answer = scene.ask(endpoint, Some(person)).await;
            assert_eq!(
                answer.status.as_u16(),
                *expected,
                "{endpoint} for {:?}: {}",
                person.roles,
                answer.text
            );
        }
    }
    scene.app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_foreign_ticket_does_not_exist(_: PgPoolOptions, options: PgConnectOptions) {
    let scene = Scene::set(options).await;
    let foreign = scene.ask("GET /v1/tickets/{ticket}", Some(BOB)).await;
    let unknown = scene
        .app
        .get("/v1/tickets/00000000-0000-7000-8000-000000000404")
        .by(BOB)
        .send()
        .await;
    foreign.expect_problem(404, "not_found");
    unknown.expect_problem(404, "not_found");
    assert_eq!(foreign.body["detail"], unknown.body["detail"]);
    scene.app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_bad_token_is_no_token(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let good = app.token(ALICE);
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
    let broken = format!("{}x", &good[..good.len() - 1]);
    let values = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {good}"),
        format!("Bearer {good} {good}"),
        format!("Bearer {unsigned}"),
        format!("Bearer {broken}"),
        format!("Bearer {}", "x".repeat(10_000)),
    ];
    for value in values {
        let answer = app.get("/v1/me/tickets").header("authorization", &value).send().await;
        answer.expect_problem(401, "unauthenticated");
    }
    app.get("/v1/me/tickets")
        .header("authorization", &format!("bearer {good}"))
        .send()
        .await
        .expect(200);
    app.stop().await;
}
