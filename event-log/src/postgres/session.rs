//! What the sequencer asks of a database: the seam at which the model puts one of its own.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Executor as _, PgConnection, PgPool};

use super::election::{self, Incumbent, SEQUENCER};
use super::hosts::{self, Hosts};
use super::statement;
use crate::StreamId;
use crate::copied::origin;
use crate::leader::Node;
use crate::limits::LogLimits;
use crate::plan::{Plan, Tail};

/// Where sessions come from.
pub(crate) trait Database: Send + Sync + 'static {
    type Session: Session;

    /// A session in the sequencer's role. Whoever leads is decided afterwards.
    fn connect(&self, limits: &LogLimits) -> impl Future<Output = Result<Self::Session, sqlx::Error>> + Send;

    /// Whether the database holds what this process takes it for. Asked by whoever has the lock: the log may have moved away
    /// while another process had it.
    fn is_as_expected(&self) -> impl Future<Output = Result<bool, sqlx::Error>> + Send {
        std::future::ready(Ok(true))
    }
}

/// One session: it holds the leader's lock, or does not, and each call is one statement. A call that was given up may
/// still have its effect, and leaves a session that is of no more use.
pub(crate) trait Session: Send + 'static {
    /// Takes the leader's lock, or says that it has it already; `false` if another session holds it.
    fn try_lead(&mut self, lock: i64) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;

    /// Where the log ends.
    fn tail(&mut self) -> impl Future<Output = Result<Tail, sqlx::Error>> + Send;

    /// The versions of streams, 0 for those that do not exist.
    fn versions(
        &mut self,
        streams: &[StreamId],
    ) -> impl Future<Output = Result<HashMap<StreamId, u64>, sqlx::Error>> + Send;

    /// Records the whole plan or nothing. `false` if the event it is chained to is not there.
    fn insert(&mut self, plan: &Plan) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;

    /// The hash stored at a position, if there is one.
    fn stored_hash(&mut self, position: u64) -> impl Future<Output = Result<Option<Vec<u8>>, sqlx::Error>> + Send;

    /// Returns when everything that this session has read would survive whatever a commit survives. After a crash, or a
    /// wait for a standby that was cut short, what is in the table may be on one server only.
    fn settle(&mut self) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Who took office last.
    fn incumbent(&mut self) -> impl Future<Output = Result<Option<Incumbent>, sqlx::Error>> + Send;

    /// Writes down who leads, for the others. What was read before is settled then.
    fn take_office(&mut self, node: &Node) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Tells the others that they need not wait for this node.
    fn resign(&mut self, node: &Node) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Ends the session that holds the leader's lock if its client has been silent for so long. `true` if it did.
    fn end_silent_leader(
        &mut self,
        lock: i64,
        silence: Duration,
    ) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;
}

/// The database on whichever server takes writes now, and the pool that has to follow it there.
pub(super) struct PgDatabase {
    pub(super) hosts: Hosts,
    pub(super) pool: PgPool,
    /// Whether it may be the copy of another log.
    pub(super) is_copy: bool,
}

impl Database for PgDatabase {
    type Session = PgConnection;

    async fn connect(&self, limits: &LogLimits) -> Result<PgConnection, sqlx::Error> {
        let prepare = |options: PgConnectOptions| {
            options.application_name(SEQUENCER).options([
                ("statement_timeout", limits.statement_limit.as_millis().to_string()),
                // A server that lost its client without a word must let go of the leader's lock.
                ("tcp_keepalives_idle", "5".to_owned()),
                ("tcp_keepalives_interval", "2".to_owned()),
                ("tcp_keepalives_count", "3".to_owned()),
            ])
        };
        let (mut connection, primary) = self.hosts.connect(prepare).await?;
        if self.hosts.is_several() {
            // Connections to a server that died break by themselves.
            self.pool.set_connect_options(primary);
        } else {
            hosts::require_primary(&mut connection).await?;
        }
        connection.execute("SET ROLE boxoffice_sequencer").await?;
        Ok(connection)
    }

    async fn is_as_expected(&self) -> Result<bool, sqlx::Error> {
        Ok(self.is_copy || origin(&self.pool).await?.is_none())
    }
}

impl Session for PgConnection {
    async fn try_lead(&mut self, lock: i64) -> Result<bool, sqlx::Error> {
        statement::try_lead(self, lock).await
    }

    async fn tail(&mut self) -> Result<Tail, sqlx::Error> {
        statement::tail(self).await
    }

    async fn versions(&mut self, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, sqlx::Error> {
        statement::versions(self, streams).await
    }

    async fn insert(&mut self, plan: &Plan) -> Result<bool, sqlx::Error> {
        statement::insert(self, plan).await
    }

    async fn stored_hash(&mut self, position: u64) -> Result<Option<Vec<u8>>, sqlx::Error> {
        statement::stored_hash(self, position).await
    }

    async fn settle(&mut self) -> Result<(), sqlx::Error> {
        statement::settle(self).await
    }

    async fn incumbent(&mut self) -> Result<Option<Incumbent>, sqlx::Error> {
        election::incumbent(self).await
    }

    async fn take_office(&mut self, node: &Node) -> Result<(), sqlx::Error> {
        election::take_office(self, node).await
    }

    async fn resign(&mut self, node: &Node) -> Result<(), sqlx::Error> {
        election::resign(self, node).await
    }

    async fn end_silent_leader(&mut self, lock: i64, silence: Duration) -> Result<bool, sqlx::Error> {
        election::end_silent_leader(self, lock, silence).await
    }
}
