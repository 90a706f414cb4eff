//! Who asks too much is told when to come back; everybody else does not notice.

use std::net::SocketAddr;

use api::limits::{LimitsConfig, Rate};
use api::server::{ServerLimits, serve};
use reqwest::{Response, StatusCode};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpListener;

use crate::support::{ALICE, BOB, HOST, Person, TestApp};

const BURST: u32 = 5;

async fn listen(app: &TestApp) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let serving = serve(listener, app.router(), ServerLimits::default(), app.cancel.clone());
    app.tracker.spawn(serving);
    address
}

/// So slow that nothing comes back while a test runs.
fn few() -> Option<Rate> {
    Rate::new(1, BURST)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_who_asks_too_much_is_told_when_to_come_back(_: PgPoolOptions, options: PgConnectOptions) {
    let limits = LimitsConfig {
        per_user: few(),
        ..LimitsConfig::for_testing()
    };
    let app = TestApp::start_with(options, limits).await;
    let mine = async |person: Person| app.get("/v1/me/tickets").by(person).send().await;
    for _ in 0..BURST {
        mine(ALICE).await.expect(200);
    }
    let refused = mine(ALICE).await;
    refused.expect_problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), Some("1"));
    mine(BOB).await.expect(200);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_that_asks_too_much_is_told_too(_: PgPoolOptions, options: PgConnectOptions) {
    let limits = LimitsConfig {
        per_address: few(),
        trusted_proxies: ["127.0.0.0/8".parse().unwrap()].into_iter().collect(),
        ..LimitsConfig::for_testing()
    };
    let app = TestApp::start_with(options, limits).await;
    let address = listen(&app).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let get = async |path: &str, from: &str| -> Response {
        let request = client.get(format!("http://{address}{path}"));
        request.header("x-forwarded-for", from).send().await.unwrap()
    };
    for _ in 0..BURST {
        assert_eq!(get("/v1/rooms", "198.51.100.1").await.status(), StatusCode::OK);
    }
    let refused = get("/v1/rooms", "198.51.100.1").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert_eq!(get("/v1/rooms", "198.51.100.2").await.status(), StatusCode::OK);
    assert_eq!(get("/healthz", "198.51.100.1").await.status(), StatusCode::OK);
    let webhook = client.post(format!("http://{address}/v1/webhooks/sandbox")).body("{}");
    let webhook = webhook.header("x-forwarded-for", "198.51.100.1").send().await.unwrap();
    assert_eq!(webhook.status(), StatusCode::UNAUTHORIZED, "judged, not limited");
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_full_house_refuses_at_once_and_records_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    let limits = LimitsConfig {
        holds: 0,
        ..LimitsConfig::for_testing()
    };
    let app = TestApp::start_with(options, limits).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let head = app.head().await;
    let path = format!("/v1/rooms/{room}/tickets");
    let refused = app.post(path).by(ALICE).key("a").send().await;
    refused.expect_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(app.head().await, head);
    app.get("/v1/rooms").send().await.expect(200);
    app.stop().await;
}
