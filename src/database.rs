//! The database a command works on: one given by URL, or the data folder's own, started for the command if it does not run.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, Error, bail};
use clap::Args;
use event_log::Hosts;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use tokio::time::{Instant, timeout};
use tracing::info;

use crate::config::{DataOptions, DatabaseOptions};
use crate::managed::data_dir::{DataDir, Lock};
use crate::managed::postgres::{self, Cluster};

pub(crate) static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// How long a request or a task may wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a start waits for a database that is restarting, and how often it looks.
const RESTART_LIMIT: Duration = Duration::from_secs(30);
const RESTART_PAUSE: Duration = Duration::from_millis(200);
/// A process that stops in the middle of a transaction (paused, or its machine gone) lets go of its locks after this time, or
/// the node that takes over would wait for them. Far longer than any step between two statements takes.
const IDLE_IN_TRANSACTION_LIMIT: Duration = Duration::from_secs(3);
/// A command's own pool: one for each read model that is filled at once, and some for who reads the log. They are made when they
/// are needed.
const COMMAND_CONNECTIONS: u32 = 12;

/// What a command on the database is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct DatabaseAccess {
    #[command(flatten)]
    pub(crate) database: DatabaseOptions,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// A database in use. [`Database::close`] stops what was started for it.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) hosts: Hosts,
    pub(crate) pool: PgPool,
    /// For other programs on this machine.
    pub(crate) url: Option<String>,
    /// The data folder, and the server that was started in it.
    owned: Option<(Lock, Option<Cluster>)>,
}

impl Database {
    /// For a server, which has the data folder to itself.
    pub(crate) async fn for_server(options: &DatabaseOptions, data_dir: &DataDir, lock: Lock) -> anyhow::Result<Self> {
        let connections = options.connections();
        if let Some(external) = options.external()? {
            let primary = while_it_restarts(async || reach(&external).await).await?;
            let url = options.external_url().map(str::to_owned);
            return Ok(Self::new(external, primary, connections, url, Some((lock, None))));
        }
        let cluster = Cluster::start(data_dir).await?;
        let url = cluster.url(postgres::DATABASE);
        let options = cluster.options();
        Ok(Self::new(
            options.clone().into(),
            options,
            connections,
            Some(url),
            Some((lock, Some(cluster))),
        ))
    }

    /// For a command, which shares the database with a running server.
    pub(crate) async fn for_command(options: &DatabaseAccess) -> anyhow::Result<Self> {
        if let Some(external) = options.database.external()? {
            let primary = reach(&external).await?;
            return Ok(Self::new(external, primary, COMMAND_CONNECTIONS, None, None));
        }
        let data_dir = options.data.open()?;
        let Some(lock) = data_dir.try_lock()? else {
            let running = postgres::options_of_running(&data_dir).await?;
            return Ok(Self::new(
                running.clone().into(),
                running,
                COMMAND_CONNECTIONS,
                None,
                None,
            ));
        };
        let cluster = Cluster::start(&data_dir).await?;
        let options = cluster.options();
        let owned = Some((lock, Some(cluster)));
        let database = Self::new(options.clone().into(), options, COMMAND_CONNECTIONS, None, owned);
        database.migrate().await?;
        Ok(database)
    }

    fn new(
        hosts: Hosts,
        primary: PgConnectOptions,
        connections: u32,
        url: Option<String>,
        owned: Option<(Lock, Option<Cluster>)>,
    ) -> Self {
        let limit = IDLE_IN_TRANSACTION_LIMIT.as_millis().to_string();
        let named = |options: PgConnectOptions| {
            options
                .application_name("boxoffice")
                .options([("idle_in_transaction_session_timeout", limit.as_str())])
        };
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(named(primary));
        Self {
            hosts: hosts.map(named),
            pool,
            url,
            owned,
        }
    }

    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        while_it_restarts(async || MIGRATOR.run(&self.pool).await.context("bring the tables up to date")).await
    }

    pub(crate) async fn close(self) {
        self.pool.close().await;
        if let Some((_lock, Some(cluster))) = self.owned {
            cluster.stop().await;
        }
    }
}

/// Does a step of a start; again, for a while, if the database was just stopping, coming up, or cut us off in the middle: as
/// it does when one of its sessions was killed.
pub(crate) async fn while_it_restarts<T>(step: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let deadline = Instant::now() + RESTART_LIMIT;
    loop {
        match step().await {
            Err(error) if is_restarting(&error) && Instant::now() < deadline => {
                info!("the database restarts: {error:#}");
                tokio::time::sleep(RESTART_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

fn is_restarting(error: &Error) -> bool {
    let cut_off = [
        ErrorKind::UnexpectedEof,
        ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe,
    ];
    error.chain().any(|cause| match cause.downcast_ref() {
        Some(sqlx::Error::Io(error)) => cut_off.contains(&error.kind()),
        // admin_shutdown, crash_shutdown, cannot_connect_now
        Some(sqlx::Error::Database(error)) => matches!(error.code().as_deref(), Some("57P01" | "57P02" | "57P03")),
        _ => false,
    })
}

/// A database of somebody else's may be away, or not be there at all: better said now than by the first query.
/// Says which server takes writes.
async fn reach(hosts: &Hosts) -> anyhow::Result<PgConnectOptions> {
    let answer = timeout(CONNECT_TIMEOUT, hosts.connect(|options| options)).await;
    let (connection, primary) = match answer {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(Error::new(error).context("the database in DATABASE_URL cannot be used")),
        Err(_) => bail!(
            "the database in DATABASE_URL does not answer within {} s",
            CONNECT_TIMEOUT.as_secs()
        ),
    };
    let _ = connection.close().await;
    Ok(primary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_off() -> Error {
        let eof = sqlx::Error::Io(ErrorKind::UnexpectedEof.into());
        Error::new(eof).context("bring the tables up to date")
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_waits_for_a_database_that_restarts_but_not_for_ever() {
        let tries = std::cell::Cell::new(0_u32);
        let step = async || {
            tries.set(tries.get() + 1);
            if tries.get() < 3 { Err(cut_off()) } else { Ok(()) }
        };
        assert!(while_it_restarts(step).await.is_ok());
        assert_eq!(tries.get(), 3);
        let started = Instant::now();
        assert!(while_it_restarts(async || Err::<(), _>(cut_off())).await.is_err());
        assert!(started.elapsed() >= RESTART_LIMIT);
    }

    #[tokio::test]
    async fn what_waiting_does_not_mend_is_said_at_once() {
        let tries = std::cell::Cell::new(0_u32);
        let absent = async || {
            tries.set(tries.get() + 1);
            Err::<(), _>(Error::new(sqlx::Error::Io(ErrorKind::ConnectionRefused.into())))
        };
        assert!(while_it_restarts(absent).await.is_err());
        assert_eq!(tries.get(), 1);
    }
}
