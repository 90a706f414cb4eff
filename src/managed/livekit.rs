//! A `livekit-server` of our own, on free loopback ports, started again when it dies.

use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use media_bridge::{ServerConfig, livekit_config};
use secrecy::{ExposeSecret, SecretString};
use tokio::process::Child;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::account::Account;
use super::child::{Program, Restart, StopSignal, Supervised};
use super::data_dir::{DataDir, write_private};

pub const API_KEY: &str = "boxoffice";
pub(crate) const HOW_TO_GET: &str = "scripts/setup demo (or: go install \
     github.com/livekit/livekit-server/cmd/server@v1.13.5, and put the binary in PATH as livekit-server), or set LIVEKIT_URL";

/// Another program may take a port between our finding it free and the server's opening it.
const START_ATTEMPTS: usize = 3;
const READY_LIMIT: Duration = Duration::from_secs(20);
const READY_POLL: Duration = Duration::from_millis(20);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Clone, Debug)]
pub struct SfuOptions<'a> {
    pub binary: PathBuf,
    /// Keeps its configuration, its secret and its log.
    pub data_dir: &'a DataDir,
    /// Where its webhooks go, if anybody wants them.
    pub webhook_url: Option<&'a str>,
    /// Free ones are found if there are none given.
    pub ports: Option<Ports>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ports {
    /// API and signalling, TCP.
    pub http: u16,
    /// All media, UDP.
    pub media: u16,
}

/// A running server. It ends with this process; [`Sfu::stop`] ends it at once.
#[derive(Debug)]
pub struct Sfu {
    ports: Ports,
    api_secret: SecretString,
    server: Supervised<Server>,
}

impl Sfu {
    pub async fn start(options: &SfuOptions<'_>) -> anyhow::Result<Self> {
        let api_secret = options.data_dir.secret("livekit.secret")?;
        let mut attempts = 1;
        loop {
            let ports = match options.ports {
                Some(ports) => ports,
                None => free_ports().context("find free ports for livekit-server")?,
            };
            let server = Server::configure(options, ports, &api_secret)?;
            match Supervised::start(server).await {
                Ok(server) => {
                    return Ok(Self {
                        ports,
                        api_secret,
                        server,
                    });
                }
                Err(error) if attempts < START_ATTEMPTS => warn!("livekit-server: {error:#}; trying again"),
                Err(error) => return Err(error),
            }
            attempts += 1;
        }
    }

    pub const fn ports(&self) -> Ports {
        self.ports
    }

    /// `host:port` of its API and signalling.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.http)
    }

    pub fn api_secret(&self) -> SecretString {
        self.api_secret.clone()
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}

#[derive(Debug)]
struct Server {
    http_port: u16,
    program: Program,
    http: reqwest::Client,
}

impl Server {
    fn configure(options: &SfuOptions<'_>, ports: Ports, api_secret: &SecretString) -> anyhow::Result<Self> {
        let data_dir = options.data_dir;
        let yaml = livekit_config(&ServerConfig {
            port: ports.http,
            udp_port: ports.media,
            api_key: API_KEY,
            api_secret: api_secret.expose_secret(),
            webhook_url: options.webhook_url,
        });
        let config = data_dir.file("livekit.yaml");
        write_private(&config, &yaml).with_context(|| format!("write {}", config.display()))?;
        let program = Program {
            name: "livekit-server",
            path: options.binary.clone(),
            arguments: vec!["--config".to_owned(), config.display().to_string()],
            account: Account::Own,
            // A polite stop waits until everybody has left the rooms, and there is nothing to save.
            stop_signal: StopSignal::Kill,
            stop_limit: STOP_LIMIT,
            log: data_dir.file("livekit.log"),
        };
        let http = reqwest::Client::builder()
            .timeout(PROBE_TIMEOUT)
            .no_proxy()
            // Without this a machine that has no CA certificates could not make the client.
            .tls_certs_only([])
            .build()
            .context("make an HTTP client")?;
        Ok(Self {
            http_port: ports.http,
            program,
            http,
        })
    }

    async fn wait_until_ready(&self, child: &mut Child) -> anyhow::Result<()> {
        let url = format!("http://127.0.0.1:{}/", self.http_port);
        let started = Instant::now();
        loop {
            // It ends with status 0 on a bad configuration too: only an answer means that it runs.
            if let Some(status) = child.try_wait().context("watch livekit-server")? {
                bail!(
                    "livekit-server did not start ({status}):\n{}",
                    self.program.last_words()
                );
            }
            if let Ok(answer) = self.http.get(&url).send().await
                && answer.status().is_success()
            {
                return Ok(());
            }
            anyhow::ensure!(
                started.elapsed() < READY_LIMIT,
                "livekit-server does not answer on {url}"
            );
            sleep(READY_POLL).await;
        }
    }
}

impl Restart for Server {
    fn program(&self) -> &Program {
        &self.program
    }

    async fn launch(&self) -> anyhow::Result<Child> {
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

fn free_ports() -> std::io::Result<Ports> {
    let http = TcpListener::bind("127.0.0.1:0")?;
    let media = UdpSocket::bind("127.0.0.1:0")?;
    Ok(Ports {
        http: http.local_addr()?.port(),
        media: media.local_addr()?.port(),
    })
}
