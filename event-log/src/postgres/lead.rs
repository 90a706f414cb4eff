//! A session that leads the log: the sequencer's connection, and what it knows about the table's end.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::election::Incumbent;
use super::session::{Database, Session};
use super::{ConnectError, is_transient};
use crate::StreamId;
use crate::leader::Node;
use crate::limits::LogLimits;
use crate::pipeline::Request;
use crate::plan::{Plan, Tail};
use crate::versions::Versions;

const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How much longer than PostgreSQL itself we wait for a statement, before the connection counts as dead.
const NETWORK_SLACK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Lead<S> {
    session: S,
    statement_limit: Duration,
    pub(super) tail: Tail,
    versions: Versions,
    /// The lock was lost; what is known to be recorded may still be acknowledged, but nothing more may be tried.
    pub(super) is_over: bool,
}

pub(super) async fn connect<D: Database>(database: &D, limits: &LogLimits) -> Result<D::Session, sqlx::Error> {
    in_time(CONNECT_LIMIT, database.connect(limits)).await
}

pub(super) async fn try_lead(session: &mut impl Session, limits: &LogLimits) -> Result<bool, sqlx::Error> {
    in_time(statement_time(limits), session.try_lead(limits.leader_lock)).await
}

pub(super) async fn incumbent(
    session: &mut impl Session,
    limits: &LogLimits,
) -> Result<Option<Incumbent>, sqlx::Error> {
    in_time(statement_time(limits), session.incumbent()).await
}

pub(super) async fn end_silent_leader(session: &mut impl Session, limits: &LogLimits) -> Result<bool, sqlx::Error> {
    let end = session.end_silent_leader(limits.leader_lock, limits.silence);
    in_time(statement_time(limits), end).await
}

fn statement_time(limits: &LogLimits) -> Duration {
    limits.statement_limit + NETWORK_SLACK
}

impl<S: Session> Lead<S> {
    /// Takes over the log: reads where it ends.
    pub(super) async fn begin(mut session: S, limits: &LogLimits) -> Result<Self, sqlx::Error> {
        let statement_limit = statement_time(limits);
        let tail = in_time(statement_limit, session.tail()).await?;
        Ok(Self {
            session,
            statement_limit,
            tail,
            versions: Versions::new(limits.versions),
            is_over: false,
        })
    }

    /// Somebody else appended: reads the end again, if this session still leads.
    pub(super) async fn reload(&mut self, limits: &LogLimits) -> Result<bool, sqlx::Error> {
        if !try_lead(&mut self.session, limits).await? {
            return Ok(false);
        }
        self.versions.clear();
        self.tail = in_time(self.statement_limit, self.session.tail()).await?;
        Ok(true)
    }

    /// Goes on in a new session and with the same knowledge.
    pub(super) fn replace_session(&mut self, session: S) {
        self.session = session;
    }

    /// Looks up the versions of the streams that are not remembered.
    pub(super) async fn learn(&mut self, requests: &[Request]) -> Result<(), sqlx::Error> {
        self.versions.age();
        let mut unknown = HashSet::new();
        for request in requests {
            let stream = &request.append().stream;
            match self.versions.get(stream) {
                // Into the young half, so that the next batches find it there.
                Some(version) => self.versions.set(stream.clone(), version),
                None if stream.is_storable() => {
                    unknown.insert(stream.clone());
                }
                None => {}
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let unknown: Vec<StreamId> = unknown.into_iter().collect();
        let found = in_time(self.statement_limit, self.session.versions(&unknown)).await?;
        self.remember(found);
        Ok(())
    }

    pub(super) fn version(&self, stream: &StreamId) -> u64 {
        self.versions.get(stream).unwrap_or(0)
    }

    /// `false` if the log does not end where this lead believes.
    pub(super) async fn insert(&mut self, plan: &Plan) -> Result<bool, sqlx::Error> {
        in_time(self.statement_limit, self.session.insert(plan)).await
    }

    /// Whether this very plan is in the table, as durable as if its own commit had been seen.
    pub(super) async fn has_recorded(&mut self, plan: &Plan) -> Result<bool, sqlx::Error> {
        let last = plan.tail.head;
        let stored = in_time(self.statement_limit, self.session.stored_hash(last.position)).await?;
        if stored.is_none_or(|hash| hash != last.hash) {
            return Ok(false);
        }
        in_time(self.statement_limit, self.session.settle()).await?;
        Ok(true)
    }

    pub(super) async fn take_office(&mut self, node: &Node) -> Result<(), sqlx::Error> {
        in_time(self.statement_limit, self.session.take_office(node)).await
    }

    pub(super) async fn resign(&mut self, node: &Node) -> Result<(), sqlx::Error> {
        in_time(self.statement_limit, self.session.resign(node)).await
    }

    /// Takes the plan in as recorded.
    pub(super) fn advance(&mut self, plan: &mut Plan) {
        self.tail = plan.tail;
        let versions = std::mem::take(&mut plan.versions);
        self.remember(versions);
    }

    pub(super) async fn ping(&mut self) -> Result<(), sqlx::Error> {
        in_time(self.statement_limit, self.session.ping()).await
    }

    fn remember(&mut self, versions: HashMap<StreamId, u64>) {
        for (stream, version) in versions {
            self.versions.set(stream, version);
        }
    }
}

async fn in_time<T>(limit: Duration, step: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, step).await.unwrap_or_else(|elapsed| {
        Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            elapsed,
        )))
    })
}

/// Finds out early what waiting would not mend.
pub(super) async fn check_prepared(database: &impl Database, limits: &LogLimits) -> Result<(), ConnectError> {
    let check = async {
        let mut session = connect(database, limits).await?;
        in_time(CONNECT_LIMIT, session.tail()).await
    };
    match check.await {
        Err(error @ sqlx::Error::Database(_)) if !is_transient(&error) => Err(ConnectError::NotPrepared(error)),
        Err(error @ sqlx::Error::Configuration(_)) => Err(ConnectError::NotPrepared(error)),
        _ => Ok(()),
    }
}
