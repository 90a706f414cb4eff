//! The engine's client `eventstore`, behind the trait.
//!
//! Worked round here:
//! - It sets a provider of its own for TLS and dies if there is one already: [`EventStore::claim_tls`] lets it go first, and
//!   says so if it comes too late.
//! - Its worker ends for good when the engine cannot be found: then it is made anew.
//! - It reports what a node that does not lead said, turns to the leader, and leaves it to the caller to ask again.
//! - Its subscriptions spin for ever once the engine ends one cleanly, and cannot be stopped: they are not used.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use eventstore::{
    AppendToStreamOptions, ClientSettings, CurrentRevision, Error, EventData, ExpectedRevision, Position,
    ReadAllOptions, ReadStream, ReadStreamOptions, StreamPosition,
};
use rustls::crypto::CryptoProvider;
use serde_json::value::RawValue;
use thiserror::Error as ThisError;

use crate::client::{Client, ClientError, Expected, Found, Outgoing, Written};

/// Status codes of gRPC that say that the same call will fail again: invalid argument, failed precondition, out of range.
const REFUSALS: [i32; 3] = [3, 9, 11];

/// How long the client may take to set the provider for TLS, which takes it some milliseconds.
const CLAIM_LIMIT: Duration = Duration::from_secs(10);
const DISCOVERY_PAUSE_MS: u32 = 50;

/// A connection to the engine, or to the node of a cluster that leads.
pub struct EventStore {
    settings: ClientSettings,
    client: Mutex<Option<eventstore::Client>>,
}

#[derive(Debug, ThisError)]
pub enum ConnectError {
    #[error("no address of an EventStoreDB: {0}")]
    Address(String),
    /// Its client would die of it. [`EventStore::claim_tls`] is to be called before anything else sets one.
    #[error("this process has a provider for TLS already, which is not that of the engine's client")]
    TlsTaken,
}

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
        let settings = impatient(url)
            .parse::<ClientSettings>()
            .map_err(|error| ConnectError::Address(error.message().to_owned()))?;
        Ok(Self {
            settings,
            client: Mutex::new(None),
        })
    }

    fn client(&self) -> Result<eventstore::Client, ClientError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let made = eventstore::Client::new(self.settings.clone()).map_err(|error| Self::failed(&error))?;
        Ok(client.insert(made).clone())
    }

    fn failed(error: &Error) -> ClientError {
        match error {
            Error::WrongExpectedVersion { current, .. } => ClientError::WrongRevision {
                current: match current {
                    CurrentRevision::Current(revision) => Some(*revision),
                    CurrentRevision::NoStream => None,
                },
            },
            Error::AccessDenied | Error::ResourceDeleted | Error::UnsupportedFeature => {
                ClientError::Refused(error.to_string())
            }
            Error::Grpc { code, .. } if REFUSALS.contains(&(*code as i32)) => ClientError::Refused(error.to_string()),
            _ => ClientError::InDoubt(error.to_string()),
        }
    }

    /// Its worker is gone: the next call makes another one.
    fn is_gone(error: &Error) -> bool {
        matches!(error, Error::ConnectionClosed | Error::GrpcConnectionError(_))
    }

    fn judge<T>(&self, outcome: Result<T, Error>) -> Result<T, ClientError> {
        outcome.map_err(|error| {
            if Self::is_gone(&error) {
                *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            Self::failed(&error)
        })
    }

    async fn gather(&self, stream: Result<ReadStream, Error>) -> Result<Vec<Found>, ClientError> {
        let mut stream = match stream {
            Err(Error::ResourceNotFound) => return Ok(Vec::new()),
            stream => self.judge(stream)?,
        };
        let mut events = Vec::new();
        loop {
            match stream.next().await {
                Err(Error::ResourceNotFound) => return Ok(events),
                event => match self.judge(event)?.and_then(|event| event.event) {
                    Some(event) => events.push(found(event)),
                    None => return Ok(events),
                },
            }
        }
    }
}

/// Has a client made and waits until its worker has set the provider. Its address is never used.
fn claim() -> bool {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return false;
    };
    let Ok(settings) = "esdb://localhost?tls=false".parse::<ClientSettings>() else {
        return false;
    };
    runtime.block_on(async {
        let _client = eventstore::Client::new(settings);
        let set = async {
            while CryptoProvider::get_default().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(CLAIM_LIMIT, set).await.is_ok()
    })
}

/// The client pauses before it connects, even for the first time: for half a second unless the address says otherwise.
fn impatient(url: &str) -> String {
    if url.to_ascii_lowercase().contains("discoveryinterval=") {
        return url.to_owned();
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}discoveryInterval={DISCOVERY_PAUSE_MS}")
}

fn found(event: eventstore::RecordedEvent) -> Found {
    Found {
        id: event.id,
        stream: event.stream_id,
        revision: event.revision,
        position: event.position.commit,
        event_type: event.event_type,
        data: event.data.into(),
        metadata: event.custom_metadata.into(),
    }
}

/// As JSON if the bytes stay as they are; with white space around them they would not.
fn data(event: Outgoing) -> EventData {
    let as_json = serde_json::from_slice::<&RawValue>(&event.data)
        .ok()
        .filter(|raw| raw.get().len() == event.data.len())
        .and_then(|raw| EventData::json(&event.event_type, &raw).ok());
    let data = match as_json {
        Some(data) => data,
        None => EventData::binary(&event.event_type, event.data.into()),
    };
    data.id(event.id).metadata(event.metadata.into())
}

fn at(position: u64) -> StreamPosition<Position> {
    StreamPosition::Position(Position {
        commit: position,
        prepare: position,
    })
}

#[async_trait]
impl Client for EventStore {
    async fn append(&self, stream: &str, expected: Expected, events: Vec<Outgoing>) -> Result<Written, ClientError> {
        let options = AppendToStreamOptions::default().expected_revision(match expected {
            Expected::NoStream => ExpectedRevision::NoStream,
            Expected::Revision(revision) => ExpectedRevision::Exact(revision),
        });
        let events: Vec<EventData> = events.into_iter().map(data).collect();
        let outcome = self.client()?.append_to_stream(stream, &options, events).await;
        let written = self.judge(outcome)?;
        Ok(Written {
            last_revision: written.next_expected_version,
            position: Some(written.position.commit).filter(|position| *position > 0 && *position < u64::MAX),
        })
    }

    async fn read_stream(&self, stream: &str, revision: u64, limit: usize) -> Result<Vec<Found>, ClientError> {
        let options = ReadStreamOptions::default()
            .position(StreamPosition::Position(revision))
            .max_count(limit);
        let stream = self.client()?.read_stream(stream, &options).await;
        self.gather(stream).await
    }

    async fn read_all(&self, position: u64, limit: usize) -> Result<Vec<Found>, ClientError> {
        let options = ReadAllOptions::default().position(at(position)).max_count(limit);
        let stream = self.client()?.read_all(&options).await;
        self.gather(stream).await
    }

    async fn read_back(&self, position: Option<u64>, limit: usize) -> Result<Vec<Found>, ClientError> {
        let options = ReadAllOptions::default()
            .position(position.map_or(StreamPosition::End, at))
            .backwards()
            .max_count(limit);
        let stream = self.client()?.read_all(&options).await;
        self.gather(stream).await
    }
}
