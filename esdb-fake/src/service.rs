//! The calls that the double answers.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use esdb_protocol::event_store::client::server_features::server_features_server::ServerFeatures;
use esdb_protocol::event_store::client::server_features::{SupportedMethod, SupportedMethods};
use esdb_protocol::event_store::client::streams::append_req::options::ExpectedStreamRevision;
use esdb_protocol::event_store::client::streams::append_req::{self, ProposedMessage};
use esdb_protocol::event_store::client::streams::append_resp::success::{CurrentRevisionOption, PositionOption};
use esdb_protocol::event_store::client::streams::append_resp::{self, wrong_expected_version as wrong};
use esdb_protocol::event_store::client::streams::read_req;
use esdb_protocol::event_store::client::streams::read_req::options::all_options::AllOption;
use esdb_protocol::event_store::client::streams::read_req::options::stream_options::RevisionOption;
use esdb_protocol::event_store::client::streams::read_req::options::{CountOption, FilterOption, StreamOption};
use esdb_protocol::event_store::client::streams::read_resp::{self, Content, StreamNotFound, read_event};
use esdb_protocol::event_store::client::streams::streams_server::Streams;
use esdb_protocol::event_store::client::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq, ReadResp, TombstoneReq,
    TombstoneResp,
};
use esdb_protocol::event_store::client::{Empty, StreamIdentifier, Uuid as WireUuid, uuid as wire_uuid};
use futures::stream::{self, Stream};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::cluster::Cluster;
use crate::fault::{Fault, Faults, ReadFault};
use crate::feed::Feed;
use crate::store::{Expected, Held, Proposed, Store, Stored, Wrong};

#[derive(Clone, Debug)]
pub(crate) struct Service {
    store: Arc<Store>,
    faults: Arc<Faults>,
    address: SocketAddr,
}

/// A request that no client sends.
struct Malformed(String);

impl From<Malformed> for Status {
    fn from(Malformed(reason): Malformed) -> Self {
        Self::invalid_argument(reason)
    }
}

/// A call for the leader, which another node is.
struct Elsewhere(SocketAddr);

impl From<Elsewhere> for Status {
    fn from(Elsewhere(leader): Elsewhere) -> Self {
        not_leader(&leader.ip().to_string(), leader.port())
    }
}

/// A read of the log from where no event lies.
struct Nowhere;

