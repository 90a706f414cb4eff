//! The server at real sockets: slow, silent and too many clients.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use api::server::{ServerLimits, serve};
use axum::Router;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const ASK: &[u8] = b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";
const HALF_A_HEAD: &[u8] = b"GET /hello HTTP/1.1\r\nhost: x\r\nx-padding: ";
/// What is promised to happen happens within this.
const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    address: std::net::SocketAddr,
    cancel: CancellationToken,
    tracker: TaskTracker,
}

impl Server {
    async fn start(limits: ServerLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (cancel, tracker) = (CancellationToken::new(), TaskTracker::new());
        let router = Router::new()
            .route("/hello", get(async || "hello"))
            .route("/large", get(async || vec![b'x'; 64 * 1024 * 1024]))
            .route("/slow", post(async |body: String| body));
        tracker.spawn(serve(listener, router, limits, cancel.clone()));
        Self {
            address,
            cancel,
            tracker,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connect")
    }

    /// Whether a new client gets an answer, and how long it took.
    async fn greets(&self) -> (bool, Duration) {
        let started = Instant::now();
        let answer = ask(&mut self.connect().await).await;
        (answer.starts_with("HTTP/1.1 200"), started.elapsed())
    }

    async fn greets_again(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.greets().await.0 {
            assert!(Instant::now() < deadline, "no place came back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait())
            .await
            .expect("the server stops");
    }
}

/// What comes back first; nothing if the server has closed the connection.
async fn ask(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 1024];
    let exchange = async {
        stream.write_all(ASK).await?;
        stream.read(&mut answer).await
    };
    let read = tokio::time::timeout(PATIENCE, exchange)
        .await
        .expect("an answer in time");
    String::from_utf8_lossy(&answer[..read.unwrap_or(0)]).into_owned()
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .is_ok()
}

fn limits(connections: usize) -> ServerLimits {
    ServerLimits {
        connections,
        head_wait: Duration::from_millis(500),
        write_wait: Duration::from_millis(500),
        ..ServerLimits::default()
    }
}

#[tokio::test]
async fn clients_that_send_half_a_head_hold_up_nobody_and_are_closed() {
    let server = Server::start(limits(400)).await;
    let mut half = Vec::new();
    for _ in 0..300 {
        let mut stream = server.connect().await;
        stream.write_all(HALF_A_HEAD).await.unwrap();
        half.push(stream);
    }
    for _ in 0..50 {
        let (is_answered, took) = server.greets().await;
        assert!(is_answered && took < Duration::from_millis(250), "{took:?}");
    }
    for stream in &mut half {
        assert!(is_closed(stream).await, "a client with half a head stays");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_beyond_the_limit_is_told_at_once_and_places_come_back() {
    let server = Server::start(limits(20)).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(server.connect().await);
    }
    let mut late = server.connect().await;
    let started = Instant::now();
    let mut answer = String::new();
    late.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 1") && answer.contains(r#""code":"overloaded""#));
    assert!(started.elapsed() < Duration::from_millis(250));
    // Those who never say a word lose their places.
    server.greets_again().await;
    server.stop().await;
}

/// Half-open connections to one address's limit, and what a further one from there is told.
async fn one_too_many(limits: ServerLimits) -> (Server, Vec<TcpStream>, bool) {
    let server = Server::start(limits).await;
    let mut half = Vec::new();
    for _ in 0..3 {
        let mut stream = server.connect().await;
        stream.write_all(HALF_A_HEAD).await.expect("send half a head");
        half.push(stream);
    }
    let is_greeted = server.greets().await.0;
    (server, half, is_greeted)
}

#[tokio::test]
async fn one_address_does_not_take_all_connections() {
    let few = ServerLimits {
        connections_per_address: NonZeroUsize::new(3),
        head_wait: Duration::from_secs(3),
        ..limits(400)
    };
    let (server, mut half, is_greeted) = one_too_many(few.clone()).await;
    assert!(!is_greeted);
    // Another address of this machine.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect(server.address).await.unwrap();
    assert!(ask(&mut other).await.starts_with("HTTP/1.1 200"));
    for stream in &mut half {
        assert!(is_closed(stream).await);
    }
    server.greets_again().await;
    server.stop().await;

    let behind_a_proxy = ServerLimits {
        trusted_proxies: ["127.0.0.0/8".parse().unwrap()].into_iter().collect(),
        ..few
    };
    let (server, half, is_greeted) = one_too_many(behind_a_proxy).await;
    assert!(is_greeted, "a proxy stands for many");
    drop(half);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_loses_its_place() {
    let server = Server::start(limits(1)).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    server.greets_again().await;
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_stays() {
    let server = Server::start(limits(10)).await;
    let (mut idle, mut busy) = (server.connect().await, server.connect().await);
    assert!(ask(&mut idle).await.starts_with("HTTP/1.1 200"));
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(1) {
        assert!(ask(&mut busy).await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(is_closed(&mut idle).await);
    server.stop().await;
}

#[tokio::test]
async fn what_was_begun_is_finished_before_the_server_stops() {
    let server = Server::start(ServerLimits::default()).await;
    let mut stream = server.connect().await;
    let head = b"POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab";
    stream.write_all(head).await.unwrap();
    server.greets_again().await;
    server.cancel.cancel();
    stream.write_all(b"cd").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("abcd"),
        "{answer}"
    );
    server.stop().await;
}
