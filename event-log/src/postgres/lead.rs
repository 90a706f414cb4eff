//! A session that leads the log: the sequencer's line to PostgreSQL, and what it knows about the table's end.

use std::collections::HashSet;
use std::time::Duration;

use super::election::Incumbent;
use super::session::{Database, Session};
use super::witness::Fork;
use super::{ConnectError, is_transient};
use crate::leader::Node;
use crate::limits::LogLimits;
use crate::pipeline::Request;
use crate::plan::{Plan, Tail};
use crate::versions::Versions;
use crate::{Head, StreamId};

const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How much longer than PostgreSQL itself we wait for a statement, before the connection counts as dead.
const NETWORK_SLACK: Duration = Duration::from_secs(1);
/// How far the clocks of two nodes may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Lead<S> {
    pub(super) line: Line<S>,
    /// Where the table ends, as far as it is known to be recorded.
    pub(super) tail: Tail,
    /// Of the streams as they will be once what is planned is recorded; forgotten if it is not.
    pub(super) versions: Versions,
}

/// A session, and how long each of its statements may take.
#[derive(Debug)]
pub(super) struct Line<S> {
    session: S,
    statement_limit: Duration,
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

/// Whether the log still holds what this node has seen of it.
pub(super) async fn compare(
    session: &mut impl Session,
    limits: &LogLimits,
    seen: Head,
) -> Result<Option<Fork>, sqlx::Error> {
    let stored = in_time(statement_time(limits), session.stored_hash(seen.position)).await?;
    Ok(Fork::between(seen, stored.as_deref()))
}

pub(super) async fn is_as_expected(database: &impl Database, limits: &LogLimits) -> Result<bool, sqlx::Error> {
    in_time(statement_time(limits), database.is_as_expected()).await
}

/// How long after its time an event may still be recorded. A plan waits for so long, or is tried; behind that come a look for
/// versions that was under way, and the last try.
pub(super) fn settles_within(limits: &LogLimits) -> Duration {
    limits.outage_wait + statement_time(limits) * 2 + CLOCKS_APART
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
            line: Line {
                session,
                statement_limit,
                is_over: false,
            },
            tail,
            versions: Versions::new(limits.versions),
        })
    }

    /// Somebody else appended: reads the end again, if this session still leads.
    pub(super) async fn reload(&mut self, limits: &LogLimits) -> Result<bool, sqlx::Error> {
        if !try_lead(&mut self.line.session, limits).await? {
            return Ok(false);
        }
        self.versions.clear();
        self.tail = in_time(self.line.statement_limit, self.line.session.tail()).await?;
        Ok(true)
    }

    /// Looks up the versions of the streams that are not known.
    pub(super) async fn learn(&mut self, requests: &[Request], epoch: u64) -> Result<(), sqlx::Error> {
        let mut unknown = HashSet::new();
        for request in requests {
            let stream = &request.append().stream;
            if stream.is_storable() && known_version(&mut self.versions, request, epoch).is_none() {
                unknown.insert(stream.clone());
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let unknown: Vec<StreamId> = unknown.into_iter().collect();
        let found = in_time(self.line.statement_limit, self.line.session.versions(&unknown)).await?;
        for (stream, version) in found {
            self.versions.set(&stream, version);
        }
        Ok(())
    }
}

/// The version of a request's stream, if it is remembered, or if the request vouches for it.
pub(super) fn known_version(versions: &mut Versions, request: &Request, epoch: u64) -> Option<u64> {
    let append = request.append();
    let vouched = || request.vouches_in(epoch).then_some(append.expected_version);
    versions.get(&append.stream).or_else(vouched)
}

impl<S: Session> Line<S> {
    /// Goes on in a new session.
    pub(super) fn replace_session(&mut self, session: S) {
        self.session = session;
    }

    /// `false` if the log does not end where the plan believes.
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

    pub(super) async fn compare(&mut self, limits: &LogLimits, seen: Head) -> Result<Option<Fork>, sqlx::Error> {
        compare(&mut self.session, limits, seen).await
    }

    pub(super) async fn take_office(&mut self, node: &Node) -> Result<(), sqlx::Error> {
        in_time(self.statement_limit, self.session.take_office(node)).await
    }

    pub(super) async fn resign(&mut self, node: &Node) -> Result<(), sqlx::Error> {
        in_time(self.statement_limit, self.session.resign(node)).await
    }

    /// Where the log ends by now.
    pub(super) async fn tail(&mut self) -> Result<Tail, sqlx::Error> {
        in_time(self.statement_limit, self.session.tail()).await
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
