//! Accepting connections and answering on them.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::{counter, gauge};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::patient::Patient;
use super::places::{Full, Places};
use crate::limits::TrustedProxies;

/// What a connection may take. The defaults are for production; tests tighten them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerLimits {
    /// Connections at the same time. Measured with 3,000 of them: one takes 18 KiB while it has never asked, and no more than
    /// 28 KiB once it has held a seat, with what the server remembers of that seat.
    pub connections: usize,
    /// Of these from one address, of IPv6 from one /64. `None`: no limit.
    pub connections_per_address: Option<NonZeroUsize>,
    /// The proxies that stand for many clients: of them no connections are counted.
    pub trusted_proxies: TrustedProxies,
    /// From the first look for a request to the end of its head; so it is also how long a connection may be idle.
    pub head_wait: Duration,
    /// How long a client may leave an answer lying in its way.
    pub write_wait: Duration,
    /// Bytes of a request's head, which must hold the longest token that is looked at.
    pub head_bytes: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: NonZeroUsize::new(1_000),
            trusted_proxies: TrustedProxies::default(),
            head_wait: Duration::from_secs(20),
            write_wait: Duration::from_secs(20),
            head_bytes: 64 * 1024,
        }
    }
}

/// After a failure to accept, which is most often a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a client reads for whom there is no connection left.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    content-length: 141\r\n\
    \r\n\
    {\"type\":\"/problems/overloaded\",\"title\":\"Overloaded\",\"status\":503,\
    \"detail\":\"Too many connections. Try again in a moment.\",\"code\":\"overloaded\"}";

/// Answers until told to stop; then finishes the answers it has begun.
pub async fn serve(listener: TcpListener, router: Router, limits: ServerLimits, cancel: CancellationToken) {
    let places = Places::new(limits.clone());
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(connection) => connection,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let place = match places.take(peer.ip()) {
            Ok(place) => place,
            Err(full) => {
                refuse(&stream, full);
                continue;
            }
        };
        // An answer is written as one piece; waiting for more of it only costs time. Without it we are merely slower.
        let _ = stream.set_nodelay(true);
        let stream = Patient::new(stream, limits.write_wait, place);
        let connection = converse(stream, peer, router.clone(), limits.clone(), cancel.child_token());
        connections.spawn(connection);
    }
    connections.close();
    connections.wait().await;
}

async fn converse(
    stream: Patient<TcpStream>,
    peer: SocketAddr,
    router: Router,
    limits: ServerLimits,
    cancel: CancellationToken,
) {
    let open = gauge!("http_connections");
    open.increment(1);
    let answer = service_fn(|request| answer(router.clone(), request, peer));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_wait)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    let mut connection = pin!(connection);
    // How it ends is the client's business: it went away, or it was too slow.
    tokio::select! {
        biased;
        _ = connection.as_mut() => {}
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
    open.decrement(1);
}

async fn answer(mut router: Router, request: Request<Incoming>, peer: SocketAddr) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.call(request).await
}

/// Never waits: whoever does not read this at once is not waited for.
fn refuse(stream: &TcpStream, full: Full) {
    let by = match full {
        Full::Server => "server",
        Full::Address => "address",
    };
    counter!("http_connections_refused_total", "by" => by).increment(1);
    let _ = stream.try_write(NO_PLACE);
}

async fn pause_after(error: &io::Error) {
    let is_the_clients = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !is_the_clients {
        tracing::error!(error = %error, "cannot accept connections");
        sleep(ACCEPT_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::NO_PLACE;

    #[test]
    fn the_refusal_says_its_own_length() {
        let text = std::str::from_utf8(NO_PLACE).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.ends_with(&format!("content-length: {}", body.len())),
            "{}",
            body.len()
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["code"], "overloaded");
    }
}
