//! A PostgreSQL of one's own, as it comes: it syncs, and it may be killed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use boxoffice::client::eventually;
use boxoffice::managed::spawner;
use rustix::process::Signal;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};
use tempfile::TempDir;
use tokio::process::Child;

use super::tools::signal;
use crate::support::{USER, give_to_postgres, init_cluster, postgres_command};

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(20);

pub(super) struct Cluster {
    /// Holds the socket, and the data unless they are elsewhere.
    base: TempDir,
    data: PathBuf,
    postmaster: Child,
}

/// How PostgreSQL is asked to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// Sessions end, everything is written.
    Fast,
    /// Everything is dropped, and recovered at the next start.
    Immediate,
    /// As `kill -9` of the postmaster: its children find out by themselves.
    Kill,
}

impl Cluster {
    pub(super) async fn start() -> Result<Self> {
        Self::start_in(None).await
    }

    /// With its data in a folder of the caller's.
    pub(super) async fn start_in(data: Option<&Path>) -> Result<Self> {
        // Short: a socket's path has at most 107 bytes.
        let base = tempfile::Builder::new()
            .prefix("boxoffice-faults-")
            .tempdir_in("/tmp")?;
        give_to_postgres(base.path())?;
        let data = data.map_or_else(|| base.path().join("pg"), |folder| folder.join("pg"));
        init_cluster(&data).await?;
        let postmaster = launch(&data, base.path()).await?;
        let mut cluster = Self { base, data, postmaster };
        cluster.wait_until_up().await?;
        Ok(cluster)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.base.path().join(".s.PGSQL.5432")
    }

    /// Past every proxy.
    pub(super) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.base.path())
            .username(USER)
            .database("postgres")
    }

    /// The processes of boxoffice's sessions whose name is like this, in no order.
    pub(super) async fn backends(&self, name: &str) -> Result<Vec<u32>> {
        let mut connection: PgConnection = self.options().connect().await?;
        let select = format!("SELECT pid FROM pg_stat_activity WHERE application_name LIKE '{name}' ORDER BY pid");
        let rows = connection.fetch_all(&*select).await?;
        connection.close().await?;
        rows.iter()
            .map(|row| Ok(u32::try_from(row.try_get::<i32, _>(0)?)?))
            .collect()
    }

    pub(super) async fn number(&self, select: &str) -> Result<i64> {
        let mut connection: PgConnection = self.options().connect().await?;
        let row = connection.fetch_one(select).await?;
        connection.close().await?;
        Ok(row.try_get(0)?)
    }

    #[cfg(feature = "esdb")]
    pub(super) async fn rows(&self, select: &str) -> Result<Vec<sqlx::postgres::PgRow>> {
        let mut connection: PgConnection = self.options().connect().await?;
        let rows = connection.fetch_all(select).await?;
        connection.close().await?;
        Ok(rows)
    }

    /// What every session does and waits for; for the day a test fails.
    pub(super) async fn sessions(&self) -> Result<String> {
        let mut connection: PgConnection = self.options().connect().await?;
        let select = "
            SELECT concat_ws(' | ', pid, application_name, state, wait_event, pg_blocking_pids(pid)::text, left(query, 90))
            FROM pg_stat_activity WHERE application_name LIKE 'boxoffice%' AND state <> 'idle' ORDER BY pid";
        let rows = connection.fetch_all(select).await?;
        connection.close().await?;
        let lines = rows.iter().map(|row| Ok(row.try_get::<String, _>(0)?));
        Ok(lines.collect::<Result<Vec<_>>>()?.join("\n"))
    }

    pub(super) async fn execute(&self, statement: &str) -> Result<()> {
        let mut connection: PgConnection = self.options().connect().await?;
        connection.execute(statement).await?;
        Ok(connection.close().await?)
    }

    pub(super) async fn restart(&mut self, stop: Stop) -> Result<()> {
        let pid = self.postmaster.id().context("expected a running postmaster")?;
        match stop {
            Stop::Fast => signal(pid, Signal::INT)?,
            Stop::Immediate => signal(pid, Signal::QUIT)?,
            Stop::Kill => signal(pid, Signal::KILL)?,
        }
        let ended = tokio::time::timeout(STOP_LIMIT, self.postmaster.wait()).await;
        ended.context("expected PostgreSQL to stop")??;
        self.postmaster = launch(&self.data, self.base.path()).await?;
        self.wait_until_up().await
    }

    /// Starts it again whenever it ends: the children of a killed postmaster may be in its way for a moment, and a full
    /// disk ends it for good.
    pub(super) async fn wait_until_up(&mut self) -> Result<()> {
        let deadline = tokio::time::Instant::now() + START_LIMIT;
        loop {
            if let Ok(connection) = self.options().connect().await {
                return Ok(connection.close().await?);
            }
            anyhow::ensure!(
                tokio::time::Instant::now() < deadline,
                "expected PostgreSQL to be up:\n{}",
                std::fs::read_to_string(self.log()).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
            if self.postmaster.try_wait()?.is_some() {
                self.postmaster = launch(&self.data, self.base.path()).await?;
            }
        }
    }

    /// Waits until it lets somebody in, also after it has recovered by itself.
    pub(super) async fn wait_until_open(&self) -> Result<()> {
        eventually("PostgreSQL to be open", START_LIMIT, || async {
            Ok(self.options().connect().await.is_ok().then_some(()))
        })
        .await
    }

    pub(super) fn log(&self) -> PathBuf {
        log_in(self.base.path())
    }
}

fn log_in(base: &Path) -> PathBuf {
    base.join("postgres.log")
}

async fn launch(data: &Path, base: &Path) -> Result<Child> {
    let log = std::fs::File::options().create(true).append(true).open(log_in(base))?;
    let mut command = postgres_command("postgres", Some("INT"))?;
    command.arg("-D").arg(data).arg("-k").arg(base);
    command.args(["-c", "listen_addresses=", "-c", "max_connections=150"]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.kill_on_drop(true).process_group(0);
    spawner::spawn(command).await.context("starting PostgreSQL")
}
