//! A boxoffice server as a child process: started, killed, started again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::{Child, Command};

use super::{Caller, eventually};

/// From a cold start: making a database cluster, migrating, electing.
const START_LIMIT: Duration = Duration::from_mins(1);
/// Draining, then stopping the children.
const STOP_LIMIT: Duration = Duration::from_secs(40);
/// Longer than any clock jumps, or is put ahead.
const TOKEN_SECONDS: u64 = 7 * 86_400;

/// How to start a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The `boxoffice` binary.
    pub binary: PathBuf,
    /// Holds the private database cluster and the secrets; keep it to start the same shop again.
    pub data_dir: PathBuf,
    /// `host:port` to listen on; port 0 takes a free one.
    pub listen: String,
    /// More of the environment, such as `DATABASE_URL`.
    pub environment: Vec<(String, String)>,
}

/// What a server says of itself once it is up.
#[derive(Clone, Debug, Deserialize)]
pub struct Ready {
    pub http: String,
    pub database_url: String,
    /// Of a media server of its own.
    pub livekit_port: Option<u16>,
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    child: Child,
    ready: Ready,
}

impl Server {
    /// Starts the server and waits until it serves.
    pub async fn start(options: ServerOptions) -> Result<Self> {
        std::fs::create_dir_all(&options.data_dir).context("making the data directory")?;
        let ready_file = options.data_dir.join("ready.json");
        remove_if_there(&ready_file)?;
        let mut child = spawn(&options, &ready_file)?;
        let log = log_file(&options.data_dir);
        let wait = eventually("the server to be up", START_LIMIT, || {
            let exited = child.try_wait();
            let ready = std::fs::read(&ready_file)
                .ok()
                .and_then(|json| serde_json::from_slice(&json).ok());
            let log = log.clone();
            async move {
                match exited.context("looking at the server process")? {
                    Some(status) => bail!(
                        "expected the server to start, and it ended with {status}; see {}",
                        log.display()
                    ),
                    None => Ok(ready),
                }
            }
        });
        let ready = wait.await?;
        Ok(Self { options, child, ready })
    }

    pub fn base_url(&self) -> &str {
        &self.ready.http
    }

    pub fn database_url(&self) -> &str {
        &self.ready.database_url
    }

    /// Where its own media server answers, if it runs one.
    pub fn livekit_port(&self) -> Option<u16> {
        self.ready.livekit_port
    }

    /// How it was started.
    pub fn options(&self) -> &ServerOptions {
        &self.options
    }

    /// The process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// A caller with a development token. `user_id` should be a UUID: then it is the user's id everywhere.
    pub async fn caller(&self, user_id: &str, roles: &[&str]) -> Result<Caller> {
        let mut arguments = vec!["token", "--user", user_id, "--ttl-seconds"];
        let seconds = TOKEN_SECONDS.to_string();
        arguments.push(&seconds);
        for role in roles {
            arguments.extend(["--role", role]);
        }
        let token = self.command(&arguments).await?;
        Caller::new(self.base_url(), user_id, Some(token.trim().to_owned()))
    }

    /// Nobody: no token.
    pub fn stranger(&self) -> Result<Caller> {
        Caller::new(self.base_url(), "", None)
    }

    /// Runs another subcommand on the same shop and returns what it prints. An exit other than 0 is an error.
    pub async fn command(&self, arguments: &[&str]) -> Result<String> {
        let output = base_command(&self.options)
            .args(arguments)
            .env("DATABASE_URL", self.database_url())
            .output()
            .await
            .with_context(|| format!("running boxoffice {}", arguments.join(" ")))?;
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        if !output.status.success() {
            bail!(
                "expected `boxoffice {}` to succeed, and it ended with {}: {out}{err}",
                arguments.join(" "),
                output.status
            );
        }
        Ok(out.into_owned())
    }

    /// Sends it a signal, by the name `kill` knows it by.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let pid = self.child.id().context("the server runs")?;
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(pid.to_string())
            .status()
            .await
            .context("signalling the server")?;
        if !sent.success() {
            bail!("the server could not be signalled");
        }
        Ok(())
    }

    /// Kills it as `kill -9` does, and keeps what was known of it.
    pub async fn kill_in_place(&mut self) -> Result<()> {
        self.child.kill().await.context("killing the server")
    }

    /// Kills it as `kill -9` does.
    pub async fn kill(mut self) -> Result<ServerOptions> {
        self.child.kill().await.context("killing the server")?;
        Ok(self.options)
    }

    /// Asks it to stop, and waits until it and its children are gone.
    pub async fn stop(mut self) -> Result<()> {
        self.stop_in_place().await
    }

    /// Stops it in the same way, and starts the same shop again with more of the environment.
    pub async fn restart_with(&mut self, environment: Vec<(String, String)>) -> Result<()> {
        self.stop_in_place().await?;
        let mut options = self.options.clone();
        options.environment.extend(environment);
        *self = Self::start(options).await?;
        Ok(())
    }

    async fn stop_in_place(&mut self) -> Result<()> {
        if self.child.id().is_none() {
            return Ok(());
        }
        self.signal("TERM").await?;
        match tokio::time::timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(status) => {
                let status = status.context("waiting for the server")?;
                if status.success() {
                    Ok(())
                } else {
                    bail!("expected the server to stop cleanly, and it ended with {status}")
                }
            }
            Err(_) => bail!("expected the server to stop within {} s", STOP_LIMIT.as_secs()),
        }
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("removing {}", path.display())),
    }
}

fn log_file(data_dir: &Path) -> PathBuf {
    data_dir.join("serve.log")
}

fn base_command(options: &ServerOptions) -> Command {
    let mut command = Command::new(&options.binary);
    command.env("BOXOFFICE_DATA_DIR", &options.data_dir);
    command.envs(options.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn spawn(options: &ServerOptions, ready_file: &Path) -> Result<Child> {
    let path = log_file(&options.data_dir);
    let log = File::options()
        .create(true)
        .append(true)
        .open(path)
        .context("opening the server's log file")?;
    let mut command = base_command(options);
    command
        .args(["serve", "--listen", &options.listen, "--ready-file"])
        .arg(ready_file);
    command.env("BOXOFFICE_METRICS_LISTEN", "127.0.0.1:0");
    command
        .stdout(log.try_clone().context("sharing the log file")?)
        .stderr(log);
    command
        .spawn()
        .with_context(|| format!("starting {}", options.binary.display()))
}
