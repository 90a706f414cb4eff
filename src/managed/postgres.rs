//! The private PostgreSQL cluster: made on first use, reachable by its Unix socket only, started again when it dies.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::process::Child;
use tokio::time::{Instant, sleep};
use tracing::info;
use tracing::log::LevelFilter;

use super::account::{Account, run};
use super::child::{Program, Restart, StopSignal, Supervised};
use super::data_dir::DataDir;
use super::place::Place;
use super::{locate, lock_file};

const USER: &str = "boxoffice";
/// The database that boxoffice works on.
pub const DATABASE: &str = "boxoffice";
/// How long recovery after a crash may take before we call the start failed.
const READY_LIMIT: Duration = Duration::from_mins(2);
const READY_POLL: Duration = Duration::from_millis(50);
/// How long a fast shutdown may take: it writes a checkpoint.
const STOP_LIMIT: Duration = Duration::from_secs(30);

pub(crate) const HOW_TO_GET: &str = "scripts/setup demo, or as root: apt-get install postgresql";

/// A running cluster. It ends with this process; [`Cluster::stop`] ends it in order.
#[derive(Debug)]
pub struct Cluster {
    place: Place,
    server: Supervised<Server>,
}

impl Cluster {
    /// Starts the data folder's cluster, which it makes if there is none. In it is a database called `boxoffice`. The
    /// caller has the folder to itself.
    pub async fn start(data_dir: &DataDir) -> anyhow::Result<Self> {
        let place = Place::choose(data_dir).await?;
        let binaries = choose_binaries(&place)?;
        if !place.is_initialised() {
            initialise(&place, &binaries)
                .await
                .context("make the database cluster")?;
        }
        let server = Supervised::start(Server::new(place.clone(), &binaries)).await?;
        create_database(&place).await.context("make the database")?;
        Ok(Self { place, server })
    }

    pub fn options(&self) -> PgConnectOptions {
        options(&self.place, DATABASE)
    }

    /// Where a database of the cluster is, for other programs.
    pub fn url(&self, database: &str) -> String {
        let socket = percent_encode(&self.place.socket.to_string_lossy());
        format!("postgres://{USER}@localhost/{database}?host={socket}")
    }

    /// Stops the cluster and waits for its end.
    pub async fn stop(self) {
        self.server.stop().await;
    }

    /// Ends the server as `kill -9` does, for those who want to see what comes after that.
    pub async fn kill(self) {
        self.server.kill().await;
    }
}

/// How to reach the cluster that another process of ours runs on this folder.
pub(crate) async fn options_of_running(data_dir: &DataDir) -> anyhow::Result<PgConnectOptions> {
    Ok(options(&Place::choose(data_dir).await?, DATABASE))
}

fn options(place: &Place, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(&place.socket)
        .host("localhost")
        .port(5432) // only names the socket
        .ssl_mode(PgSslMode::Disable)
        .username(USER)
        .database(database)
        .log_statements(LevelFilter::Off)
}

fn choose_binaries(place: &Place) -> anyhow::Result<PathBuf> {
    let installed = locate::postgres_binaries();
    let Some(version) = place.version() else {
        return installed
            .into_iter()
            .next()
            .with_context(|| format!("PostgreSQL is not installed. To get it: {HOW_TO_GET}. Or set DATABASE_URL"));
    };
    installed
        .into_iter()
        .find(|folder| folder.parent().is_some_and(|parent| parent.ends_with(&version)))
        .or_else(|| locate::find_in_path("initdb").and_then(|found| found.parent().map(PathBuf::from)))
        .with_context(|| {
            format!(
                "the database in {} was made by PostgreSQL {version}, which is not installed",
                place.data.display()
            )
        })
}

/// Makes the cluster beside its place and moves it there when it is complete: an interrupted first start leaves nothing.
async fn initialise(place: &Place, binaries: &Path) -> anyhow::Result<()> {
    let draft = place.data.with_extension("draft");
    if draft.exists() {
        fs::remove_dir_all(&draft).context("remove an unfinished cluster")?;
    }
    let mut initdb = place.account.command(&binaries.join("initdb"), None);
    initdb.arg("-D").arg(&draft);
    // Trust: whoever may enter the socket's folder is the owner or root. The locale must not depend on the caller's.
    run(initdb.args([
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--data-checksums",
    ]))
    .await?;
    fs::rename(&draft, &place.data).context("move the cluster to its place")?;
    info!("made a private database cluster in {}", place.data.display());
    Ok(())
}

#[derive(Debug)]
struct Server {
    place: Place,
    program: Program,
}

impl Server {
    fn new(place: Place, binaries: &Path) -> Self {
        let arguments = vec![
            "-D".to_owned(),
            place.data.display().to_string(),
            "-k".to_owned(),
            place.socket.display().to_string(),
            "-p".to_owned(),
            "5432".to_owned(),
            "-c".to_owned(),
            "listen_addresses=".to_owned(),
        ];
        let program = Program {
            name: "PostgreSQL",
            path: binaries.join("postgres"),
            arguments,
            account: place.account,
            stop_signal: StopSignal::Interrupt,
            stop_limit: STOP_LIMIT,
            log: place.log.clone(),
        };
        Self { place, program }
    }

    async fn wait_until_ready(&self, child: &mut Child) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().context("watch PostgreSQL")? {
                bail!("PostgreSQL did not start ({status}):\n{}", self.program.last_words());
            }
            let error = match options(&self.place, "postgres").connect().await {
                Ok(connection) => {
                    let _ = connection.close().await;
                    return Ok(());
                }
                Err(error) => error,
            };
            if started.elapsed() > READY_LIMIT {
                return Err(error).context("PostgreSQL does not accept connections");
            }
            sleep(READY_POLL).await;
        }
    }
}

impl Restart for Server {
    fn program(&self) -> &Program {
        &self.program
    }

    async fn launch(&self) -> anyhow::Result<Child> {
        lock_file::release(&self.place.data).await?;
        let mut child = self.program.start().await?;
        match self.wait_until_ready(&mut child).await {
            Ok(()) => Ok(child),
            Err(error) => {
                self.program.stop(child).await;
                Err(error)
            }
        }
    }
}

async fn create_database(place: &Place) -> anyhow::Result<()> {
    let mut connection: PgConnection = options(place, "postgres").connect().await?;
    let existing = sqlx::query!("SELECT 1 AS one FROM pg_database WHERE datname = $1", DATABASE)
        .fetch_optional(&mut connection)
        .await?;
    if existing.is_none() {
        sqlx::raw_sql("CREATE DATABASE boxoffice")
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(())
}

fn percent_encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Whether the account PostgreSQL needs exists; for `doctor`.
pub(crate) fn account_is_there() -> bool {
    Account::for_postgres() == Account::Own
        || fs::read_to_string("/etc/passwd").is_ok_and(|users| users.lines().any(|line| line.starts_with("postgres:")))
}
