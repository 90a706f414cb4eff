//! A database in memory: the table with its unique keys, the leader's lock, and sessions that break in the worst moments.
//!
//! Whatever PostgreSQL may do between two of its steps is a yield here, so the scheduler decides who comes next.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use shuttle::future::yield_now;

use super::super::election::Incumbent;
use super::super::session::{Database, Session};
use super::error::{broken, database};
use super::faults::{Fault, Faults};
use crate::leader::Node;
use crate::limits::LogLimits;
use crate::plan::{Plan, Tail};
use crate::{Head, RecordedEvent, StreamId};

/// In the metadata of an event that the table refuses as PostgreSQL refuses a text that is no JSON.
pub(super) const CURSE: &str = "cursed";

/// Connections that fail in an outage: more than `outage_wait` has room for.
const OUTAGE: u32 = 20;

#[derive(Debug)]
struct State {
    rows: Vec<RecordedEvent>,
    faults: Faults,
    sessions: u32,
    /// The session that holds the lock, and its node.
    leader: Option<(u32, usize)>,
    incumbent: Option<Incumbent>,
    refuses: u32,
    /// Nodes that get no connection.
    cut: HashSet<usize>,
    /// Sessions that the server ended. Their clients find out when they next say something.
    ended: HashSet<u32>,
    /// Servers that work without a client.
    orphans: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Table(Arc<Mutex<State>>);

impl Table {
    pub(super) fn new(faults: Faults) -> Self {
        Self(Arc::new(Mutex::new(State {
            rows: Vec::new(),
            faults,
            sessions: 0,
            leader: None,
            incumbent: None,
            refuses: 0,
            cut: HashSet::new(),
            ended: HashSet::new(),
            orphans: 0,
        })))
    }

    /// Never held while another task runs: nothing yields under it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn rows(&self) -> Vec<RecordedEvent> {
        self.state().rows.clone()
    }

    pub(super) fn len(&self) -> usize {
        self.state().rows.len()
    }

    pub(super) fn has_orphans(&self) -> bool {
        self.state().orphans > 0
    }

    /// Ends the session that holds the lock, as the server does that loses its client, or starts again.
    pub(super) fn end_leader(&self) {
        let mut state = self.state();
        if let Some((session, _)) = state.leader.take() {
            state.ended.insert(session);
        }
    }

    /// A server takes over that lacks the last row, and knows none of the sessions. What it holds.
    pub(super) fn lose_tail(&self) -> Vec<RecordedEvent> {
        let mut state = self.state();
        state.rows.pop();
        state.leader = None;
        let sessions = 1..=state.sessions;
        state.ended.extend(sessions);
        state.rows.clone()
    }

    /// From now on the node gets no connection. If it leads, the server ends its session.
    pub(super) fn cut(&self, node: usize) {
        let mut state = self.state();
        state.cut.insert(node);
        if let Some((session, _)) = state.leader.take_if(|(_, leader)| *leader == node) {
            state.ended.insert(session);
        }
    }

    pub(super) fn mend(&self, node: usize) {
        self.state().cut.remove(&node);
    }

    fn release(&self, session: u32) {
        let mut state = self.state();
        state.leader.take_if(|(leader, _)| *leader == session);
    }

    /// The statement: the whole plan or nothing.
    fn write(&self, rows: &[RecordedEvent], previous: Head) -> Result<bool, sqlx::Error> {
        let mut state = self.state();
        if rows.iter().any(|row| row.metadata.contains(CURSE)) {
            return Err(database("22P02"));
        }
        let end = state.rows.len() as u64;
        let is_chained = previous.position == 0
            || (previous.position <= end && state.rows[index(previous.position)].hash == previous.hash);
        if !is_chained {
            return Ok(false);
        }
        let is_taken = |row: &RecordedEvent| {
            row.position <= end || state.rows.iter().any(|other| stream_key(other) == stream_key(row))
        };
        if rows.iter().any(is_taken) {
            return Err(database("23505"));
        }
        state.rows.extend_from_slice(rows);
        Ok(true)
    }

    /// The server goes on without its client, and then lets go of the lock.
    fn go_on_alone(&self, session: u32, rows: Vec<RecordedEvent>, previous: Head) {
        self.state().orphans += 1;
        let table = self.clone();
        drop(shuttle::future::spawn(async move {
            yield_now().await;
            let _ = table.write(&rows, previous);
            yield_now().await;
            table.release(session);
            table.state().orphans -= 1;
        }));
    }
}

fn index(position: u64) -> usize {
    usize::try_from(position - 1).unwrap()
}

fn stream_key(row: &RecordedEvent) -> (&str, &str, u64) {
    (&row.aggregate_type, &row.aggregate_id, row.sequence)
}

/// The table as one process reaches it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) table: Table,
    pub(super) node: usize,
    /// Believes that it leads, whoever else does: its lock was lost without its notice.
    pub(super) is_blind: bool,
}

impl Database for Line {
    type Session = TableSession;

    async fn connect(&self, _: &LogLimits) -> Result<TableSession, sqlx::Error> {
        yield_now().await;
        let mut state = self.table.state();
        if state.refuses > 0 {
            state.refuses -= 1;
            return Err(broken());
        }
        if state.cut.contains(&self.node) {
            return Err(broken());
        }
        state.sessions += 1;
        Ok(TableSession {
            line: self.clone(),
            number: state.sessions,
            is_broken: false,
            is_orphaned: false,
        })
    }
}

