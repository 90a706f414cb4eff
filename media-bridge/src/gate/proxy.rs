//! Passes a request on to the media server, and joins the two connections once both have switched protocols.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tracing::debug;

use crate::Bridge;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// For the media server's answer, up to its last header.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Error)]
pub(super) enum ProxyError {
    #[error("no connection")]
    Connect(#[from] io::Error),
    #[error("no answer")]
    Answer(#[from] hyper::Error),
    #[error("no answer in time")]
    Timeout(#[from] tokio::time::error::Elapsed),
}

/// The media server's answer. `upgrade` is there if it switched protocols.
pub(super) struct Passed {
    pub(super) response: Response<Incoming>,
    pub(super) upgrade: Option<OnUpgrade>,
}

/// Sends the head of a request, unchanged, on a connection of its own.
pub(super) async fn send(upstream: &str, head: &Parts, bridge: &Bridge) -> Result<Passed, ProxyError> {
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(upstream)).await??;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let cancel = bridge.cancel.clone();
    bridge.tracker.spawn(async move {
        tokio::select! {
            () = cancel.cancelled() => {}
            ended = connection.with_upgrades() => {
                if let Err(failure) = ended {
                    debug!(error = &failure as &dyn std::error::Error, "a connection to the media server broke");
                }
            }
        }
    });
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = path_and_query(head);
    *request.headers_mut() = head.headers.clone();
    let mut response = tokio::time::timeout(ANSWER_TIMEOUT, sender.send_request(request)).await??;
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let upgrade = switched.then(|| hyper::upgrade::on(&mut response));
    Ok(Passed { response, upgrade })
}

fn path_and_query(head: &Parts) -> http::Uri {
    head.uri
        .path_and_query()
        .map_or_else(|| http::Uri::from_static("/"), |path| path.clone().into())
}

/// Copies in both directions until one side ends, or we do. The place at the gate is taken until then.
pub(super) fn splice(bridge: &Bridge, client: OnUpgrade, upstream: OnUpgrade, place: OwnedSemaphorePermit) {
    let cancel = bridge.cancel.clone();
    bridge.tracker.spawn(async move {
        let _place = place;
        let joined = async {
            let (client, upstream) = tokio::try_join!(client, upstream)?;
            let ended = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(upstream)).await;
            // A connection that ends by a reset is over all the same.
            if let Err(failure) = ended {
                debug!(
                    error = &failure as &dyn std::error::Error,
                    "a connection at the gate broke"
                );
            }
            Ok::<_, hyper::Error>(())
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            outcome = joined => {
                if let Err(failure) = outcome {
                    debug!(error = &failure as &dyn std::error::Error, "a connection did not switch protocols");
                }
            }
        }
    });
}
