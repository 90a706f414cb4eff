//! The real release binary, `boxoffice serve`, on a database; or the stock store's server in its place.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::auth::{Role, mint_development_token};
use boxoffice::client::{Server, ServerOptions, eventually};
use event_log::{Clock as _, SystemClock};
use secrecy::SecretString;
use serde_json::Value;
use tokio::process::{Child, Command};

use super::cluster::Database;
use super::machine::memory_mb;
use crate::peer::Variant;

/// Signs the buyers' tokens. Both servers believe it.
const SECRET: &str = "the benchmark's own secret, of no use to anybody";
/// Longer than any run.
const TOKEN_LIFE: Duration = Duration::from_hours(12);
const START_LIMIT: Duration = Duration::from_secs(20);

/// A program that was built with this one.
pub(crate) fn beside_us(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("find this program")?;
    let path = own.with_file_name(name);
    anyhow::ensure!(
        path.exists(),
        "{} is not there: cargo build --release --workspace",
        path.display()
    );
    Ok(path)
}

/// A token for a user, believed by every server that is measured.
pub(crate) fn token(user: &str, roles: &[Role]) -> Result<String> {
    let secret = SecretString::from(SECRET);
    mint_development_token(&secret, user, roles, TOKEN_LIFE, SystemClock.now()).context("make a token")
}

/// Whoever answers HTTP.
pub(crate) enum Shop {
    Ours { server: Server, folder: PathBuf },
    Stock { child: Child, url: String },
}

static STARTED: AtomicU32 = AtomicU32::new(0);

impl Shop {
    /// Starts boxoffice. Rate limits are off: the load comes from one address.
    pub(crate) async fn ours(folder: &Path, database: &Database, extra: &[(&str, &str)]) -> Result<Self> {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let mut environment = vec![
            ("DATABASE_URL".to_owned(), database.url.clone()),
            ("BOXOFFICE_LIVEKIT".to_owned(), "off".to_owned()),
            ("BOXOFFICE_AUTH_SECRET".to_owned(), SECRET.to_owned()),
            ("BOXOFFICE_RATE_LIMIT_PER_USER".to_owned(), "0".to_owned()),
            ("BOXOFFICE_RATE_LIMIT_PER_ADDRESS".to_owned(), "0".to_owned()),
            ("BOXOFFICE_LOG".to_owned(), "warn".to_owned()),
        ];
        environment.extend(
            extra
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let folder = folder.join(format!("server-{number}"));
        let server = Server::start(ServerOptions {
            binary: beside_us("boxoffice")?,
            data_dir: folder.clone(),
            listen: "127.0.0.1:0".to_owned(),
            environment,
        });
        Ok(Self::Ours {
            server: server.await?,
            folder,
        })
    }

    pub(crate) async fn stock(database: &Database, variant: Variant, connections: u32) -> Result<Self> {
        let address = free_address()?;
        let variant = match variant {
            Variant::Events => "events",
            Variant::Snapshots => "snapshots",
        };
        let mut child = Command::new(std::env::current_exe().context("find this program")?)
            .args(["stock-server", "--variant", variant])
            .args(["--database-url", &database.url])
            .args(["--listen", &address])
            .args(["--connections", &connections.to_string()])
            .env("BOXOFFICE_AUTH_SECRET", SECRET)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start the stock store")?;
        let url = format!("http://{address}");
        let health = format!("{url}/healthz");
        eventually("the stock store to be up", START_LIMIT, || {
            let (health, ended) = (health.clone(), child.try_wait());
            async move {
                if let Some(status) = ended.context("look at the stock store")? {
                    bail!("the stock store ended with {status}");
                }
                Ok(reqwest::get(&health).await.ok().map(drop))
            }
        })
        .await?;
        Ok(Self::Stock { child, url })
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Ours { server, .. } => server.base_url(),
            Self::Stock { url, .. } => url,
        }
    }

    /// Resident memory, in MB.
    pub(crate) fn memory_mb(&self) -> Result<u32> {
        let pid = match self {
            Self::Ours { folder, .. } => ready(folder)?["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()),
            Self::Stock { child, .. } => child.id(),
        };
        pid.and_then(memory_mb).context("look at the server's memory")
    }

    /// Its own figures, in the text format of Prometheus.
    pub(crate) async fn figures(&self) -> Result<String> {
        let Self::Ours { folder, .. } = self else {
            bail!("the stock store has no figures");
        };
        let ready = ready(folder)?;
        let url = ready["metrics"].as_str().context("expected the figures' address")?;
        let answer = reqwest::get(url).await.context("ask for the figures")?;
        Ok(answer.text().await?)
    }

    pub(crate) async fn stop(self) -> Result<()> {
        match self {
            Self::Ours { server, .. } => server.stop().await,
            Self::Stock { mut child, .. } => child.kill().await.context("stop the stock store"),
        }
    }

    /// Ends it as `kill -9` does.
    pub(crate) async fn kill(self) -> Result<()> {
        match self {
            Self::Ours { server, .. } => server.kill().await.map(drop),
            Self::Stock { mut child, .. } => child.kill().await.context("kill the stock store"),
        }
    }
}

/// What the server wrote when it was up.
fn ready(folder: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(folder.join("ready.json"))?)?)
}

/// Free at this moment; the stock store is started at once.
fn free_address() -> Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr()?.to_string())
}
