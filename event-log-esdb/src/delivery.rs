//! One run of appends to one stream: sent whole, sent again while nobody knows what became of it, answered in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::Timestamp;
use event_log::pipeline::Request;
use event_log::{AppendError, Appended, Clock, StreamAppend, StreamId};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::client::{Client, ClientError, Expected, Found, Outgoing};
use crate::envelope::Sender;
use crate::limits::EsdbLimits;

pub(crate) struct Delivery<C> {
    pub(crate) client: Arc<C>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: EsdbLimits,
    /// How long a command waits for an engine that is away.
    pub(crate) outage_wait: Duration,
    pub(crate) writer: Uuid,
    pub(crate) durable: watch::Sender<u64>,
    /// Microseconds; what this process records is never older.
    pub(crate) latest: AtomicI64,
}

/// Appends of a stream that are sent together.
struct Run {
    requests: Vec<Request>,
    /// One list for each request.
    events: Vec<Vec<Outgoing>>,
}

impl Run {
    /// Returns the others.
    fn keep_first(&mut self) -> Vec<Request> {
        self.events.truncate(1);
        self.requests.split_off(1)
    }
}

/// What is known of a run that was sent.
enum Fate {
    /// It is recorded; these are its events.
    Recorded(Vec<Found>),
    /// The stream is at this version.
    Conflict(u64),
    Refused(String),
    /// Nobody knows, and it took too long.
    Unknown(String),
}

impl<C: Client> Delivery<C> {
    /// Answers what can be answered, and hands back what has to be judged on its own.
    pub(crate) async fn deliver(&self, requests: Vec<Request>) -> Vec<Request> {
        let (mut run, mut unsound, mut left) = self.prepare(requests);
        let mut fate = self.send(&run).await;
        if matches!(fate, Fate::Refused(_)) && run.requests.len() > 1 {
            // It was one of them: the first is tried alone, and the others are judged when its fate is known.
            let rest = run.keep_first();
            left = behind(rest, unsound.take(), left);
            fate = self.send(&run).await;
        }
        match fate {
            Fate::Recorded(events) => self.acknowledge(run, &events),
            Fate::Unknown(reason) => {
                for request in run.requests {
                    request.answer(Err(AppendError::Unavailable(reason.clone())));
                }
            }
            Fate::Conflict(actual) => {
                let rest = run.keep_first();
                left = behind(rest, unsound.take(), left);
                for request in run.requests {
                    let append = request.append();
                    let conflict = AppendError::Conflict {
                        stream: append.stream.clone(),
                        expected: append.expected_version,
                        actual,
                    };
                    request.answer(Err(conflict));
                }
            }
            Fate::Refused(reason) => {
                for request in run.requests {
                    request.answer(Err(AppendError::Rejected(reason.clone())));
                }
            }
        }
        // Whoever cannot be sent hears of it when what came before has met its fate.
        if let Some((request, error)) = unsound {
            request.answer(Err(error));
        }
        left
    }

    /// The appends up to the first that cannot be sent, that one, and those behind it.
    fn prepare(&self, requests: Vec<Request>) -> (Run, Option<(Request, AppendError)>, Vec<Request>) {
        let mut run = Run {
            requests: Vec::new(),
            events: Vec::new(),
        };
        let now = self.now();
        let mut requests = requests.into_iter();
        while let Some(request) = requests.next() {
            match self.seal(&request, request.recorded_at().unwrap_or(now)) {
                Ok(events) => {
                    run.events.push(events);
                    run.requests.push(request);
                }
                Err(error) => return (run, Some((request, error)), requests.collect()),
            }
        }
        (run, None, Vec::new())
    }

    fn seal(&self, request: &Request, recorded_at: Timestamp) -> Result<Vec<Outgoing>, AppendError> {
        let append = request.append();
        if request.is_cut_off() {
            return Err(AppendError::Cascade {
                stream: append.stream.clone(),
            });
        }
        if request.queued_at().elapsed() > self.outage_wait {
            return Err(AppendError::Unavailable("the log was away for too long".to_owned()));
        }
        if append.events.is_empty() {
            return Err(AppendError::Rejected("an append without events".to_owned()));
        }
        if !append.stream.is_storable() || !is_nameable(&append.stream) {
            return Err(AppendError::Rejected(
                "a stream id that the engine cannot hold".to_owned(),
            ));
        }
        let sender = Sender {
            stream: &append.stream,
            id: Uuid::new_v4(),
            writer: self.writer,
            recorded_at,
            metadata: &append.metadata,
        };
        let numbered = append.events.iter().zip(append.expected_version + 1..);
        let sealed: Result<Vec<_>, _> = numbered.map(|(event, sequence)| sender.seal(event, sequence)).collect();
        sealed.map_err(|error| AppendError::Rejected(error.to_string()))
    }

