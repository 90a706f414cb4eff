//! Clients that send their requests byte by byte take nobody's place.

use std::net::SocketAddr;
use std::time::Duration;

use api::limits::LimitsConfig;
use payments::PaymentProvider as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::limits::listen;
use crate::support::{ALICE, BOB, HOST, TestApp};

const PATIENCE: Duration = Duration::from_secs(10);
/// Places of each kind, and dribblers that are more.
const PLACES: usize = 4;
const DRIBBLERS: usize = 6;
const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";

fn few() -> LimitsConfig {
    LimitsConfig {
        holds: PLACES,
        writes: PLACES,
        webhooks: PLACES,
        ..LimitsConfig::for_testing()
    }
}

/// A client that has sent all of its request but the last byte.
struct Dribbler(TcpStream);

impl Dribbler {
    /// Returns once the server waits for the body.
    async fn begin(address: SocketAddr, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("connect");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\n{headers}content-type: application/json\r\ncontent-length: 2\r\n\
            expect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("send the head");
        let mut told = vec![0; GO_ON.len()];
        tokio::time::timeout(PATIENCE, stream.read_exact(&mut told))
            .await
            .expect("the server asks for the body")
            .expect("read");
        assert_eq!(String::from_utf8_lossy(&told), GO_ON);
        stream.write_all(b"{").await.expect("send a byte");
        Self(stream)
    }

    async fn crowd(address: SocketAddr, path: &str, headers: &str) -> Vec<Self> {
        let mut crowd = Vec::new();
        for _ in 0..DRIBBLERS {
            crowd.push(Self::begin(address, path, headers).await);
        }
        crowd
    }

    async fn finish(mut self) -> String {
        self.0.write_all(b"}").await.expect("send the last byte");
        self.answer().await
    }

    /// The whole answer, and nothing of what comes behind it on the connection.
    async fn answer(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.read_answer())
            .await
            .expect("an answer in time")
    }

    async fn read_answer(&mut self) -> String {
        let mut answer = vec![];
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(self.0.read_u8().await.expect("read the head"));
        }
        let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .expect("an answer says how long it is");
        let mut body = vec![0; length.trim().parse().expect("a length")];
        self.0.read_exact(&mut body).await.expect("read the body");
        answer.extend(body);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn webhooks_that_do_not_come_leave_the_door_to_those_that_do(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_with(options, few()).await;
    let address = listen(&app).await;
    let signature = format!("{}: nonsense\r\n", app.sandbox.signature_header());
    let crowd = Dribbler::crowd(address, "/v1/webhooks/sandbox", &signature).await;
    let webhook = app
        .post("/v1/webhooks/sandbox")
        .header(app.sandbox.signature_header(), "nonsense");
    let judged = webhook.text("{}").send().await;
    judged.expect_problem(401, "unauthenticated");
    for dribbler in crowd {
        let answer = dribbler.finish().await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn strangers_who_do_not_go_on_leave_the_door_to_writers(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_with(options, few()).await;
    let address = listen(&app).await;
    let crowd = Dribbler::crowd(address, "/sandbox/intents/none/confirm", "").await;
    app.schedule(HOST, "room", |_| {}).await;
    drop(crowd);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn buyers_who_do_not_go_on_hold_no_place_of_any_room(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_with(options, few()).await;
    let address = listen(&app).await;
    let (slow, calm) = (
        app.schedule(HOST, "slow", |_| {}).await,
        app.schedule(HOST, "calm", |_| {}).await,
    );
    let headers = format!(
        "authorization: Bearer {}\r\nidempotency-key: at-leisure\r\n",
        app.token(ALICE)
    );
    let path = format!("/v1/rooms/{slow}/tickets");
    let crowd = Dribbler::crowd(address, &path, &headers).await;
    app.hold(&calm, BOB, "b").await;
    app.hold(&slow, BOB, "b").await;
    for dribbler in crowd {
        let answer = dribbler.finish().await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_slowest_body_makes_room_for_the_newest(_: PgPoolOptions, options: PgConnectOptions) {
    let limits = LimitsConfig {
        bodies: DRIBBLERS,
        ..few()
    };
    let app = TestApp::start_with(options, limits).await;
    let address = listen(&app).await;
    let path = "/sandbox/intents/none/confirm";
    let mut crowd = Dribbler::crowd(address, path, "").await;
    let newest = Dribbler::begin(address, path, "").await;
    let turned_away = crowd.remove(0).answer().await;
    assert!(turned_away.starts_with("HTTP/1.1 503"), "{turned_away}");
    assert!(turned_away.contains("retry-after: 1") && turned_away.contains(r#""code":"overloaded""#));
    for dribbler in crowd.into_iter().chain([newest]) {
        let answer = dribbler.finish().await;
        assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_body_that_comes_with_its_head_needs_no_place_among_the_slow(_: PgPoolOptions, options: PgConnectOptions) {
    let limits = LimitsConfig { bodies: 0, ..few() };
    let app = TestApp::start_with(options, limits).await;
    let address = listen(&app).await;
    let head = "POST /sandbox/intents/none/confirm HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n";
    let mut slow = Dribbler(TcpStream::connect(address).await.expect("connect"));
    let half = format!("{head}{{");
    slow.0.write_all(half.as_bytes()).await.expect("send");
    assert!(slow.answer().await.starts_with("HTTP/1.1 503"), "no place is left");
    let mut quick = Dribbler(TcpStream::connect(address).await.expect("connect"));
    let whole = format!("{head}{{}}");
    // On one connection: what follows a body that was read to its end is the next request.
    for _ in 0..3 {
        quick.0.write_all(whole.as_bytes()).await.expect("send");
        let answer = quick.answer().await;
        assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    }
    app.stop().await;
}
