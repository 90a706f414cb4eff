//! What the two clients of the engine have in common, which is nearly everything but their names.
//!
//! Worked round here:
//! - Their worker ends for good when the engine cannot be found: then it is made anew.
//! - They report what a node that does not lead said, turn to the leader, and leave it to the caller to ask again.
//! - A subscription that the engine ends cleanly spins for ever: the task that it is in ends it (`fuse.rs`).

use thiserror::Error;

use crate::client::ClientError;

/// Status codes of gRPC that say that the same call will fail again: invalid argument, failed precondition, out of range.
pub(super) const REFUSALS: [i32; 3] = [3, 9, 11];

const DISCOVERY_PAUSE_MS: u32 = 50;

#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("no address of an EventStoreDB: {0}")]
    Address(String),
    /// Its client would die of it. [`EventStore::claim_tls`](super::EventStore::claim_tls) is to be called before anything
    /// else sets one.
    #[error("this process has a provider for TLS already, which is not that of the engine's client")]
    TlsTaken,
}

/// The client pauses before it connects, even for the first time: for half a second unless the address says otherwise.
pub(super) fn impatient(url: &str) -> String {
    if url.to_ascii_lowercase().contains("discoveryinterval=") {
        return url.to_owned();
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}discoveryInterval={DISCOVERY_PAUSE_MS}")
}

/// What a node says that it could not do. In one case it is the caller's fault.
pub(super) fn failing(status: String) -> ClientError {
    if status.contains("invalid position") {
        ClientError::NoSuchPosition
    } else {
        ClientError::InDoubt(status)
    }
}