#[derive(Debug)]
pub(super) struct TableSession {
    line: Line,
    number: u32,
    is_broken: bool,
    is_orphaned: bool,
}

impl TableSession {
    async fn look<T>(&self, look: impl FnOnce(&mut State) -> T + Send) -> Result<T, sqlx::Error> {
        yield_now().await;
        if self.is_over() {
            return Err(broken());
        }
        Ok(look(&mut self.line.table.state()))
    }

    fn is_over(&self) -> bool {
        self.is_broken || self.line.table.state().ended.contains(&self.number)
    }

    fn lose<T>(&mut self) -> Result<T, sqlx::Error> {
        self.is_broken = true;
        if !self.is_orphaned {
            self.line.table.release(self.number);
        }
        Err(broken())
    }

    fn orphan(&mut self, rows: Vec<RecordedEvent>, previous: Head) {
        self.is_orphaned = true;
        self.line.table.go_on_alone(self.number, rows, previous);
    }
}

impl Drop for TableSession {
    fn drop(&mut self) {
        if !self.is_orphaned {
            self.line.table.release(self.number);
        }
    }
}

impl Session for TableSession {
    async fn try_lead(&mut self, _: i64) -> Result<bool, sqlx::Error> {
        let (ours, is_blind) = ((self.number, self.line.node), self.line.is_blind);
        self.look(|state| is_blind || *state.leader.get_or_insert(ours) == ours)
            .await
    }

    async fn tail(&mut self) -> Result<Tail, sqlx::Error> {
        self.look(|state| {
            state.rows.last().map_or(Tail::EMPTY, |row| Tail {
                head: Head {
                    position: row.position,
                    hash: row.hash,
                },
                recorded_at: row.recorded_at,
            })
        })
        .await
    }

    async fn versions(&mut self, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, sqlx::Error> {
        let version = |state: &State, stream: &StreamId| {
            let of_stream = |row: &&RecordedEvent| row.aggregate_id == *stream.aggregate_id;
            state.rows.iter().filter(of_stream).count() as u64
        };
        self.look(|state| {
            let known = streams.iter().map(|stream| (stream.clone(), version(state, stream)));
            known.collect()
        })
        .await
    }

    async fn insert(&mut self, plan: &Plan) -> Result<bool, sqlx::Error> {
        yield_now().await;
        if self.is_over() {
            return Err(broken());
        }
        let (rows, previous) = (rows_of(plan), plan.previous);
        let fault = self.line.table.state().faults.next();
        match fault {
            Fault::Nothing => {
                let done = self.line.table.write(&rows, previous);
                yield_now().await;
                done
            }
            Fault::Unsent => self.lose(),
            Fault::Unanswered => {
                // Whatever it says, nobody hears it.
                let _ = self.line.table.write(&rows, previous);
                self.lose()
            }
            Fault::Late => {
                self.orphan(rows, previous);
                self.lose()
            }
            Fault::Silent => {
                self.orphan(rows, previous);
                self.is_broken = true;
                std::future::pending().await
            }
            Fault::TimedOut => Err(database("57014")),
            Fault::Outage => {
                self.line.table.state().refuses = OUTAGE;
                self.lose()
            }
        }
    }

    async fn stored_hash(&mut self, position: u64) -> Result<Option<Vec<u8>>, sqlx::Error> {
        let is_there = |row: &&RecordedEvent| row.position == position;
        self.look(|state| state.rows.iter().find(is_there).map(|row| row.hash.to_vec()))
            .await
    }

    async fn settle(&mut self) -> Result<(), sqlx::Error> {
        self.look(|_| ()).await
    }

    async fn incumbent(&mut self) -> Result<Option<Incumbent>, sqlx::Error> {
        self.look(|state| state.incumbent.clone()).await
    }

    async fn take_office(&mut self, node: &Node) -> Result<(), sqlx::Error> {
        let incumbent = Incumbent {
            node: node.id,
            url: None,
            has_resigned: false,
        };
        self.look(|state| state.incumbent = Some(incumbent)).await
    }

    async fn resign(&mut self, node: &Node) -> Result<(), sqlx::Error> {
        self.look(|state| {
            if let Some(incumbent) = state.incumbent.as_mut().filter(|incumbent| incumbent.node == node.id) {
                incumbent.has_resigned = true;
            }
        })
        .await
    }

    /// The server ends no session here by itself: lines break often enough.
    async fn end_silent_leader(&mut self, _: i64, _: Duration) -> Result<bool, sqlx::Error> {
        self.look(|_| false).await
    }
}

fn rows_of(plan: &Plan) -> Vec<RecordedEvent> {
    plan.rows()
        .map(|row| RecordedEvent {
            position: row.position,
            aggregate_type: row.stream.aggregate_type.to_owned(),
            aggregate_id: row.stream.aggregate_id.to_string(),
            sequence: row.sequence,
            event_type: row.event.event_type.clone().into_owned(),
            event_version: row.event.event_version.clone().into_owned(),
            payload: String::from_utf8(row.event.payload.clone()).unwrap(),
            metadata: String::from_utf8(row.metadata.to_vec()).unwrap(),
            recorded_at: row.recorded_at,
            hash: *row.hash,
        })
        .collect()
}
