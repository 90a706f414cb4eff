//! What the callers of an execution asked and were told, and the laws that it has to keep.

use std::sync::{Arc, Mutex};

use uuid::Uuid;

use crate::chain::{self, Leaf};
use crate::tests::hall::{Hall, HallCommand, HallError, HallEvent};
use crate::{ExecuteError, Executed, Head, RecordedEvent};

/// Seats of every hall.
pub(super) const SEATS: u64 = 2;

/// One command and what became of it.
#[derive(Debug)]
pub(super) struct Call {
    /// Its correlation id: which rows are its own.
    pub(super) id: Uuid,
    pub(super) hall: Uuid,
    pub(super) command: HallCommand,
    /// Durable events when it was called, and when it was answered.
    pub(super) since: usize,
    pub(super) until: usize,
    /// `None`: its caller went away.
    pub(super) answer: Option<Result<Executed<Hall>, ExecuteError<HallError>>>,
}

#[derive(Clone, Debug)]
pub(super) struct History {
    calls: Arc<Mutex<Vec<Call>>>,
    may_be_stale: bool,
}

impl History {
    /// `may_be_stale`: a writer that lost its lead without notice still answers what records nothing, from a state that was
    /// durable once. Whatever it records is refused.
    pub(super) fn new(may_be_stale: bool) -> Self {
        Self {
            calls: Arc::default(),
            may_be_stale,
        }
    }

    pub(super) fn ask(&self, hall: Uuid, command: HallCommand, since: usize) -> Uuid {
        let mut calls = self.calls.lock().unwrap();
        let since = if self.may_be_stale { 0 } else { since };
        let id = Uuid::from_u128(1 + calls.len() as u128);
        calls.push(Call {
            id,
            hall,
            command,
            since,
            until: usize::MAX,
            answer: None,
        });
        id
    }

    pub(super) fn answer(&self, id: Uuid, answer: Result<Executed<Hall>, ExecuteError<HallError>>, until: usize) {
        let mut calls = self.calls.lock().unwrap();
        let call = calls.iter_mut().find(|call| call.id == id).unwrap();
        call.answer = Some(answer);
        call.until = until;
    }

    /// Each broken law is a panic.
    pub(super) fn check(&self, rows: &[RecordedEvent]) {
        check_log(rows);
        for call in self.calls.lock().unwrap().iter() {
            call.check(rows);
        }
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&[Call]) -> T) -> T {
        look(&self.calls.lock().unwrap())
    }
}

impl Call {
    fn check(&self, rows: &[RecordedEvent]) {
        let own: Vec<&RecordedEvent> = rows
            .iter()
            .filter(|row| row.metadata.contains(&self.id.to_string()))
            .collect();
        match &self.answer {
            Some(Ok(executed)) if executed.events.is_empty() => {
                assert!(own.is_empty(), "a repeat recorded something: {self:?}");
                let is_end = |end: usize| last_position(&rows[..end], self.hall) == executed.position;
                assert!(
                    self.durable_ends(rows).any(is_end),
                    "rests on no durable state: {self:?}"
                );
            }
            Some(Ok(executed)) => {
                let recorded: Vec<HallEvent> = own.iter().map(|row| event(row)).collect();
                assert_eq!(
                    recorded, executed.events,
                    "acknowledged, and not in the log just so: {self:?}"
                );
                assert_eq!(own.last().unwrap().position, executed.position, "{self:?}");
                assert!(
                    executed.position <= self.until as u64,
                    "acknowledged too early: {self:?}"
                );
                self.check_is_whole(&own);
            }
            Some(Err(ExecuteError::Refused(HallError::SoldOut))) => {
                assert!(own.is_empty(), "refused, and in the log: {self:?}");
                let is_justified = |end: usize| self.is_refused_by(&fold(&rows[..end], self.hall));
                assert!(
                    self.durable_ends(rows).any(is_justified),
                    "no durable state refuses it: {self:?}"
                );
            }
            Some(Err(ExecuteError::Unavailable(_))) | None => {
                if !own.is_empty() {
                    self.check_is_whole(&own);
                }
            }
            Some(Err(ExecuteError::Corrupt(reason))) => panic!("{reason}: {self:?}"),
            Some(Err(_)) => assert!(own.is_empty(), "failed, and in the log: {self:?}"),
        }
    }

    /// All its events, together, once.
    fn check_is_whole(&self, own: &[&RecordedEvent]) {
        let HallCommand::Sell { seats, .. } = self.command else {
            panic!("recorded what it should not: {self:?}");
        };
        assert_eq!(own.len() as u64, seats, "half of a command, or twice: {self:?}");
        let is_together = own.windows(2).all(|pair| pair[0].position + 1 == pair[1].position);
        assert!(is_together, "a command torn apart: {self:?}");
    }

    fn is_refused_by(&self, hall: &Hall) -> bool {
        matches!(self.command, HallCommand::Sell { seats, of } if hall.sold + seats > of)
    }

    /// The ends that the log had between the call and its answer.
    fn durable_ends(&self, rows: &[RecordedEvent]) -> impl Iterator<Item = usize> + use<> {
        self.since..=self.until.min(rows.len())
    }
}

/// Positions and sequences without gaps, an unbroken chain, no seat twice, never more sold than there are.
fn check_log(rows: &[RecordedEvent]) {
    let mut hash = Head::EMPTY.hash;
    for (nth, row) in rows.iter().enumerate() {
        assert_eq!(row.position, nth as u64 + 1, "a gap: {rows:?}");
        hash = chain::link(&hash, &Leaf::from(row));
        assert_eq!(row.hash, hash, "a broken chain: {rows:?}");
        let before: Vec<&RecordedEvent> = rows[..nth]
            .iter()
            .filter(|other| other.aggregate_id == row.aggregate_id)
            .collect();
        assert_eq!(row.sequence, before.len() as u64 + 1, "a torn stream: {rows:?}");
        let sold = before.last().map_or(0, |last| seat(last));
        assert_eq!(
            seat(row),
            sold + 1,
            "a seat twice, or decided on what never was: {rows:?}"
        );
        assert!(seat(row) <= SEATS, "oversold: {rows:?}");
    }
}

pub(super) fn fold(rows: &[RecordedEvent], hall: Uuid) -> Hall {
    let mut folded = Hall::default();
    for row in of(rows, hall) {
        folded.sold = seat(row);
    }
    folded
}

pub(super) fn last_position(rows: &[RecordedEvent], hall: Uuid) -> u64 {
    of(rows, hall).last().map_or(0, |row| row.position)
}

fn of(rows: &[RecordedEvent], hall: Uuid) -> impl Iterator<Item = &RecordedEvent> {
    rows.iter().filter(move |row| row.aggregate_id == hall.to_string())
}

fn event(row: &RecordedEvent) -> HallEvent {
    serde_json::from_str(&row.payload).unwrap()
}

fn seat(row: &RecordedEvent) -> u64 {
    let HallEvent::SeatSold { seat } = event(row);
    seat
}