impl From<Nowhere> for Status {
    fn from(Nowhere: Nowhere) -> Self {
        Self::unknown("Trying to read from an invalid position.")
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Service {
    pub(crate) fn new(store: Arc<Store>, faults: Arc<Faults>, address: SocketAddr) -> Self {
        Self { store, faults, address }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        self.store.cluster()
    }

    /// Whoever asks for the leader is told where it is, if it is not here.
    fn lead(&self, metadata: &MetadataMap) -> Result<(), Elsewhere> {
        let is_asked = metadata.get("requires-leader").is_some_and(|told| told == "true");
        let leader = self.cluster().instead_of(self.address).filter(|_| is_asked);
        leader.map_or(Ok(()), |leader| Err(Elsewhere(leader)))
    }

    async fn store(&self, stream: &str, expected: Expected, events: &[Proposed]) -> Result<AppendResp, Status> {
        let fault = self.faults.take();
        match &fault {
            Some(Fault::Unavailable) => return Err(Status::unavailable("as asked")),
            Some(Fault::Refused) => return Err(Status::invalid_argument("as asked")),
            Some(Fault::Denied) => return Err(Status::permission_denied("as asked")),
            Some(Fault::NotLeader { host, port }) => return Err(not_leader(host, *port)),
            _ => {}
        }
        let outcome = self.store.append(stream, expected, events);
        match fault {
            Some(Fault::StoredButUnavailable) => return Err(Status::unavailable("as asked, and stored")),
            Some(Fault::StoredButRefused) => return Err(Status::invalid_argument("as asked, and stored")),
            Some(Fault::Delayed(pause)) => tokio::time::sleep(pause).await,
            Some(Fault::StoredAndSilent) => std::future::pending().await,
            Some(Fault::StoredAndEmpty) => return Ok(AppendResp { result: None }),
            Some(Fault::WithoutPosition) => return Ok(answer(outcome, false)),
            _ => {}
        }
        Ok(answer(outcome, true))
    }

    fn fault_of(&self, options: &read_req::Options) -> Option<ReadFault> {
        match options.count_option {
            Some(CountOption::Subscription(_)) => self.faults.take_of_subscription(),
            _ => self.faults.take_of_read(),
        }
    }

    fn found(&self, options: &read_req::Options) -> Result<Vec<ReadResp>, Malformed> {
        let backwards = options.read_direction == 1;
        let Some(CountOption::Count(count)) = &options.count_option else {
            return Err(Malformed("no subscriptions of one stream here".to_owned()));
        };
        let count = usize::try_from(*count).unwrap_or(usize::MAX);
        let events = match &options.stream_option {
            Some(StreamOption::Stream(of)) => {
                let name = name(of.stream_identifier.clone())?;
                let first = match of.revision_option {
                    Some(RevisionOption::Revision(revision)) => revision,
                    _ => 0,
                };
                match self.store.of_stream(&name, first, count) {
                    Some(events) => events,
                    None => return Ok(vec![not_found(name)]),
                }
            }
            Some(StreamOption::All(all)) => {
                let from = match &all.all_option {
                    Some(AllOption::Position(from)) => Some(from.commit_position),
                    _ => None,
                };
                if backwards {
                    self.store.back(from, count)
                } else {
                    self.store.from(from.unwrap_or(0), count)
                }
            }
            None => return Err(Malformed("neither a stream nor all".to_owned())),
        };
        let events = events.into_iter().map(wire);
        Ok(events.map(|content| ReadResp { content: Some(content) }).collect())
    }

    /// Where a read of the log begins, if it can begin there.
    fn begin(&self, from: Option<&AllOption>) -> Result<u64, Nowhere> {
        match from {
            Some(AllOption::Position(from)) if !self.store.is_boundary(from.commit_position) => Err(Nowhere),
            Some(AllOption::Position(from)) => Ok(from.commit_position),
            Some(AllOption::Start(_) | AllOption::End(_)) | None => Ok(0),
        }
    }
}

#[tonic::async_trait]
impl Streams for Service {
    type ReadStream = Answers<ReadResp>;
    type BatchAppendStream = Answers<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        self.lead(request.metadata())?;
        let options = request
            .into_inner()
            .options
            .ok_or_else(|| Status::invalid_argument("no options"))?;
        match self.fault_of(&options) {
            Some(ReadFault::Unavailable) => return Err(Status::unavailable("as asked")),
            Some(ReadFault::Silent) => std::future::pending().await,
            Some(ReadFault::Delayed(pause)) => tokio::time::sleep(pause).await,
            Some(ReadFault::Empty) => {
                let nothing = stream::once(async { Ok(ReadResp { content: None }) });
                return Ok(Response::new(Box::pin(nothing)));
            }
            None => {}
        }
        if let Some(StreamOption::All(all)) = &options.stream_option {
            let begin = self.begin(all.all_option.as_ref())?;
            if matches!(options.count_option, Some(CountOption::Subscription(_))) {
                let without_own = matches!(options.filter_option, Some(FilterOption::Filter(_)));
                let feed = Feed::new(Arc::clone(&self.store), Arc::clone(&self.faults), begin, without_own);
                return Ok(Response::new(Box::pin(feed.into_stream())));
            }
        }
        let found = self.found(&options)?;
        Ok(Response::new(Box::pin(stream::iter(found.into_iter().map(Ok)))))
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        self.lead(request.metadata())?;
        let mut messages = request.into_inner();
        let (mut target, mut events) = (None, Vec::new());
        while let Some(message) = messages.message().await? {
            match message.content {
                Some(append_req::Content::Options(options)) => target = Some(options),
                Some(append_req::Content::ProposedMessage(event)) => events.push(proposed(event)?),
                None => return Err(Status::invalid_argument("an empty message")),
            }
        }
        let target = target.ok_or_else(|| Status::invalid_argument("no options"))?;
        let expected = match target.expected_stream_revision {
            Some(ExpectedStreamRevision::Revision(revision)) => Expected::Revision(revision),
            Some(ExpectedStreamRevision::NoStream(_)) => Expected::NoStream,
            Some(ExpectedStreamRevision::StreamExists(_)) => Expected::Exists,
            Some(ExpectedStreamRevision::Any(_)) | None => Expected::Any,
        };
        let stream = name(target.stream_identifier)?;
        self.store(&stream, expected, &events).await.map(Response::new)
    }

    async fn delete(&self, _: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        Err(Status::unimplemented("nothing is deleted here"))
    }

    async fn tombstone(&self, _: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        Err(Status::unimplemented("nothing is deleted here"))
    }

    async fn batch_append(
        &self,
        _: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        Err(Status::unimplemented("appends are unary here"))
    }
}

#[tonic::async_trait]
impl ServerFeatures for Service {
    async fn get_supported_methods(&self, _: Request<Empty>) -> Result<Response<SupportedMethods>, Status> {
        let methods = ["append", "read"].map(|method| SupportedMethod {
            method_name: method.to_owned(),
            service_name: "event_store.client.streams.streams".to_owned(),
            features: Vec::new(),
        });
        Ok(Response::new(SupportedMethods {
            methods: methods.to_vec(),
            event_store_server_version: "24.10.0".to_owned(),
        }))
    }
}

fn not_leader(host: &str, port: u16) -> Status {
    let mut status = Status::not_found("leader info available");
    let trailers = status.metadata_mut();
    trailers.insert("exception", MetadataValue::from_static("not-leader"));
    if let Ok(host) = host.parse() {
        trailers.insert("leader-endpoint-host", host);
    }
    trailers.insert("leader-endpoint-port", MetadataValue::from(port));
    status
}

fn not_found(name: String) -> ReadResp {
    ReadResp {
        content: Some(Content::StreamNotFound(StreamNotFound {
            stream_identifier: Some(identifier(name)),
        })),
    }
}

fn answer(outcome: Result<Stored, Wrong>, with_position: bool) -> AppendResp {
    let result = match outcome {
        Ok(stored) => append_resp::Result::Success(append_resp::Success {
            current_revision_option: Some(CurrentRevisionOption::CurrentRevision(stored.revision)),
            position_option: Some(if with_position {
                PositionOption::Position(append_resp::Position {
                    commit_position: stored.position,
                    prepare_position: stored.position,
                })
            } else {
                PositionOption::NoPosition(Empty {})
            }),
        }),
        Err(last) => append_resp::Result::WrongExpectedVersion(append_resp::WrongExpectedVersion {
            current_revision_option_20_6_0: Some(match last {
                Some(revision) => wrong::CurrentRevisionOption2060::CurrentRevision2060(revision),
                None => wrong::CurrentRevisionOption2060::NoStream2060(Empty {}),
            }),
            expected_revision_option_20_6_0: Some(wrong::ExpectedRevisionOption2060::Any2060(Empty {})),
            current_revision_option: Some(match last {
                Some(revision) => wrong::CurrentRevisionOption::CurrentRevision(revision),
                None => wrong::CurrentRevisionOption::CurrentNoStream(Empty {}),
            }),
            expected_revision_option: Some(wrong::ExpectedRevisionOption::ExpectedAny(Empty {})),
        }),
    };
    AppendResp { result: Some(result) }
}

fn proposed(event: ProposedMessage) -> Result<Proposed, Malformed> {
    let id = match event.id.and_then(|id| id.value) {
        Some(wire_uuid::Value::String(text)) => Uuid::parse_str(&text).map_err(|error| Malformed(error.to_string()))?,
        Some(wire_uuid::Value::Structured(halves)) => Uuid::from_u64_pair(
            halves.most_significant_bits.cast_unsigned(),
            halves.least_significant_bits.cast_unsigned(),
        ),
        None => return Err(Malformed("an event without an id".to_owned())),
    };
    Ok(Proposed {
        id,
        metadata: event.metadata,
        custom_metadata: event.custom_metadata,
        data: event.data,
    })
}

pub(crate) fn wire(held: Held) -> Content {
    let mut metadata = held.metadata;
    metadata.insert("created".to_owned(), "0".to_owned());
    Content::Event(read_resp::ReadEvent {
        event: Some(read_event::RecordedEvent {
            id: Some(WireUuid {
                value: Some(wire_uuid::Value::String(held.id.to_string())),
            }),
            stream_identifier: Some(identifier(held.stream)),
            stream_revision: held.revision,
            prepare_position: held.position,
            commit_position: held.position,
            metadata,
            custom_metadata: held.custom_metadata,
            data: held.data,
        }),
        link: None,
        position: Some(read_event::Position::CommitPosition(held.position)),
    })
}

fn identifier(name: String) -> StreamIdentifier {
    StreamIdentifier {
        stream_name: name.into_bytes(),
    }
}

fn name(identifier: Option<StreamIdentifier>) -> Result<String, Malformed> {
    let identifier = identifier.ok_or_else(|| Malformed("no stream".to_owned()))?;
    String::from_utf8(identifier.stream_name).map_err(|error| Malformed(error.to_string()))
}
