//! What the two clients of the engine have in common, which is nearly everything but their names.
//!
//! Worked round here:
//! - They stay with a node that is gone, and end for good when none can be found: then they are made anew (`held.rs`).
//! - They report what a node that does not lead said, turn to the leader, and leave it to the caller to ask again.
//! - A subscription that the engine ends cleanly spins for ever: the task that it is in ends it (`fuse.rs`).

use thiserror::Error;

/// Status codes of gRPC that say that the same call will fail again: invalid argument, failed precondition, out of range.
pub(super) const REFUSALS: [i32; 3] = [3, 9, 11];

/// What an address leaves open. The client pauses before it connects, even for the first time, for half a second; and it gives
/// a node three seconds to answer when it looks for one, which is longer than a call may take.
const DEFAULTS: [(&str, u32); 2] = [("discoveryInterval", 50), ("gossipTimeout", 500)];

#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("no address of an EventStoreDB: {0}")]
    Address(String),
    /// Its client would die of it. [`EventStore::claim_tls`](super::EventStore::claim_tls) is to be called before anything
    /// else sets one.
    #[error("this process has a provider for TLS already, which is not that of the engine's client")]
    TlsTaken,
}

/// Looks for a node in milliseconds, unless the address says otherwise.
pub(super) fn impatient(url: &str) -> String {
    let said = url.to_ascii_lowercase();
    let open = DEFAULTS
        .iter()
        .filter(|(name, _)| !said.contains(&format!("{}=", name.to_ascii_lowercase())));
    open.fold(url.to_owned(), |url, (name, millis)| {
        let joint = if url.contains('?') { '&' } else { '?' };
        format!("{url}{joint}{name}={millis}")
    })
}

/// Whether it is the caller's fault that a node failed: it is well, then.
pub(super) fn is_misplaced(status: &str) -> bool {
    status.contains("invalid position")
}

/// Puts the client that is called `engine` where this stands behind the trait, as `$name`. What is named differently is
/// found there, too: `expecting` and `stream_of`.
macro_rules! speak {
    ($name:ident) => {
        #[derive(Clone)]
        struct Connection {
            settings: engine::ClientSettings,
            holder: Holder<engine::Client>,
        }

        impl Connection {
            fn to(url: &str) -> Result<Self, ConnectError> {
                let settings = same::impatient(url).parse::<engine::ClientSettings>();
                Ok(Self {
                    settings: settings.map_err(|error| ConnectError::Address(error.message().to_owned()))?,
                    holder: Holder::new(),
                })
            }

            fn call(&self) -> Result<Call<engine::Client>, ClientError> {
                self.holder.call(|runtime| {
                    let made = engine::Client::with_runtime_handle(runtime, self.settings.clone());
                    made.map_err(|error| error.to_string())
                })
            }

            async fn gather(
                mut call: Call<engine::Client>,
                stream: engine::Result<engine::ReadStream>,
            ) -> Result<Vec<Found>, ClientError> {
                let mut stream = stream.map_err(|error| failed(&mut call, error))?;
                let mut events = Vec::new();
                loop {
                    let event = match stream.next().await {
                        Err(engine::Error::ResourceNotFound) => None,
                        event => event
                            .map_err(|error| failed(&mut call, error))?
                            .and_then(|event| event.event),
                    };
                    let Some(event) = event else {
                        call.keep();
                        return Ok(events);
                    };
                    events.push(found(event));
                }
            }

            /// Brings what the engine sends until it fails or nobody takes it any more.
            async fn bring(
                mut call: Call<engine::Client>,
                mut engine: engine::Subscription,
                signals: tokio::sync::mpsc::Sender<Result<Signal, ClientError>>,
                fuse: Fuse,
            ) {
                use engine::SubscriptionEvent;
                // Whoever gives it up may have nothing against the node.
                call.keep();
                loop {
                    let signal = match engine.next_subscription_event().await {
                        Ok(SubscriptionEvent::EventAppeared(event)) => {
                            event.event.map(|event| Ok(Signal::Event(found(event))))
                        }
                        Ok(SubscriptionEvent::Checkpoint(position)) => Some(Ok(Signal::Passed(position.commit))),
                        Ok(_) => None,
                        Err(error) => Some(Err(failed(&mut call, error))),
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

        /// What became of a call, and whether it is the node's fault.
        fn failed(call: &mut Call<engine::Client>, error: engine::Error) -> ClientError {
            use engine::{CurrentRevision, Error};
            let is_gone = match &error {
                Error::ServerError(status) => !same::is_misplaced(status),
                // A node that does not know who leads, as it says of no stream: that is among the answers.
                Error::ResourceNotFound => true,
                Error::DeadlineExceeded | Error::ConnectionClosed | Error::GrpcConnectionError(_) => true,
                _ => false,
            };
            if is_gone {
                call.lose();
            } else {
                call.keep();
            }
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
                Error::ServerError(status) if same::is_misplaced(&status) => ClientError::NoSuchPosition,
                _ => ClientError::InDoubt(error.to_string()),
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
                let mut call = self.0.call()?;
                let outcome = call.append_to_stream(stream, &options, events).await;
                let written = outcome.map_err(|error| failed(&mut call, error))?;
                call.keep();
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
                let call = self.0.call()?;
                let stream = call.read_stream(stream, &options).await;
                Connection::gather(call, stream).await
            }

            async fn read_all(&self, position: u64, limit: usize) -> Result<Vec<Found>, ClientError> {
                let options = engine::ReadAllOptions::default()
                    .position(at(position))
                    .max_count(limit);
                let call = self.0.call()?;
                let stream = call.read_all(&options).await;
                Connection::gather(call, stream).await
            }

            async fn read_back(&self, position: Option<u64>, limit: usize) -> Result<Vec<Found>, ClientError> {
                let options = engine::ReadAllOptions::default()
                    .position(position.map_or(engine::StreamPosition::End, at))
                    .backwards()
                    .max_count(limit);
                let call = self.0.call()?;
                let stream = call.read_all(&options).await;
                Connection::gather(call, stream).await
            }

            async fn subscribe(&self, position: u64) -> Result<Subscription, ClientError> {
                let options = engine::SubscribeToAllOptions::default()
                    .position(at(position))
                    .filter(engine::SubscriptionFilter::on_stream_name().exclude_system_events());
                let call = self.0.call()?;
                let engine = call.subscribe_to_all(&options).await;
                let fuse = Fuse::default();
                Ok(Subscription::new(|signals| {
                    let bringing = Connection::bring(call, engine, signals, fuse.clone());
                    let bringing = tracing::instrument::WithSubscriber::with_subscriber(bringing, fuse);
                    tokio_util::task::AbortOnDropHandle::new(tokio_util::task::TaskTracker::new().spawn(bringing))
                }))
            }
        }
    };
}
pub(super) use speak;
