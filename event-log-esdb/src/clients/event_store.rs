//! The engine's client `eventstore`.
//!
//! It sets a provider of its own for TLS and dies if there is one already: [`EventStore::claim_tls`] lets it go first, and
//! says so if it comes too late.

use std::sync::OnceLock;
use std::time::Duration;

use eventstore as engine;
use rustls::crypto::CryptoProvider;

use super::fuse::Fuse;
use super::held::{Call, Holder};
use super::same::{self, ConnectError};
use crate::client::{Client, ClientError, Expected, Found, Outgoing, Signal, Subscription, Written};

/// How long the client may take to set the provider for TLS, which takes it some milliseconds.
const CLAIM_LIMIT: Duration = Duration::from_secs(10);

/// A connection to the engine, or to the node of a cluster that leads.
pub struct EventStore(Connection);

impl EventStore {
    /// Lets the engine's client set the process's provider for TLS, which it insists on doing itself: at the very start of
    /// a process that will use it. Once it is done, others that set one find it taken, and take it as it is.
    pub fn claim_tls() -> Result<(), ConnectError> {
        static CLAIMED: OnceLock<bool> = OnceLock::new();
        let is_claimed = CLAIMED.get_or_init(|| {
            CryptoProvider::get_default().is_none() && std::thread::spawn(claim).join().unwrap_or(false)
        });
        if *is_claimed {
            Ok(())
        } else {
            Err(ConnectError::TlsTaken)
        }
    }

    /// Takes an address like `esdb://host:2113?tls=false`. Connects when it is first used.
    pub fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::claim_tls()?;
        Connection::to(url).map(Self)
    }
}

/// Has a client made and waits until its worker has set the provider. Its address is never used.
fn claim() -> bool {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return false;
    };
    let Ok(settings) = "esdb://localhost?tls=false".parse::<engine::ClientSettings>() else {
        return false;
    };
    runtime.block_on(async {
        let _client = engine::Client::new(settings);
        let set = async {
            while CryptoProvider::get_default().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(CLAIM_LIMIT, set).await.is_ok()
    })
}

fn expecting(options: engine::AppendToStreamOptions, expected: Expected) -> engine::AppendToStreamOptions {
    options.expected_revision(match expected {
        Expected::NoStream => engine::ExpectedRevision::NoStream,
        Expected::Revision(revision) => engine::ExpectedRevision::Exact(revision),
    })
}

fn stream_of(event: &engine::RecordedEvent) -> String {
    event.stream_id.clone()
}

same::speak!(EventStore);
