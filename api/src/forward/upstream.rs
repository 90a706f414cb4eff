//! Connections to the leader.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use tokio::time::Instant;

use super::layer::{FORWARDED, Kept};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
/// Idle connections that are kept; each carries one request at a time.
const IDLE_CONNECTIONS_MAX: usize = 64;
const IDLE_TIME_MAX: Duration = Duration::from_secs(30);
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// What speaks of one connection only (RFC 9110 §7.6.1), and what is made anew.
const NOT_PASSED_ON: [HeaderName; 11] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    KEEP_ALIVE,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Why there is no answer.
pub(super) enum Failure {
    /// The leader never saw the request.
    NotSent,
    /// It may have.
    Broken(reqwest::Error),
    /// Another node leads by now.
    Superseded,
}

#[derive(Clone)]
pub(super) struct Upstream {
    client: reqwest::Client,
}

impl Upstream {
    pub(super) fn new() -> Self {
        // reqwest looks for a provider even when no TLS will ever be spoken. An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIME_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_TIME_MAX)
            .redirect(Policy::none())
            .no_proxy()
            // Nodes speak plain HTTP among themselves. Without this a machine that has no CA certificates could not build
            // the client.
            .tls_certs_only([])
            .build()
            .expect("a client without certificates to load can be built");
        Self { client }
    }

    /// The leader's answer, if it is there in time.
    pub(super) async fn send(&self, leader: &str, kept: &Kept, answer_by: Instant) -> Result<Response, Failure> {
        let path = kept.head.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", leader.trim_end_matches('/'));
        let request = self
            .client
            .request(kept.head.method.clone(), url)
            .headers(passed_on(kept))
            .timeout(answer_by.saturating_duration_since(Instant::now()))
            .body(kept.body.clone());
        let answer = request.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                Failure::NotSent
            } else {
                Failure::Broken(error)
            }
        })?;
        metrics::counter!("forwarded_total").increment(1);
        let mut answer = http::Response::<reqwest::Body>::from(answer).map(Body::new);
        for header in NOT_PASSED_ON.iter().filter(|header| **header != CONTENT_LENGTH) {
            answer.headers_mut().remove(header);
        }
        Ok(answer)
    }
}

fn passed_on(kept: &Kept) -> HeaderMap {
    let mut headers = kept.head.headers.clone();
    for header in &NOT_PASSED_ON {
        headers.remove(header);
    }
    headers.insert(FORWARDED, HeaderValue::from_static("1"));
    if let Some(ConnectInfo(client)) = kept.head.extensions.get::<ConnectInfo<SocketAddr>>() {
        append_client(&mut headers, client);
    }
    headers
}

/// The leader counts requests by client, not by node.
fn append_client(headers: &mut HeaderMap, client: &SocketAddr) {
    let before = headers.get(&X_FORWARDED_FOR).and_then(|before| before.to_str().ok());
    let client = client.ip().to_string();
    let all = before.map_or_else(|| client.clone(), |before| format!("{before}, {client}"));
    if let Ok(all) = HeaderValue::from_str(&all) {
        headers.insert(X_FORWARDED_FOR, all);
    }
}
