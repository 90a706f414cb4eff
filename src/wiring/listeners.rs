//! The two doors for HTTP: the API, and the figures for the operator.

use std::io::ErrorKind;
use std::net::SocketAddr;

use anyhow::{Context, anyhow};
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::config::HttpOptions;
use crate::lifecycle::Lifecycle;

/// Bound, and not yet answering: others must know the address before there is something to answer with.
pub(crate) struct Listeners {
    api: TcpListener,
    metrics: TcpListener,
    pub(crate) api_address: SocketAddr,
    pub(crate) metrics_address: SocketAddr,
}

impl Listeners {
    pub(crate) async fn bind(options: &HttpOptions) -> anyhow::Result<Self> {
        let api = TcpListener::bind(options.listen)
            .await
            .map_err(|error| explain(error, options.listen, "--listen"))?;
        let metrics = bind_metrics(options.metrics_listen).await?;
        Ok(Self {
            api_address: api.local_addr().context("read our own address")?,
            metrics_address: metrics.local_addr().context("read our own address")?,
            api,
            metrics,
        })
    }

    /// Answers until told to stop; then finishes the answers it has begun.
    pub(crate) fn serve(self, api: Router, metrics: Router, lifecycle: &Lifecycle) {
        for (name, listener, router) in [("API", self.api, api), ("metrics", self.metrics, metrics)] {
            lifecycle
                .front
                .spawn(answer(name, listener, router, lifecycle.front_cancel.clone()));
        }
    }
}

async fn answer(name: &'static str, listener: TcpListener, router: Router, cancel: CancellationToken) {
    let _fatal = cancel.clone().drop_guard();
    let server = axum::serve(listener, router).with_graceful_shutdown(cancel.cancelled_owned());
    if let Err(failure) = server.await {
        error!("the {name} listener failed: {failure}");
    }
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

fn explain(error: std::io::Error, address: SocketAddr, flag: &str) -> anyhow::Error {
    if error.kind() == ErrorKind::AddrInUse {
        return anyhow!("{address} is taken by another program: choose another address with {flag}");
    }
    anyhow::Error::new(error).context(format!("listen on {address}"))
}
