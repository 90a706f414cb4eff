//! Judging and numbering a batch: pure, and the same for every log of ours.
//!
//! Requests are judged in the order of the queue, each on what the accepted ones before it leave behind. Positions are
//! contiguous, `recorded_at` never goes back, and every event is linked to the one before it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::Timestamp;
use tokio::time::Instant;

use crate::chain::{self, Leaf};
use crate::pipeline::Request;
use crate::{AppendError, Appended, Head, StreamId};

/// Where the log ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tail {
    pub(crate) head: Head,
    pub(crate) recorded_at: Timestamp,
}

impl Tail {
    pub(crate) const EMPTY: Self = Self {
        head: Head::EMPTY,
        recorded_at: Timestamp::UNIX_EPOCH,
    };
}

/// An accepted request with the numbers it gets.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) request: Request,
    pub(crate) appended: Appended,
    /// One for each event.
    pub(crate) hashes: Vec<[u8; 32]>,
}

impl Accepted {
    /// `(sequence, position)` of each event.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (u64, u64)> {
        let count = self.hashes.len() as u64;
        let sequence = self.appended.last_sequence - count;
        let position = self.appended.position - count;
        (1..=count).map(move |nth| (sequence + nth, position + nth))
    }
}

/// What one statement records.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) recorded_at: Timestamp,
    /// What the first event is chained to.
    pub(crate) previous: Head,
    /// Where the log ends once this is recorded.
    pub(crate) tail: Tail,
    pub(crate) versions: HashMap<StreamId, u64>,
}

/// What the judgement rests on, beside the requests.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) tail: Tail,
    pub(crate) now: Timestamp,
    /// A request that waited longer is not tried: its caller was promised an answer.
    pub(crate) patience: Duration,
    /// Streams of which a request of this very batch was rejected.
    pub(crate) spoiled: &'a HashSet<StreamId>,
}

impl Plan {
    /// Answers the requests that cannot be recorded, and numbers the others. `version` knows every stream of the batch.
    pub(crate) fn make(requests: Vec<Request>, ground: &Ground<'_>, version: impl Fn(&StreamId) -> u64) -> Self {
        let recorded_at = ground.now.max(ground.tail.recorded_at);
        let mut plan = Self {
            accepted: Vec::with_capacity(requests.len()),
            recorded_at,
            previous: ground.tail.head,
            tail: ground.tail,
            versions: HashMap::new(),
        };
        let asked_at = Instant::now();
        for request in requests {
            let stream = &request.append().stream;
            let actual = plan.versions.get(stream).copied().unwrap_or_else(|| version(stream));
            match refusal(&request, actual, asked_at, ground) {
                Some(error) => request.answer(Err(error)),
                None => plan.accept(request),
            }
        }
        if !plan.accepted.is_empty() {
            plan.tail.recorded_at = recorded_at;
        }
        plan
    }

    fn accept(&mut self, request: Request) {
        let append = request.append();
        let mut sequence = append.expected_version;
        let mut hashes = Vec::with_capacity(append.events.len());
        let Head { mut position, mut hash } = self.tail.head;
        for event in &append.events {
            sequence += 1;
            position += 1;
            hash = chain::link(
                &hash,
                &Leaf {
                    position,
                    aggregate_type: append.stream.aggregate_type,
                    aggregate_id: &append.stream.aggregate_id,
                    sequence,
                    event_type: &event.event_type,
                    event_version: &event.event_version,
                    recorded_at: self.recorded_at,
                    payload: &event.payload,
                    metadata: &append.metadata,
                },
            );
            hashes.push(hash);
        }
        self.tail.head = Head { position, hash };
        self.versions.insert(append.stream.clone(), sequence);
        self.accepted.push(Accepted {
            request,
            appended: Appended {
                last_sequence: sequence,
                position,
            },
            hashes,
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    /// Tells everybody that it is durable.
    pub(crate) fn acknowledge(self) {
        for accepted in self.accepted {
            accepted.request.answer(Ok(accepted.appended));
        }
    }

    pub(crate) fn fail(self, error: &AppendError) {
        for accepted in self.accepted {
            accepted.request.answer(Err(error.clone()));
        }
    }
}

fn refusal(request: &Request, actual: u64, asked_at: Instant, ground: &Ground<'_>) -> Option<AppendError> {
    let append = request.append();
    if request.is_cut_off() || ground.spoiled.contains(&append.stream) {
        return Some(AppendError::Cascade {
            stream: append.stream.clone(),
        });
    }
    if asked_at.duration_since(request.queued_at()) > ground.patience {
        return Some(AppendError::Unavailable("the log was away for too long".to_owned()));
    }
    if append.events.is_empty() {
        return Some(AppendError::Rejected("an append without events".to_owned()));
    }
    if !append.stream.is_storable() {
        return Some(AppendError::Rejected("a stream id with a NUL".to_owned()));
    }
    (append.expected_version != actual).then(|| AppendError::Conflict {
        stream: append.stream.clone(),
        expected: append.expected_version,
        actual,
    })
}
