//! A livekit-server that a test can kill and start again on the same ports.

use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use boxoffice::client::{Caller, eventually};
use media_bridge::LiveKitConfig;
use media_bridge::server_config::{ServerConfig, livekit_config};
use tokio::process::{Child, Command};

const API_KEY: &str = "itkey";
const API_SECRET: &str = "0123456789abcdef0123456789abcdef";
const READY_LIMIT: Duration = Duration::from_secs(20);

/// An external media server. Without webhooks polling must do.
pub(crate) struct Sfu {
    port: u16,
    udp_port: u16,
    webhook_url: Option<String>,
    child: Option<Child>,
}

impl Sfu {
    pub(crate) async fn start() -> Result<Self> {
        Self::start_telling(None).await
    }

    /// With webhooks.
    pub(crate) async fn start_telling(webhook_url: Option<String>) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let udp_port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut sfu = Self {
            port,
            udp_port,
            webhook_url,
            child: None,
        };
        sfu.start_again().await?;
        Ok(sfu)
    }

    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let config = livekit_config(&ServerConfig {
            port: self.port,
            udp_port: self.udp_port,
            api_key: API_KEY,
            api_secret: API_SECRET,
            webhook_url: self.webhook_url.as_deref(),
        });
        let mut command = Command::new(super::livekit_server());
        command
            .args(["--config-body", &config])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        self.child = Some(command.spawn().context("starting livekit-server")?);
        let probe = Caller::new(&self.url(), "", None)?;
        eventually("livekit-server to answer", READY_LIMIT, || async {
            Ok(probe
                .get("/")
                .await
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        })
        .await
    }

    /// As `kill -9` does.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// For a look from outside.
    pub(crate) fn config(&self) -> LiveKitConfig {
        LiveKitConfig {
            url: self.url(),
            api_key: API_KEY.to_owned(),
            api_secret: API_SECRET.into(),
        }
    }

    /// The server's settings for this media server.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        environment(&self.url())
    }
}

/// The settings for this media server, reached at another address.
pub(crate) fn environment(url: &str) -> Vec<(String, String)> {
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        setting("LIVEKIT_URL", url),
        setting("LIVEKIT_API_KEY", API_KEY),
        setting("LIVEKIT_API_SECRET", API_SECRET),
    ]
}
