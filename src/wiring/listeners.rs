//! The two doors for HTTP: the API, and the figures for the operator.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use anyhow::{Context, anyhow};
use api::server::{self, ServerLimits};
use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::HttpOptions;
use crate::lifecycle::Lifecycle;

/// Connections that wait to be accepted: the kernel's own limit is most often the same.
const BACKLOG: u32 = 4096;
/// Whoever collects figures needs one or two.
const METRICS_CONNECTIONS_MAX: usize = 64;

/// Bound, and not yet answering: others must know the address before there is something to answer with.
pub(crate) struct Listeners {
    api: TcpListener,
    metrics: TcpListener,
    pub(crate) api_address: SocketAddr,
    pub(crate) metrics_address: SocketAddr,
}

impl Listeners {
    pub(crate) async fn bind(options: &HttpOptions) -> anyhow::Result<Self> {
        let api = listen(options.listen).map_err(|error| explain(error, options.listen, "--listen"))?;
        let metrics = bind_metrics(options.metrics_listen).await?;
        Ok(Self {
            api_address: api.local_addr().context("read our own address")?,
            metrics_address: metrics.local_addr().context("read our own address")?,
            api,
            metrics,
        })
    }

    /// Answers until told to stop; then finishes the answers it has begun.
    pub(crate) fn serve(self, api: Router, metrics: Router, limits: &ServerLimits, lifecycle: &Lifecycle) {
        let for_metrics = ServerLimits {
            connections: METRICS_CONNECTIONS_MAX,
            connections_per_address: None,
            ..limits.clone()
        };
        for (listener, router, limits) in [(self.api, api, limits.clone()), (self.metrics, metrics, for_metrics)] {
            let cancel = lifecycle.front_cancel.clone();
            lifecycle.front.spawn(answer(listener, router, limits, cancel));
        }
    }
}

async fn answer(listener: TcpListener, router: Router, limits: ServerLimits, cancel: CancellationToken) {
    let _fatal = cancel.clone().drop_guard();
    server::serve(listener, router, limits, cancel).await;
}

/// Like [`TcpListener::bind`], with room for all who come in the same moment.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Nobody's sale should wait for a port of the figures.
async fn bind_metrics(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            warn!("{address} is taken: metrics are served on a free port instead (choose one with --metrics-listen)");
            TcpListener::bind((address.ip(), 0))
                .await
                .context("find a free port for metrics")
        }
        Err(error) => Err(explain(error, address, "--metrics-listen")),
    }
}

fn explain(error: io::Error, address: SocketAddr, flag: &str) -> anyhow::Error {
    if error.kind() == ErrorKind::AddrInUse {
        return anyhow!("{address} is taken by another program: choose another address with {flag}");
    }
    anyhow::Error::new(error).context(format!("listen on {address}"))
}