/// Puts the client that is called `engine` where this stands behind the trait, as `$name`. What is named differently is
/// found there, too: `expecting` and `stream_of`.
macro_rules! speak {
    ($name:ident) => {
        #[derive(Clone)]
        struct Connection {
            settings: engine::ClientSettings,
            client: std::sync::Arc<std::sync::Mutex<Option<engine::Client>>>,
        }

        impl Connection {
            fn to(url: &str) -> Result<Self, ConnectError> {
                let settings = same::impatient(url).parse::<engine::ClientSettings>();
                Ok(Self {
                    settings: settings.map_err(|error| ConnectError::Address(error.message().to_owned()))?,
                    client: std::sync::Arc::default(),
                })
            }

            fn client(&self) -> Result<engine::Client, ClientError> {
                let mut client = self
                    .client
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                if let Some(client) = &*client {
                    return Ok(client.clone());
                }
                let made = engine::Client::new(self.settings.clone());
                let made = made.map_err(|error| ClientError::InDoubt(error.to_string()))?;
                Ok(client.insert(made).clone())
            }

            fn failed(&self, error: engine::Error) -> ClientError {
                use engine::{CurrentRevision, Error};
                match error {
                    Error::WrongExpectedVersion { current, .. } => ClientError::WrongRevision {
                        current: match current {
                            CurrentRevision::Current(revision) => Some(revision),
                            CurrentRevision::NoStream => None,
                        },
                    },
                    Error::AccessDenied | Error::ResourceDeleted | Error::UnsupportedFeature => {
                        ClientError::Refused(error.to_string())
                    }
                    Error::Grpc { code, .. } if same::REFUSALS.contains(&(code as i32)) => {
                        ClientError::Refused(error.to_string())
                    }
                    Error::ServerError(status) => same::failing(status),
                    Error::ConnectionClosed | Error::GrpcConnectionError(_) => {
                        // Its worker is gone: the next call makes another one.
                        *self
                            .client
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner) = None;
                        ClientError::InDoubt(error.to_string())
                    }
                    _ => ClientError::InDoubt(error.to_string()),
                }
            }

            async fn gather(&self, stream: engine::Result<engine::ReadStream>) -> Result<Vec<Found>, ClientError> {
                let mut stream = match stream {
                    Err(engine::Error::ResourceNotFound) => return Ok(Vec::new()),
                    stream => stream.map_err(|error| self.failed(error))?,
                };
                let mut events = Vec::new();
                loop {
                    match stream.next().await {
                        Err(engine::Error::ResourceNotFound) => return Ok(events),
                        event => match event
                            .map_err(|error| self.failed(error))?
                            .and_then(|event| event.event)
                        {
                            Some(event) => events.push(found(event)),
                            None => return Ok(events),
                        },
                    }
                }
            }

            /// Brings what the engine sends until it fails or nobody takes it any more.
            async fn bring(
                self,
                mut engine: engine::Subscription,
                signals: tokio::sync::mpsc::Sender<Result<Signal, ClientError>>,
                fuse: Fuse,
            ) {
                use engine::SubscriptionEvent;
                loop {
                    let signal = match engine.next_subscription_event().await {
                        Ok(SubscriptionEvent::EventAppeared(event)) => {
                            event.event.map(|event| Ok(Signal::Event(found(event))))
                        }
                        Ok(SubscriptionEvent::Checkpoint(position)) => Some(Ok(Signal::Passed(position.commit))),
                        Ok(_) => None,
                        Err(error) => Some(Err(self.failed(error))),
                    };
                    fuse.mend();
                    let is_over = matches!(signal, Some(Err(_)));
                    if let Some(signal) = signal
                        && signals.send(signal).await.is_err()
                    {
                        return;
                    }
                    if is_over {
                        return;
                    }
                }
            }
        }

        fn found(event: engine::RecordedEvent) -> Found {
            Found {
                id: event.id,
                revision: event.revision,
                position: event.position.commit,
                stream: stream_of(&event),
                event_type: event.event_type,
                data: event.data.into(),
                metadata: event.custom_metadata.into(),
            }
        }

        /// As JSON if the bytes stay as they are; with white space around them they would not.
        fn data(event: Outgoing) -> engine::EventData {
            let as_json = serde_json::from_slice::<&serde_json::value::RawValue>(&event.data)
                .ok()
                .filter(|raw| raw.get().len() == event.data.len())
                .and_then(|raw| engine::EventData::json(&event.event_type, &raw).ok());
            let data = match as_json {
                Some(data) => data,
                None => engine::EventData::binary(&event.event_type, event.data.into()),
            };
            data.id(event.id).metadata(event.metadata.into())
        }

        fn at(position: u64) -> engine::StreamPosition<engine::Position> {
            match position {
                0 => engine::StreamPosition::Start,
                position => engine::StreamPosition::Position(engine::Position {
                    commit: position,
                    prepare: position,
                }),
            }
        }

        #[async_trait::async_trait]
        impl Client for $name {
            async fn append(
                &self,
                stream: &str,
                expected: Expected,
                events: Vec<Outgoing>,
            ) -> Result<Written, ClientError> {
                let options = expecting(engine::AppendToStreamOptions::default(), expected);
                let events: Vec<engine::EventData> = events.into_iter().map(data).collect();
                let outcome = self.0.client()?.append_to_stream(stream, &options, events).await;
                let written = outcome.map_err(|error| self.0.failed(error))?;
                let said = |position: &u64| *position > 0 && *position < u64::MAX;
                Ok(Written {
                    last_revision: written.next_expected_version,
                    position: Some(written.position.commit).filter(said),
                })
            }

            async fn read_stream(&self, stream: &str, revision: u64, limit: usize) -> Result<Vec<Found>, ClientError> {
                let options = engine::ReadStreamOptions::default()
                    .position(engine::StreamPosition::Position(revision))
                    .max_count(limit);
                let stream = self.0.client()?.read_stream(stream, &options).await;
                self.0.gather(stream).await
            }

            async fn read_all(&self, position: u64, limit: usize) -> Result<Vec<Found>, ClientError> {
                let options = engine::ReadAllOptions::default()
                    .position(at(position))
                    .max_count(limit);
                let stream = self.0.client()?.read_all(&options).await;
                self.0.gather(stream).await
            }

            async fn read_back(&self, position: Option<u64>, limit: usize) -> Result<Vec<Found>, ClientError> {
                let options = engine::ReadAllOptions::default()
                    .position(position.map_or(engine::StreamPosition::End, at))
                    .backwards()
                    .max_count(limit);
                let stream = self.0.client()?.read_all(&options).await;
                self.0.gather(stream).await
            }

            async fn subscribe(&self, position: u64) -> Result<Subscription, ClientError> {
                let options = engine::SubscribeToAllOptions::default()
                    .position(at(position))
                    .filter(engine::SubscriptionFilter::on_stream_name().exclude_system_events());
                let engine = self.0.client()?.subscribe_to_all(&options).await;
                let fuse = Fuse::default();
                Ok(Subscription::new(|signals| {
                    let bringing = self.0.clone().bring(engine, signals, fuse.clone());
                    let bringing = tracing::instrument::WithSubscriber::with_subscriber(bringing, fuse);
                    tokio_util::task::AbortOnDropHandle::new(tokio_util::task::TaskTracker::new().spawn(bringing))
                }))
            }
        }
    };
}
pub(super) use speak;
