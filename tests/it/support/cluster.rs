//! PostgreSQL clusters of a test's own: a primary and its standby, killed and promoted.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use boxoffice::client::eventually;
use boxoffice::managed::{account, spawner};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row as _};
use tempfile::TempDir;
use tokio::process::Child;

use super::postgres::{USER, give_to_postgres, init_cluster, postgres_command};

const STANDBY: &str = "standby";
const START_LIMIT: Duration = Duration::from_secs(30);
const PRIMARY_PORT: u16 = 5501;
const STANDBY_PORT: u16 = 5502;

/// Whether a commit waits for the standby.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Replication {
    Synchronous,
    Asynchronous,
}

/// Two clusters that share a folder for their sockets. Both end with this.
pub(crate) struct Pair {
    folder: TempDir,
    primary: Option<Child>,
    standby: Option<Child>,
}

impl Pair {
    /// A primary with a standby that is up to date.
    pub(crate) async fn start(replication: Replication) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bo-pg-").tempdir_in("/tmp")?;
        give_to_postgres(folder.path())?;
        let mut pair = Self {
            folder,
            primary: None,
            standby: None,
        };
        let data = pair.data("one");
        init_cluster(&data).await?;
        pair.primary = Some(pair.launch(&data, PRIMARY_PORT).await?);
        pair.wait_for(PRIMARY_PORT).await?;
        pair.execute(PRIMARY_PORT, "CREATE DATABASE shop").await?;
        pair.add_standby().await?;
        if replication == Replication::Synchronous {
            let names = format!("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 ({STANDBY})'");
            pair.execute(PRIMARY_PORT, &names).await?;
            pair.execute(PRIMARY_PORT, "SELECT pg_reload_conf()").await?;
        }
        let state = if replication == Replication::Synchronous {
            "sync"
        } else {
            "async"
        };
        pair.wait_for_state(state).await?;
        Ok(pair)
    }

    /// A URL that names both servers.
    pub(crate) fn url(&self) -> String {
        let socket = self.folder.path().display();
        format!("postgres://{USER}@localhost/shop?host={socket}&port={PRIMARY_PORT},{STANDBY_PORT}")
    }

    /// The standby alone.
    pub(crate) fn standby_options(&self) -> PgConnectOptions {
        self.options(STANDBY_PORT, "shop")
    }

    /// Kills the primary as `kill -9` does.
    pub(crate) async fn kill_primary(&mut self) -> Result<()> {
        let mut primary = self.primary.take().context("the primary runs")?;
        primary.kill().await.context("killing the primary")
    }

    pub(crate) async fn promote_standby(&self) -> Result<()> {
        self.execute(STANDBY_PORT, "SELECT pg_promote()").await
    }

    /// Where the log ends on the standby.
    pub(crate) async fn end_of_log(&self) -> Result<u64> {
        let mut connection = self.standby_options().connect().await?;
        let row = connection.fetch_one("SELECT max(position) FROM events").await?;
        connection.close().await?;
        Ok(row.try_get::<i64, _>(0)?.cast_unsigned())
    }

    /// From here on the standby receives nothing.
    pub(crate) async fn cut_standby_off(&self) -> Result<()> {
        self.execute(STANDBY_PORT, "ALTER SYSTEM SET primary_conninfo = ''")
            .await?;
        self.execute(STANDBY_PORT, "SELECT pg_reload_conf()").await?;
        let receivers = "SELECT 1 FROM pg_stat_wal_receiver";
        eventually("the standby to stop receiving", START_LIMIT, || async {
            let mut connection = self.connect(STANDBY_PORT).await?;
            let received = connection.execute(receivers).await?;
            Ok((received.rows_affected() == 0).then_some(()))
        })
        .await
    }

    async fn add_standby(&mut self) -> Result<()> {
        let (data, port) = (self.data("two"), PRIMARY_PORT.to_string());
        let socket = self.folder.path().display().to_string();
        let mut backup = postgres_command("pg_basebackup", None)?;
        backup.args(["-h", &socket, "-p", &port, "-U", USER, "-R", "-X", "stream"]);
        account::run(backup.arg("--checkpoint=fast").arg("-D").arg(&data)).await?;
        let standby = self.launch(&data, STANDBY_PORT).await?;
        self.standby = Some(standby);
        self.wait_for(STANDBY_PORT).await?;
        let source = format!("host={socket} port={PRIMARY_PORT} user={USER} application_name={STANDBY}");
        let set = format!("ALTER SYSTEM SET primary_conninfo = '{source}'");
        self.execute(STANDBY_PORT, &set).await?;
        self.execute(STANDBY_PORT, "SELECT pg_reload_conf()").await
    }

    async fn wait_for_state(&self, state: &str) -> Result<()> {
        let look = format!(
            "SELECT 1 FROM pg_stat_replication WHERE application_name = '{STANDBY}' AND state = 'streaming' AND sync_state = '{state}'"
        );
        eventually("the standby to be up to date", START_LIMIT, || async {
            let mut connection = self.connect(PRIMARY_PORT).await?;
            let found = connection.execute(look.as_str()).await?;
            Ok((found.rows_affected() == 1).then_some(()))
        })
        .await
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn launch(&self, data: &Path, port: u16) -> Result<Child> {
        let log = std::fs::File::create(data.with_extension("log"))?;
        let mut command = postgres_command("postgres", Some("KILL"))?;
        command.arg("-D").arg(data).arg("-k").arg(self.folder.path());
        command.args(["-p", &port.to_string()]);
        command.args(["-c", "listen_addresses=", "-c", "max_connections=150"]);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.kill_on_drop(true);
        spawner::spawn(command).await.context("starting PostgreSQL")
    }

    fn options(&self, port: u16, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.folder.path())
            .port(port)
            .username(USER)
            .database(database)
    }

    async fn connect(&self, port: u16) -> Result<PgConnection> {
        Ok(self.options(port, "postgres").connect().await?)
    }

    async fn execute(&self, port: u16, statement: &str) -> Result<()> {
        let mut connection = self.connect(port).await?;
        connection.execute(statement).await?;
        connection.close().await?;
        Ok(())
    }

    async fn wait_for(&self, port: u16) -> Result<()> {
        eventually("PostgreSQL to accept connections", START_LIMIT, || async {
            Ok(self.connect(port).await.ok().map(drop))
        })
        .await
    }
}
