//! A node of the double that listens.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use esdb_protocol::event_store::client::server_features::server_features_server::ServerFeaturesServer;
use esdb_protocol::event_store::client::streams::streams_server::StreamsServer;
use futures::TryStreamExt as _;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::task::TaskTracker;
use tonic::transport::Server;
use uuid::Uuid;

use crate::fault::Faults;
use crate::prompt::Prompt;
use crate::service::Service;
use crate::store::Store;

/// Below the ports that the kernel gives to clients: one of those might take a node's while it is away.
const PORTS: std::ops::Range<u16> = 12_000..32_000;
const PORTS_TRIED: usize = 100;

fn own_address() -> SocketAddr {
    let random = Uuid::new_v4().as_u64_pair().0;
    let port = PORTS.start + u16::try_from(random % PORTS.len() as u64).unwrap_or_default();
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// One node. Dropped, it is gone, and its connections with it; what was stored stays with the store.
#[derive(Debug)]
pub struct EsdbFake {
    address: SocketAddr,
    store: Arc<Store>,
    faults: Arc<Faults>,
    /// Everything it does runs there, and ends with it.
    runtime: Option<Runtime>,
}

impl EsdbFake {
    /// A cluster of one.
    pub fn start() -> io::Result<Self> {
        Self::join(Arc::new(Store::default()))
    }

    /// One more node on what others have stored.
    pub fn join(store: Arc<Store>) -> io::Result<Self> {
        let addresses = std::iter::repeat_with(own_address).take(PORTS_TRIED);
        let mut listeners = addresses.filter_map(|address| std::net::TcpListener::bind(address).ok());
        match listeners.next() {
            Some(listener) => Self::serve(store, listener),
            None => Self::listen(store, SocketAddr::from(([127, 0, 0, 1], 0))),
        }
    }

    /// On an address that is known already: that of a node that came back.
    pub fn listen(store: Arc<Store>, address: SocketAddr) -> io::Result<Self> {
        Self::serve(store, std::net::TcpListener::bind(address)?)
    }

    fn serve(store: Arc<Store>, listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let faults = Arc::new(Faults::default());
        let service = Service::new(Arc::clone(&store), Arc::clone(&faults));
        let router = Server::builder()
            .add_service(StreamsServer::new(service.clone()))
            .add_service(ServerFeaturesServer::new(service));
        // Small answers leave at once.
        let connections = TcpListenerStream::new(listener)
            .inspect_ok(|connection| drop(connection.set_nodelay(true)))
            .map_ok(Prompt);
        let serve = async move { drop(router.serve_with_incoming(connections).await) };
        TaskTracker::new().spawn_on(serve, runtime.handle());
        Ok(Self {
            address,
            store,
            faults,
            runtime: Some(runtime),
        })
    }

    pub fn url(&self) -> String {
        format!("esdb://{}?tls=false", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Drop for EsdbFake {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