    fn now(&self) -> Timestamp {
        let now = self.clock.now().timestamp_micros();
        let latest = self.latest.fetch_max(now, Ordering::AcqRel).max(now);
        Timestamp::from_timestamp_micros(latest).unwrap_or_default()
    }

    async fn send(&self, run: &Run) -> Fate {
        let Some(first) = run.requests.first() else {
            return Fate::Recorded(Vec::new());
        };
        let until = first.queued_at() + self.outage_wait;
        let StreamAppend {
            stream,
            expected_version,
            ..
        } = first.append();
        let name = stream.to_string();
        let expected = Expected::after_sequence(*expected_version);
        let events: Vec<Outgoing> = run.events.iter().flatten().cloned().collect();
        let mut pause = self.limits.retry.0;
        let mut was_in_doubt = false;
        loop {
            let call = self.client.append(&name, expected, events.clone());
            let reason = match self.bounded(call).await {
                // The position of what was sent twice, or of what is not the last event, is asked for.
                Ok(written) => match (written.position, was_in_doubt || run.requests.len() > 1) {
                    (Some(position), false) => {
                        return Fate::Recorded(last_at(&events, written.last_revision, position));
                    }
                    _ => match self.stored(&name, *expected_version, &events).await {
                        Ok(Some(found)) => return Fate::Recorded(found),
                        Ok(None) => "the engine does not show what it recorded".to_owned(),
                        Err(error) => error.to_string(),
                    },
                },
                Err(ClientError::WrongRevision { current }) if !was_in_doubt => {
                    return Fate::Conflict(current.map_or(0, |revision| revision + 1));
                }
                Err(ClientError::WrongRevision { current }) => {
                    match self.stored(&name, *expected_version, &events).await {
                        Ok(Some(found)) => return Fate::Recorded(found),
                        Ok(None) => return Fate::Conflict(current.map_or(0, |revision| revision + 1)),
                        Err(error) => error.to_string(),
                    }
                }
                Err(ClientError::Refused(reason)) => return Fate::Refused(reason),
                Err(error @ (ClientError::InDoubt(_) | ClientError::NoSuchPosition)) => error.to_string(),
            };
            was_in_doubt = true;
            if Instant::now() + pause > until {
                return Fate::Unknown(reason);
            }
            tracing::debug!(%stream, %reason, "an append is sent again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.limits.retry.1);
        }
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
        let in_time = tokio::time::timeout(self.limits.call_limit, call).await;
        in_time.unwrap_or_else(|_| Err(ClientError::InDoubt("it took too long".to_owned())))
    }

    /// These very events, if the stream has them after this version.
    async fn stored(&self, name: &str, version: u64, events: &[Outgoing]) -> Result<Option<Vec<Found>>, ClientError> {
        let call = self.client.read_stream(name, version, events.len());
        let found = self.bounded(call).await?;
        let is_ours = found
            .iter()
            .map(|found| found.id)
            .eq(events.iter().map(|event| event.id));
        Ok(is_ours.then_some(found))
    }

    fn acknowledge(&self, run: Run, events: &[Found]) {
        if let Some(last) = events.last() {
            self.reached(last.position);
        }
        for request in run.requests {
            let append = request.append();
            let last_sequence = append.expected_version + append.events.len() as u64;
            let last = events.iter().find(|event| event.revision + 1 == last_sequence);
            let outcome = match last {
                Some(last) => Ok(Appended {
                    last_sequence,
                    position: last.position,
                }),
                None => Err(AppendError::Unavailable(
                    "the engine does not show what it recorded".to_owned(),
                )),
            };
            request.answer(outcome);
        }
    }

    /// Wakes the followers.
    pub(crate) fn reached(&self, position: u64) {
        self.durable.send_if_modified(|durable| {
            let is_news = position > *durable;
            *durable = position.max(*durable);
            is_news
        });
    }
}

fn last_at(events: &[Outgoing], revision: u64, position: u64) -> Vec<Found> {
    let last = events.last().map(|event| Found {
        id: event.id,
        stream: String::new(),
        revision,
        position,
        event_type: String::new(),
        data: Vec::new(),
        metadata: Vec::new(),
    });
    last.into_iter().collect()
}

/// In the order of the line.
fn behind(rest: Vec<Request>, unsound: Option<(Request, AppendError)>, left: Vec<Request>) -> Vec<Request> {
    let unsound = unsound.map(|(request, _)| request);
    rest.into_iter().chain(unsound).chain(left).collect()
}

/// Where the type ends is seen at the first hyphen, and what begins with a dollar sign is the engine's.
fn is_nameable(stream: &StreamId) -> bool {
    !stream.aggregate_type.is_empty() && !stream.aggregate_type.contains('-') && !stream.aggregate_type.starts_with('$')
}
