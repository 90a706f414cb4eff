//! A PostgreSQL cluster with stock settings that lives as long as the run, and fresh databases in it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use boxoffice::managed::data_dir::{DataDir, Lock};
use boxoffice::managed::postgres;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool, Row as _};

static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// The tables as postgres-es 0.5 ships them, `db/init.sql`.
const STOCK_TABLES: &str = include_str!("../peer/stock.sql");

/// What a fresh database holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Boxoffice,
    Stock,
}

impl Kind {
    const fn template(self) -> &'static str {
        match self {
            Self::Boxoffice => "like_boxoffice",
            Self::Stock => "like_stock",
        }
    }
}

pub(crate) struct Cluster {
    inner: postgres::Cluster,
    folder: PathBuf,
    made: AtomicU32,
    _lock: Lock,
}

/// A database of one measurement. Dropped by [`Cluster::discard`].
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) options: PgConnectOptions,
    /// For other programs.
    pub(crate) url: String,
}

impl Database {
    pub(crate) fn pool(&self, connections: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(connections)
            .connect_lazy_with(self.options.clone())
    }

    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        self.options.connect().await.context("connect to the database")
    }

    /// The one number a query answers with.
    pub(crate) async fn number(&self, query: &str) -> Result<i64> {
        let mut connection = self.connect().await?;
        let row = connection.fetch_one(query).await.with_context(|| query.to_owned())?;
        connection.close().await?;
        Ok(row.try_get(0)?)
    }
}

impl Cluster {
    /// Starts it below `folder`, on the disk that folder is on. What an earlier run left there is removed.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let data_dir = DataDir::open(folder)?;
        let lock = data_dir.lock()?;
        let inner = postgres::Cluster::start(&data_dir).await?;
        let cluster = Self {
            inner,
            folder: folder.to_owned(),
            made: AtomicU32::new(0),
            _lock: lock,
        };
        cluster.discard_all().await?;
        for kind in [Kind::Boxoffice, Kind::Stock] {
            let template = cluster.create(kind.template(), "template0").await?;
            let pool = template.pool(1);
            match kind {
                Kind::Boxoffice => MIGRATOR.run(&pool).await.context("make the tables")?,
                Kind::Stock => {
                    sqlx::raw_sql(STOCK_TABLES).execute(&pool).await?;
                }
            }
            pool.close().await;
        }
        Ok(cluster)
    }

    /// An empty database. The dirty pages of earlier ones are written first, so that nobody pays for them later.
    pub(crate) async fn fresh(&self, kind: Kind) -> Result<Database> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let database = self.create(&format!("measure_{number}"), kind.template()).await?;
        self.run("CHECKPOINT").await?;
        Ok(database)
    }

    pub(crate) async fn discard(&self, database: Database) -> Result<()> {
        self.run(&format!("DROP DATABASE {} WITH (FORCE)", database.name)).await
    }

    /// A statement of the superuser's, outside of any measurement's database.
    pub(crate) async fn run(&self, statement: &str) -> Result<()> {
        let mut connection = self.admin().await?;
        connection
            .execute(statement)
            .await
            .with_context(|| statement.to_owned())?;
        connection.close().await?;
        Ok(())
    }

    /// `version()`, in short, and the settings that matter.
    pub(crate) async fn describe(&self) -> Result<String> {
        let mut connection = self.admin().await?;
        let row = connection
            .fetch_one(
                "SELECT 'PostgreSQL ' || current_setting('server_version')
                     || ', shared_buffers ' || current_setting('shared_buffers')
                     || ', max_wal_size ' || current_setting('max_wal_size')
                     || ', fsync ' || current_setting('fsync')
                     || ', synchronous_commit ' || current_setting('synchronous_commit')
                     || ', full_page_writes ' || current_setting('full_page_writes')
                     || ', checksums ' || current_setting('data_checksums')",
            )
            .await?;
        connection.close().await?;
        Ok(row.try_get(0)?)
    }

    /// Stops the cluster and removes it.
    pub(crate) async fn remove(self) -> Result<()> {
        let data = {
            let mut connection = self.admin().await?;
            let row = connection.fetch_one("SHOW data_directory").await?;
            PathBuf::from(row.try_get::<String, _>(0)?)
        };
        self.inner.stop().await;
        // Its place may be elsewhere, if user postgres cannot enter this folder.
        for folder in [data, self.folder] {
            std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
        }
        Ok(())
    }

    async fn admin(&self) -> Result<PgConnection> {
        self.inner
            .options()
            .database("postgres")
            .connect()
            .await
            .context("connect to the cluster")
    }

    async fn create(&self, name: &str, template: &str) -> Result<Database> {
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        Ok(Database {
            name: name.to_owned(),
            options: self.inner.options().database(name),
            url: self.inner.url(name),
        })
    }

    async fn discard_all(&self) -> Result<()> {
        let mut connection = self.admin().await?;
        let rows = connection
            .fetch_all("SELECT datname::text FROM pg_database WHERE datname ~ '^(measure_|like_)'")
            .await?;
        connection.close().await?;
        for row in rows {
            let name: String = row.try_get(0)?;
            self.run(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }
}
