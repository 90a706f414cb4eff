//! A node of the double that listens.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use esdb_protocol::event_store::client::gossip::gossip_server::GossipServer;
use esdb_protocol::event_store::client::server_features::server_features_server::ServerFeaturesServer;
use esdb_protocol::event_store::client::streams::streams_server::StreamsServer;
use futures::TryStreamExt as _;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::task::TaskTracker;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use uuid::Uuid;

use crate::fault::Faults;
use crate::prompt::Prompt;
use crate::service::Service;
use crate::store::Store;

/// Below the ports that the kernel gives to clients: one of those might take a node's while it is away.
const PORTS: std::ops::Range<u16> = 12_000..32_000;
const PORTS_TRIED: usize = 100;

/// How long an address may still be taken by the node that was there before, whose end nobody waits for.
const ADDRESS_WAIT: Duration = Duration::from_secs(10);
const ADDRESS_PAUSE: Duration = Duration::from_millis(10);

fn own_address() -> SocketAddr {
    let random = Uuid::new_v4().as_u64_pair().0;
    let port = PORTS.start + u16::try_from(random % PORTS.len() as u64).unwrap_or_default();
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// One node. Dropped, it is gone, and its connections with it; what was stored stays with the store.
#[derive(Debug)]
pub struct EsdbFake {
    address: SocketAddr,
    is_secure: bool,
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

    /// A cluster of one that speaks TLS: with a certificate and its key in PEM, by the process's provider.
    pub fn start_secure(certificate: &str, key: &str) -> io::Result<Self> {
        let identity = Identity::from_pem(certificate, key);
        Self::join_as(Arc::default(), Some(identity))
    }

    /// One more node on what others have stored.
    pub fn join(store: Arc<Store>) -> io::Result<Self> {
        Self::join_as(store, None)
    }

    fn join_as(store: Arc<Store>, identity: Option<Identity>) -> io::Result<Self> {
        let addresses = std::iter::repeat_with(own_address).take(PORTS_TRIED);
        let mut listeners = addresses.filter_map(|address| std::net::TcpListener::bind(address).ok());
        match listeners.next() {
            Some(listener) => Self::serve(store, listener, identity),
            None => Self::serve(store, std::net::TcpListener::bind("127.0.0.1:0")?, identity),
        }
    }

    /// On an address that is known already: that of a node that came back.
    pub fn listen(store: Arc<Store>, address: SocketAddr) -> io::Result<Self> {
        let until = Instant::now() + ADDRESS_WAIT;
        loop {
            match std::net::TcpListener::bind(address) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < until => {
                    std::thread::sleep(ADDRESS_PAUSE);
                }
                listener => return Self::serve(store, listener?, None),
            }
        }
    }

    /// A cluster of so many nodes, of which the first leads for as long as it is there, and then the next.
    pub fn cluster(nodes: usize) -> io::Result<Vec<Self>> {
        let store = Arc::new(Store::default());
        store.cluster().elect();
        (0..nodes).map(|_| Self::join(Arc::clone(&store))).collect()
    }

    fn serve(store: Arc<Store>, listener: std::net::TcpListener, identity: Option<Identity>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let faults = Arc::new(Faults::default());
        let service = Service::new(Arc::clone(&store), Arc::clone(&faults), address);
        let is_secure = identity.is_some();
        let mut server = Server::builder();
        if let Some(identity) = identity {
            let settings = ServerTlsConfig::new().identity(identity);
            server = server.tls_config(settings).map_err(io::Error::other)?;
        }
        let router = server
            .add_service(StreamsServer::new(service.clone()))
            .add_service(GossipServer::new(service.clone()))
            .add_service(ServerFeaturesServer::new(service));
        let of_connections = Arc::clone(&faults);
        let connections = TcpListenerStream::new(listener)
            .map_ok(move |connection| Prompt::new(connection, Arc::clone(&of_connections)));
        let serve = async move { drop(router.serve_with_incoming(connections).await) };
        TaskTracker::new().spawn_on(serve, runtime.handle());
        store.cluster().enter(address);
        Ok(Self {
            address,
            is_secure,
            store,
            faults,
            runtime: Some(runtime),
        })
    }

    /// Nothing comes through to this node or from it any more, on the connections that there are and on new ones, and no
    /// client is told. The other nodes count it out.
    pub fn cut_off(&self) {
        self.faults.cut_link();
        self.store.cluster().leave(self.address);
    }

    /// New connections come through again. Those from before are lost, and no client is told.
    pub fn come_back(&self) {
        self.faults.mend_link();
        self.store.cluster().enter(self.address);
    }

    pub fn url(&self) -> String {
        format!("esdb://{}?tls={}", self.address, self.is_secure)
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
        self.store.cluster().leave(self.address);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
