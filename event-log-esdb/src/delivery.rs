//! One run of appends to one stream: sent whole, sent again while nobody knows what became of it, answered in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::Timestamp;
use event_log::pipeline::Request;
use event_log::{AppendError, Appended, Clock, StreamId};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::client::{Client, ClientError, Expected, Found, Outgoing, Written};
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

/// An append that waits for its turn.
pub(crate) struct Waiting {
    pub(crate) request: Request,
    /// Drawn once: the ids of its events are made of it, however often they are sent.
    pub(crate) id: Uuid,
}

impl Waiting {
    pub(crate) fn new(request: Request) -> Self {
        Self {
            request,
            id: Uuid::new_v4(),
        }
    }
}

/// Appends of a stream that are sent together.
struct Run {
    requests: Vec<Waiting>,
    /// One list for each request.
    events: Vec<Vec<Outgoing>>,
}

impl Run {
    /// Returns the others.
    fn keep_first(&mut self) -> Vec<Waiting> {
        self.events.truncate(1);
        self.requests.split_off(1)
    }
}

/// A run on the wire.
struct Sent {
    stream: String,
    /// The version of the stream that it goes on from.
    after: u64,
    events: Vec<Outgoing>,
    is_single: bool,
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
    pub(crate) async fn deliver(&self, requests: Vec<Waiting>) -> Vec<Waiting> {
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
                for Waiting { request, .. } in run.requests {
                    request.answer(Err(AppendError::Unavailable(reason.clone())));
                }
            }
            Fate::Conflict(actual) => {
                let rest = run.keep_first();
                left = behind(rest, unsound.take(), left);
                for Waiting { request, .. } in run.requests {
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
                for Waiting { request, .. } in run.requests {
                    request.answer(Err(AppendError::Rejected(reason.clone())));
                }
            }
        }
        // Whoever cannot be sent hears of it when what came before has met its fate.
        if let Some((waiting, error)) = unsound {
            waiting.request.answer(Err(error));
        }
        left
    }

    /// The appends up to the first that cannot be sent, that one, and those behind it.
    fn prepare(&self, requests: Vec<Waiting>) -> (Run, Option<(Waiting, AppendError)>, Vec<Waiting>) {
        let mut run = Run {
            requests: Vec::new(),
            events: Vec::new(),
        };
        let now = self.now();
        let mut requests = requests.into_iter();
        while let Some(waiting) = requests.next() {
            match self.seal(&waiting, now) {
                Ok(events) => {
                    run.events.push(events);
                    run.requests.push(waiting);
                }
                Err(error) => return (run, Some((waiting, error)), requests.collect()),
            }
        }
        (run, None, Vec::new())
    }

    fn seal(&self, Waiting { request, id }: &Waiting, now: Timestamp) -> Result<Vec<Outgoing>, AppendError> {
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
            id: *id,
            writer: self.writer,
            recorded_at: request.recorded_at().unwrap_or(now),
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
        let Some(Waiting { request: first, .. }) = run.requests.first() else {
            return Fate::Recorded(Vec::new());
        };
        let until = first.queued_at() + self.outage_wait;
        let append = first.append();
        let sent = Sent {
            stream: append.stream.to_string(),
            after: append.expected_version,
            events: run.events.iter().flatten().cloned().collect(),
            is_single: run.requests.len() == 1,
        };
        let expected = Expected::after_sequence(sent.after);
        let mut pause = self.limits.retry.0;
        let mut was_in_doubt = false;
        loop {
            let call = self.client.append(&sent.stream, expected, sent.events.clone());
            let answer = self.bounded(call).await;
            let error = match self.fate(answer, &sent, was_in_doubt).await {
                Ok(fate) => return fate,
                Err(error) => error,
            };
            was_in_doubt = true;
            if Instant::now() + pause > until {
                return Fate::Unknown(error.to_string());
            }
            tracing::debug!(stream = sent.stream, %error, "an append is sent again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.limits.retry.1);
        }
    }

    /// What follows from an answer; an error if nothing does.
    async fn fate(
        &self,
        answer: Result<Written, ClientError>,
        sent: &Sent,
        was_in_doubt: bool,
    ) -> Result<Fate, ClientError> {
        let verdict = match answer {
            Ok(Written {
                last_revision,
                position: Some(position),
            }) if sent.is_single && !was_in_doubt => {
                return Ok(Fate::Recorded(last_at(&sent.events, last_revision, position)));
            }
            // The position of what was sent twice, or of what is not the last event, is asked for.
            Ok(_) => None,
            Err(ClientError::WrongRevision { current }) => {
                Some(Fate::Conflict(current.map_or(0, |revision| revision + 1)))
            }
            Err(ClientError::Refused(reason)) => Some(Fate::Refused(reason)),
            Err(error @ (ClientError::InDoubt(_) | ClientError::NoSuchPosition)) => return Err(error),
        };
        match verdict {
            Some(verdict) if !was_in_doubt => Ok(verdict),
            // Whatever the engine says now, it may have recorded what it did not answer.
            verdict => match self.stored(sent).await? {
                Some(found) => Ok(Fate::Recorded(found)),
                None => {
                    verdict.ok_or_else(|| ClientError::InDoubt("the engine does not show what it recorded".to_owned()))
                }
            },
        }
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
        let in_time = tokio::time::timeout(self.limits.call_limit, call).await;
        in_time.unwrap_or_else(|_| Err(ClientError::InDoubt("it took too long".to_owned())))
    }

    /// These very events, if the stream has them.
    async fn stored(&self, sent: &Sent) -> Result<Option<Vec<Found>>, ClientError> {
        let call = self.client.read_stream(&sent.stream, sent.after, sent.events.len());
        let found = self.bounded(call).await?;
        let ids = sent.events.iter().map(|event| event.id);
        let is_ours = found.iter().map(|found| found.id).eq(ids);
        Ok(is_ours.then_some(found))
    }

    fn acknowledge(&self, run: Run, events: &[Found]) {
        if let Some(last) = events.last() {
            self.reached(last.position);
        }
        for Waiting { request, .. } in run.requests {
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
fn behind(rest: Vec<Waiting>, unsound: Option<(Waiting, AppendError)>, left: Vec<Waiting>) -> Vec<Waiting> {
    let unsound = unsound.map(|(waiting, _)| waiting);
    rest.into_iter().chain(unsound).chain(left).collect()
}

/// Where the type ends is seen at the first hyphen, and what begins with a dollar sign is the engine's.
fn is_nameable(stream: &StreamId) -> bool {
    !stream.aggregate_type.is_empty() && !stream.aggregate_type.contains('-') && !stream.aggregate_type.starts_with('$')
}
