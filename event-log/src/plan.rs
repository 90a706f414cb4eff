//! Judging and numbering a batch: pure, and the same for every log of ours.
//!
//! Requests are judged in the order of the queue, each on what the accepted ones before it leave behind. Positions are
//! contiguous, `recorded_at` never goes back, and every event is linked to the one before it.
//!
//! Answers come in the order of the queue, as far as a stream is concerned: who is refused hears of it when the fate of
//! what came before is known. Whoever loads an aggregate again relies on that.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use tokio::time::Instant;

use crate::chain::{self, Leaf};
use crate::pipeline::Request;
use crate::versions::Versions;
use crate::{AppendError, Appended, Head, NewEvent, StreamId};

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

/// What one statement records.
#[derive(Debug)]
pub(crate) struct Plan {
    /// In the order of the queue.
    accepted: Vec<Request>,
    refused: Vec<(Request, AppendError)>,
    /// One for each event.
    hashes: Vec<[u8; 32]>,
    /// When each of the accepted requests was recorded: when the first of them was judged, or where it was copied from.
    times: Vec<Timestamp>,
    /// What the first event is chained to.
    pub(crate) previous: Head,
    /// Where the log ends once this is recorded.
    pub(crate) tail: Tail,
}

/// An event with the numbers it gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) position: u64,
    pub(crate) stream: &'a StreamId,
    pub(crate) sequence: u64,
    pub(crate) event: &'a NewEvent,
    pub(crate) metadata: &'a Arc<[u8]>,
    pub(crate) recorded_at: Timestamp,
    pub(crate) hash: &'a [u8; 32],
}

/// What the judgement rests on, beside the requests and the versions of their streams.
#[derive(Debug)]
pub(crate) struct Ground {
    now: Timestamp,
    judged_at: Instant,
    /// A request that waited longer is not tried: its caller was promised an answer.
    patience: Duration,
    /// Streams of which a request of this very batch was rejected.
    pub(crate) spoiled: HashSet<StreamId>,
}

impl Ground {
    pub(crate) fn new(now: Timestamp, patience: Duration) -> Self {
        Self {
            now,
            judged_at: Instant::now(),
            patience,
            spoiled: HashSet::new(),
        }
    }
}

impl Plan {
    /// Nothing yet, to come after `tail`.
    pub(crate) fn after(tail: Tail) -> Self {
        Self {
            accepted: Vec::new(),
            refused: Vec::new(),
            hashes: Vec::new(),
            times: Vec::new(),
            previous: tail.head,
            tail,
        }
    }

    /// Numbers a request whose stream is at version `actual`, or refuses it if it cannot be recorded.
    pub(crate) fn judge(&mut self, request: Request, actual: u64, ground: &Ground, versions: &mut Versions) {
        if let Some(error) = self.refusal(&request, actual, ground) {
            request.break_off();
            self.refused.push((request, error));
            return;
        }
        let recorded_at = match (request.recorded_at(), self.times.last()) {
            (Some(time), _) => time.max(self.tail.recorded_at),
            (None, Some(same)) => *same,
            (None, None) => ground.now.max(self.tail.recorded_at),
        };
        let last = self.number(&request, recorded_at);
        self.times.push(recorded_at);
        versions.set(&request.append().stream, last);
        self.accepted.push(request);
    }

    /// Numbers the events of a request and links them; returns the version of its stream.
    fn number(&mut self, request: &Request, recorded_at: Timestamp) -> u64 {
        let append = request.append();
        let mut sequence = append.expected_version;
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
                    recorded_at,
                    payload: &event.payload,
                    metadata: &append.metadata,
                },
            );
            self.hashes.push(hash);
        }
        self.tail = Tail {
            head: Head { position, hash },
            recorded_at,
        };
        sequence
    }

    /// How many requests it records.
    pub(crate) fn len(&self) -> usize {
        self.accepted.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    /// When the request that waited longest was enqueued.
    pub(crate) fn queued_at(&self) -> Option<Instant> {
        self.accepted.iter().map(Request::queued_at).min()
    }

    /// The events, in the order of their positions.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let events = self
            .accepted
            .iter()
            .zip(&self.times)
            .flat_map(|(request, recorded_at)| {
                let append = request.append();
                let numbered = append.events.iter().zip(append.expected_version + 1..);
                numbered.map(move |(event, sequence)| (append, event, sequence, *recorded_at))
            });
        let numbered = events.zip(self.previous.position + 1..).zip(&self.hashes);
        numbered.map(|(((append, event, sequence, recorded_at), position), hash)| Row {
            position,
            stream: &append.stream,
            sequence,
            event,
            metadata: &append.metadata,
            recorded_at,
            hash,
        })
    }

    /// When all of it was recorded; `None` if that was at several times.
    pub(crate) fn recorded_at(&self) -> Option<Timestamp> {
        let first = *self.times.first()?;
        // Times never go back.
        (self.times.last() == Some(&first)).then_some(first)
    }

    /// Its requests, to be judged again.
    pub(crate) fn into_requests(self) -> Vec<Request> {
        let refused = self.refused.into_iter().map(|(request, _)| request);
        self.accepted.into_iter().chain(refused).collect()
    }

    /// Answers the requests that cannot be recorded. Everything before them has met its fate.
    pub(crate) fn refuse(&mut self) {
        for (request, error) in self.refused.drain(..) {
            request.answer(Err(error));
        }
    }

    /// Tells everybody that it is durable.
    pub(crate) fn acknowledge(mut self) {
        let mut position = self.previous.position;
        for request in std::mem::take(&mut self.accepted) {
            let append = request.append();
            let count = append.events.len() as u64;
            position += count;
            let last_sequence = append.expected_version + count;
            request.answer(Ok(Appended {
                last_sequence,
                position,
            }));
        }
        self.refuse();
    }

    pub(crate) fn fail(mut self, error: &AppendError) {
        for request in std::mem::take(&mut self.accepted) {
            request.answer(Err(error.clone()));
        }
        self.refuse();
    }

    fn refusal(&self, request: &Request, actual: u64, ground: &Ground) -> Option<AppendError> {
        let append = request.append();
        if request.is_cut_off() || ground.spoiled.contains(&append.stream) {
            return Some(AppendError::Cascade {
                stream: append.stream.clone(),
            });
        }
        if ground.judged_at.duration_since(request.queued_at()) > ground.patience {
            return Some(AppendError::Unavailable("the log was away for too long".to_owned()));
        }
        if request
            .place()
            .is_some_and(|place| place != self.tail.head.position + 1)
        {
            return Some(AppendError::Unavailable(
                "the log does not end before its place".to_owned(),
            ));
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
}
