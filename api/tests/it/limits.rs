//! Who asks too much is told when to come back; everybody else does not notice.

use std::net::SocketAddr;

use api::limits::{LimitsConfig, Rate};
use api::server::{ServerLimits, serve};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use reqwest::{Response, StatusCode};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpListener;

use crate::support::{ALICE, BOB, HOST, Person, TestApp};

const BURST: u32 = 5;

/// Far more than come back meanwhile.
const ASKS_MAX: u32 = 500;

pub(crate) async fn listen(app: &TestApp) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let serving = serve(listener, app.router(), ServerLimits::default(), app.cancel.clone());
    app.tracker.spawn(serving);
    address
}

/// One comes back each second: who asks faster than that is refused in the end.
fn few() -> Option<Rate> {
    Rate::new(1, BURST)
}

/// Asks until it is refused, and says how often it was not.
async fn until_refused<A>(ask: impl AsyncFn() -> A, is_refused: impl Fn(&A) -> bool) -> (u32, A) {
    for admitted in 0..ASKS_MAX {
        let answer = ask().await;
        if is_refused(&answer) {
            return (admitted, answer);
        }
    }
    panic!("never refused");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_who_asks_too_much_is_told_when_to_come_back(_: PgPoolOptions, options: PgConnectOptions) {
    let limits = LimitsConfig {
        per_user: few(),
        ..LimitsConfig::for_testing()
    };
    let app = TestApp::start_with(options, limits).await;
    let mine = async |person: Person| app.get("/v1/me/tickets").by(person).send().await;
    let (admitted, refused) = until_refused(async || mine(ALICE).await, |answer| answer.status != 200).await;
    assert!(admitted >= BURST);
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
    let rooms = async || get("/v1/rooms", "198.51.100.1").await;
    let (admitted, refused) = until_refused(rooms, |answer| answer.status() != StatusCode::OK).await;
    assert!(admitted >= BURST);
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

/// Nobody can append while the transaction lasts, so whoever holds a seat waits.
const STOP_THE_LOG: &str = "LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE";

#[sqlx::test(migrations = "../migrations")]
async fn a_room_in_a_rush_is_shed_at_once_and_another_room_is_let_in(_: PgPoolOptions, options: PgConnectOptions) {
    let limits = LimitsConfig {
        holds: 8,
        ..LimitsConfig::for_testing()
    };
    let app = TestApp::start_with(options, limits).await;
    let hot = app.schedule(HOST, "hot", |room| {
        room["capacity"] = 100.into();
        room["tickets_per_buyer"] = 100.into();
    });
    let hot = hot.await;
    let calm = app.schedule(HOST, "calm", |_| {}).await;
    let address = listen(&app).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let (alice, bob) = (app.token(ALICE), app.token(BOB));
    let hold = async |room: &str, token: &str, key: String| -> Response {
        let request = client.post(format!("http://{address}/v1/rooms/{room}/tickets"));
        let request = request.bearer_auth(token).header("idempotency-key", key);
        request.header("content-length", 0).send().await.unwrap()
    };
    let mut stopped = pooling::begin(&app.pool).await.unwrap();
    sqlx::raw_sql(STOP_THE_LOG).execute(&mut *stopped).await.unwrap();
    let mut rush: FuturesUnordered<_> = (0..10)
        .map(|nth| hold(&hot, &alice, format!("alice-tries-{nth}")))
        .collect();
    // Half of the places are one room's: the others hear at once that they have to come back.
    for _ in 0..6 {
        let refused = rush.next().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "1");
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
    }
    let elsewhere = async {
        let answer = hold(&calm, &bob, "the-calm-room".to_owned()).await;
        assert_eq!(
            answer.status(),
            StatusCode::CREATED,
            "it was let in, beside a full room"
        );
    };
    let go_on = async {
        // Reads have places of their own, and a refused buyer finds the room as full as before.
        let rooms = client.get(format!("http://{address}/v1/rooms")).send().await.unwrap();
        assert_eq!(rooms.status(), StatusCode::OK);
        let again = hold(&hot, &bob, "bob-tries-too".to_owned()).await;
        assert_eq!(again.status(), StatusCode::SERVICE_UNAVAILABLE);
        stopped.rollback().await.unwrap();
    };
    futures::join!(elsewhere, go_on);
    while let Some(admitted) = rush.next().await {
        assert_eq!(admitted.status(), StatusCode::CREATED);
    }
    let again = hold(&hot, &bob, "bob-tries-too".to_owned()).await;
    assert_eq!(again.status(), StatusCode::CREATED, "there are places again");
    app.stop().await;
}
