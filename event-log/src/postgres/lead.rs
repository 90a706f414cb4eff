//! A session that leads the log: the sequencer's connection, and what it knows about the table's end.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use super::{ConnectError, is_transient, statement};
use crate::StreamId;
use crate::limits::LogLimits;
use crate::pipeline::Request;
use crate::plan::{Plan, Tail};
use crate::versions::Versions;

const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How much longer than PostgreSQL itself we wait for a statement, before the connection counts as dead.
const NETWORK_SLACK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Lead {
    connection: PgConnection,
    statement_limit: Duration,
    pub(super) tail: Tail,
    versions: Versions,
    /// The lock was lost; what is known to be recorded may still be acknowledged, but nothing more may be tried.
    pub(super) is_over: bool,
}

/// A connection in the sequencer's role. Whoever leads is decided afterwards.
pub(super) async fn connect(options: &PgConnectOptions, limits: &LogLimits) -> Result<PgConnection, sqlx::Error> {
    let options = options.clone().application_name("boxoffice-sequencer").options([
        ("statement_timeout", limits.statement_limit.as_millis().to_string()),
        // A server that lost its client without a word must let go of the leader's lock.
        ("tcp_keepalives_idle", "5".to_owned()),
        ("tcp_keepalives_interval", "2".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
    ]);
    let connect = async {
        let mut connection = options.connect().await?;
        connection.execute("SET ROLE boxoffice_sequencer").await?;
        Ok(connection)
    };
    in_time(CONNECT_LIMIT, connect).await
}

pub(super) async fn try_lead(connection: &mut PgConnection, limits: &LogLimits) -> Result<bool, sqlx::Error> {
    let limit = limits.statement_limit + NETWORK_SLACK;
    in_time(limit, statement::try_lead(connection, limits.leader_lock)).await
}

impl Lead {
    /// Takes over the log: reads where it ends.
    pub(super) async fn begin(mut connection: PgConnection, limits: &LogLimits) -> Result<Self, sqlx::Error> {
        let statement_limit = limits.statement_limit + NETWORK_SLACK;
        let tail = in_time(statement_limit, statement::tail(&mut connection)).await?;
        Ok(Self {
            connection,
            statement_limit,
            tail,
            versions: Versions::new(limits.versions),
            is_over: false,
        })
    }

    /// Somebody else appended: reads the end again, if this session still leads.
    pub(super) async fn reload(&mut self, limits: &LogLimits) -> Result<bool, sqlx::Error> {
        if !try_lead(&mut self.connection, limits).await? {
            return Ok(false);
        }
        self.versions.clear();
        self.tail = in_time(self.statement_limit, statement::tail(&mut self.connection)).await?;
        Ok(true)
    }

    /// Goes on with a new connection and the same knowledge.
    pub(super) fn replace_connection(&mut self, connection: PgConnection) {
        self.connection = connection;
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
        let found = in_time(
            self.statement_limit,
            statement::versions(&mut self.connection, &unknown),
        )
        .await?;
        self.remember(found);
        Ok(())
    }

    pub(super) fn version(&self, stream: &StreamId) -> u64 {
        self.versions.get(stream).unwrap_or(0)
    }

    /// `false` if the log does not end where this lead believes.
    pub(super) async fn insert(&mut self, plan: &Plan) -> Result<bool, sqlx::Error> {
        in_time(self.statement_limit, statement::insert(&mut self.connection, plan)).await
    }

    /// Whether this very plan is in the table.
    pub(super) async fn has_recorded(&mut self, plan: &Plan) -> Result<bool, sqlx::Error> {
        let last = plan.tail.head;
        let stored = in_time(
            self.statement_limit,
            statement::stored_hash(&mut self.connection, last.position),
        )
        .await?;
        Ok(stored.is_some_and(|hash| hash == last.hash))
    }

    /// Takes the plan in as recorded.
    pub(super) fn advance(&mut self, plan: &mut Plan) {
        self.tail = plan.tail;
        let versions = std::mem::take(&mut plan.versions);
        self.remember(versions);
    }

    pub(super) async fn ping(&mut self) -> Result<(), sqlx::Error> {
        in_time(self.statement_limit, statement::ping(&mut self.connection)).await
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
pub(super) async fn check_prepared(options: &PgConnectOptions, limits: &LogLimits) -> Result<(), ConnectError> {
    let check = async {
        let mut connection = connect(options, limits).await?;
        in_time(CONNECT_LIMIT, statement::tail(&mut connection)).await?;
        connection.close().await
    };
    match check.await {
        Err(error @ sqlx::Error::Database(_)) if !is_transient(&error) => Err(ConnectError::NotPrepared(error)),
        Err(error @ sqlx::Error::Configuration(_)) => Err(ConnectError::NotPrepared(error)),
        _ => Ok(()),
    }
}
