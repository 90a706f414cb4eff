//! The engine's client `kurrentdb`, successor of `eventstore`. It takes the process's provider for TLS as it finds it.

use kurrentdb as engine;

use super::fuse::Fuse;
use super::held::{Call, Holder};
use super::same::{self, ConnectError};
use crate::client::{Client, ClientError, Expected, Found, Outgoing, Signal, Subscription, Written};

/// A connection to the engine, or to the node of a cluster that leads.
pub struct Kurrent(Connection);

impl Kurrent {
    /// Takes an address like `kurrentdb://host:2113?tls=false`, or one of `esdb://`. Connects when it is first used.
    pub fn connect(url: &str) -> Result<Self, ConnectError> {
        Connection::to(url).map(Self)
    }
}

fn expecting(options: engine::AppendToStreamOptions, expected: Expected) -> engine::AppendToStreamOptions {
    options.stream_state(match expected {
        Expected::NoStream => engine::StreamState::NoStream,
        Expected::Revision(revision) => engine::StreamState::StreamRevision(revision),
    })
}

fn stream_of(event: &engine::RecordedEvent) -> String {
    event.stream_id().to_owned()
}

same::speak!(Kurrent);
