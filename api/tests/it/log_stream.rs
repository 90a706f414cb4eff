//! The log line by line: exact, from anywhere, and no burden however slow its reader is.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use api::limits::LimitsConfig;
use api::server::{ServerLimits, serve};
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{ALICE, ANALYST, Answer, FINANCE, HOST, TestApp};

const PATIENCE: Duration = Duration::from_secs(20);
/// How long the server waits for a client that does not read.
const WRITE_WAIT: Duration = Duration::from_secs(4);
/// The receive buffer of such a client.
const SMALL: u32 = 8 * 1024;

async fn lines(app: &TestApp, query: &str) -> (Answer, Vec<Value>) {
    let path = format!("/v1/log/events{query}");
    let stream = app.get(path).by(ANALYST).header("accept", "application/x-ndjson");
    let answer = stream.send().await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/x-ndjson"),
        "{}",
        answer.text
    );
    let parse = |line| serde_json::from_str(line).expect("a line of JSON");
    let lines = answer.text.lines().map(parse).collect();
    (answer, lines)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_has_all_that_is_there_and_says_up_to_where(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.buy(&room, ALICE, "seat").await;
    let events = app.events().await;
    let head = app.head().await;
    assert_eq!(events.len() as u64, head);

    let (answer, all) = lines(&app, "").await;
    assert_eq!(all, events, "as the pages have it, to the character");
    assert_eq!(answer.header("log-position"), Some(head.to_string().as_str()));
    let (answer, some) = lines(&app, "?after=2&limit=3").await;
    assert_eq!(some, events[2..5]);
    assert_eq!(answer.header("log-position"), Some("5"));
    for nothing in [format!("?after={head}"), "?after=9000000000".to_owned()] {
        let (_, none) = lines(&app, &nothing).await;
        assert_eq!(none, Vec::<Value>::new(), "{nothing}");
    }

    let of_ticket: Vec<_> = events
        .iter()
        .filter(|event| event["aggregate_id"] == *ticket)
        .cloned()
        .collect();
    assert!(of_ticket.len() > 3);
    let (_, stream) = lines(&app, &format!("?aggregate=ticket-{ticket}")).await;
    assert_eq!(stream, of_ticket);
    let (_, stream) = lines(&app, &format!("?aggregate=ticket-{ticket}&after=1&limit=2")).await;
    assert_eq!(stream, of_ticket[1..3]);

    let bad = |query: &str| {
        let path = format!("/v1/log/events{query}");
        app.get(path).by(FINANCE).header("accept", "application/x-ndjson")
    };
    for query in ["?limit=0", "?limit=-1", "?after=x", "?aggregate=room"] {
        bad(query).send().await.expect_problem(422, "invalid_field");
    }
    app.get("/v1/log/events?limit=201")
        .by(FINANCE)
        .send()
        .await
        .expect_problem(422, "invalid_field");
    app.stop().await;
}

/// One event of the shop, with so many cohorts in it that it takes some sixty thousand bytes, and spaces where nobody of ours
/// writes any.
const INSERT: &str = r#"
    SET ROLE boxoffice_sequencer;
    INSERT INTO events
    SELECT position, 'shop', '00000000-0000-0000-0000-000000000001', position, 'cohorts_assigned', '1',
        ('{ "type":"cohorts_assigned",  "host":"00000000-0000-0000-0000-000000000002", "cohorts":' ||
         (SELECT json_agg(lpad(number::text, 40, '0')) FROM generate_series(1, 1400) AS number) ||
         ',"by":"00000000-0000-0000-0000-000000000003","assigned_at":"2026-11-24T20:00:00Z"}')::json,
        '{"actor_id":"test",  "correlation_id":"00000000-0000-0000-0000-000000000000"}'::json,
        now(), sha256(position::text::bytea)
    FROM generate_series((SELECT max(position) FROM events) + 1, (SELECT max(position) FROM events) + "#;

async fn insert(app: &TestApp, count: u32) {
    let statement = format!("{INSERT}{count}) AS position; RESET ROLE");
    sqlx::raw_sql(&statement).execute(&app.pool).await.expect("inserted");
}

#[sqlx::test(migrations = "../migrations")]
async fn payload_and_metadata_are_the_stored_text(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    app.schedule(HOST, "room", |_| {}).await;
    let head = app.head().await;
    insert(&app, 1).await;
    let (answer, lines) = lines(&app, &format!("?after={head}")).await;
    assert_eq!(lines.len(), 1);
    for exact in [
        r#""payload":{ "type":"cohorts_assigned",  "host":"#,
        r#""metadata":{"actor_id":"test",  "correlation_id":"#,
    ] {
        assert!(answer.text.contains(exact), "{exact}");
    }
    app.stop().await;
}

struct Reader {
    address: SocketAddr,
    head: String,
}

impl Reader {
    async fn of(app: &TestApp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let limits = ServerLimits {
            write_wait: WRITE_WAIT,
            ..ServerLimits::default()
        };
        app.tracker
            .spawn(serve(listener, app.router(), limits, app.cancel.clone()));
        let head = format!(
            "GET /v1/log/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\naccept: application/x-ndjson\r\n\r\n",
            app.token(ANALYST)
        );
        Self { address, head }
    }

    /// Asks for everything, and reads as far as the status.
    async fn ask(&self) -> (TcpStream, String) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(SMALL).expect("a small buffer");
        let mut stream = socket.connect(self.address).await.expect("connect");
        stream.write_all(self.head.as_bytes()).await.expect("ask");
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.expect("a status");
        (stream, String::from_utf8_lossy(&status).into_owned())
    }
}

/// How many sessions are in the middle of reading the log.
async fn reading(app: &TestApp) -> i64 {
    let sessions = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM pg_stat_activity
           WHERE datname = current_database() AND state <> 'idle' AND query LIKE 'COPY%'"#
    );
    sessions.fetch_one(&app.pool).await.expect("a query")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reader_who_does_not_read_holds_no_connection_and_loses_the_place(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let limits = LimitsConfig {
        log_streams: 1,
        ..LimitsConfig::for_testing()
    };
    let app = TestApp::start_with(options, limits).await;
    app.schedule(HOST, "room", |_| {}).await;
    insert(&app, 150).await;
    let reader = Reader::of(&app).await;
    let (stalled, status) = reader.ask().await;
    assert_eq!(status, "HTTP/1.1 200");
    let (_, status) = reader.ask().await;
    assert_eq!(status, "HTTP/1.1 503", "one stream at a time");
    // Whoever asks for a page is not in its way.
    app.get("/v1/log/events").by(ANALYST).send().await.expect(200);
    let deadline = Instant::now() + PATIENCE;
    while reading(&app).await > 0 {
        assert!(
            Instant::now() < deadline,
            "what waits for the client holds the database"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while reader.ask().await.1 != "HTTP/1.1 200" {
        assert!(Instant::now() < deadline, "the place did not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(stalled);
    app.stop().await;
}
