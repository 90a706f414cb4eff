//! Two nodes: this one, and a leader that the test plays.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Router, middleware};
use event_log::Leader;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::Forwarder;
use super::layer::{NOT_LEADING, Waits};

const LIMIT: Duration = Duration::from_secs(20);

/// This node: what it handles by itself answers `here`.
fn node(leader: &watch::Sender<Leader>) -> Router {
    around(Forwarder::new(leader.subscribe()))
}

fn around(forwarder: Forwarder) -> Router {
    Router::new()
        .fallback(any(|| async { "here" }))
        .layer(middleware::from_fn_with_state(
            forwarder,
            async |State(forwarder): State<Forwarder>, request: Request, next: Next| {
                forwarder.forward(request, next).await
            },
        ))
}

fn elsewhere(url: Option<&str>) -> Leader {
    Leader::Elsewhere {
        url: url.map(str::to_owned),
    }
}

/// A leader that answers what it was asked, after `refusals` answers that it does not lead.
#[derive(Clone, Default)]
struct Other {
    seen: Arc<AtomicUsize>,
    refusals: usize,
}

async fn echo(State(other): State<Other>, request: Request) -> Response {
    let nth = other.seen.fetch_add(1, Ordering::SeqCst);
    if nth < other.refusals {
        return (StatusCode::SERVICE_UNAVAILABLE, [(NOT_LEADING, "1")]).into_response();
    }
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        head.headers
            .get(name)
            .map_or("-", |value| value.to_str().unwrap())
            .to_owned()
    };
    let body = body.collect().await.unwrap().to_bytes();
    let text = format!(
        "{} {} key={} forwarded={} {}",
        head.method,
        head.uri,
        header("idempotency-key"),
        header("boxoffice-forwarded"),
        String::from_utf8_lossy(&body)
    );
    (StatusCode::CREATED, [("log-position", "7")], text).into_response()
}

impl Other {
    /// Serves until the runtime ends; its address.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(any(echo)).with_state(self.clone());
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        url
    }
}

/// Takes one connection, reads a request and breaks off; how often it did.
async fn serve_breaking() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let broken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&broken);
    TaskTracker::new().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.readable().await;
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, broken)
}

fn request(method: Method, key: Option<&str>) -> Request {
    let mut request = Request::builder().method(method).uri("/v1/rooms?x=1");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.body(Body::from("{}")).unwrap()
}

async fn send(node: Router, request: Request) -> (StatusCode, http::HeaderMap, String) {
    let response = tokio::time::timeout(LIMIT, node.oneshot(request))
        .await
        .unwrap()
        .unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, head.headers, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_node_that_leads_handles_everything_by_itself() {
    let leader = watch::Sender::new(Leader::Here);
    let (_, _, body) = send(node(&leader), request(Method::POST, None)).await;
    assert_eq!(body, "here");
}

#[tokio::test]
async fn a_write_is_answered_by_the_leader_and_a_read_here() {
    let url = Other::default().serve().await;
    let leader = watch::Sender::new(elsewhere(Some(&url)));
    let (status, headers, body) = send(node(&leader), request(Method::POST, Some("a-key-of-mine"))).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(headers["log-position"], "7");
    assert_eq!(body, "POST /v1/rooms?x=1 key=a-key-of-mine forwarded=1 {}");
    let (_, _, body) = send(node(&leader), request(Method::GET, None)).await;
    assert_eq!(body, "here");
}

#[tokio::test]
async fn a_request_is_passed_on_once() {
    let url = Other::default().serve().await;
    let leader = watch::Sender::new(elsewhere(Some(&url)));
    let mut request = request(Method::POST, Some("a-key-of-mine"));
    request
        .headers_mut()
        .insert("boxoffice-forwarded", http::HeaderValue::from_static("1"));
    let (status, headers, body) = send(node(&leader), request).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(headers.contains_key("retry-after"));
    assert!(headers.contains_key(NOT_LEADING));
    assert!(body.contains("log_unavailable"), "{body}");
}

#[tokio::test]
async fn a_write_waits_while_another_node_takes_over() {
    let url = Other {
        refusals: 2,
        ..Other::default()
    }
    .serve()
    .await;
    let leader = watch::Sender::new(elsewhere(None));
    let answer = send(node(&leader), request(Method::POST, None));
    let change = async { leader.send_replace(elsewhere(Some(&url))) };
    let ((status, _, _), _) = tokio::join!(answer, change);
    assert_eq!(
        status,
        StatusCode::CREATED,
        "who refused recorded nothing: it is asked again"
    );
}

#[tokio::test]
async fn a_write_is_handled_here_once_this_node_has_taken_over() {
    let leader = watch::Sender::new(elsewhere(None));
    let answer = send(node(&leader), request(Method::POST, None));
    let change = async { leader.send_replace(Leader::Here) };
    let ((_, _, body), _) = tokio::join!(answer, change);
    assert_eq!(body, "here");
}

#[tokio::test]
async fn a_write_that_found_no_leader_in_time_is_told_to_come_back() {
    let leader = watch::Sender::new(elsewhere(Some("http://127.0.0.1:1")));
    let (status, headers, body) = send(node(&leader), request(Method::POST, None)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(headers.contains_key("retry-after"));
    assert!(body.contains("log_unavailable"), "{body}");
}

#[tokio::test]
async fn a_write_whose_fate_is_unknown_is_repeated_only_with_a_key() {
    let (url, broken) = serve_breaking().await;
    let leader = watch::Sender::new(elsewhere(Some(&url)));
    let (status, _, _) = send(node(&leader), request(Method::POST, None)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(broken.load(Ordering::SeqCst), 1);
    let (status, _, _) = send(node(&leader), request(Method::POST, Some("a-key-of-mine"))).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(broken.load(Ordering::SeqCst) > 2);
}

/// A leader that takes a write and says nothing may be at work, or may have recorded it: it is waited for, no longer in all
/// than was said, and the write is not sent to it again.
#[tokio::test]
async fn a_write_waits_so_long_for_the_answer_of_a_silent_leader() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let leader = watch::Sender::new(elsewhere(None));
    let waits = Waits {
        leader: Duration::from_secs(10),
        answer: Duration::from_secs(12),
    };
    let node = around(Forwarder::with_waits(leader.subscribe(), waits));
    let started = Instant::now();
    let answer = send(node, request(Method::POST, Some("a-key-of-mine")));
    let found_after = Duration::from_secs(4);
    let late = async {
        // Found late, which leaves it less time.
        tokio::time::sleep(found_after).await;
        leader.send_replace(elsewhere(Some(&url)));
        let asked = tokio::time::timeout(LIMIT, listener.accept()).await;
        asked.expect("the leader is asked").unwrap()
    };
    let ((status, headers, body), silent) = tokio::join!(answer, late);
    let took = started.elapsed();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        headers.contains_key("retry-after") && body.contains("log_unavailable"),
        "{body}"
    );
    assert!(took >= waits.answer, "it may still have answered: {took:?}");
    assert!(took < found_after + waits.answer, "the search counts, too: {took:?}");
    let again = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(again.is_err(), "it is not asked twice");
    drop(silent);
}
