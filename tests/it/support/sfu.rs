//! A livekit-server that a test can kill and start again on the same ports.

use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use boxoffice::client::{Caller, eventually};
use media_bridge::server_config::{ServerConfig, livekit_config};
use tokio::process::{Child, Command};

const API_KEY: &str = "itkey";
const API_SECRET: &str = "0123456789abcdef0123456789abcdef";
const READY_LIMIT: Duration = Duration::from_secs(20);

/// An external media server, without webhooks: polling must do.
pub(crate) struct Sfu {
    port: u16,
    udp_port: u16,
    child: Option<Child>,
}

impl Sfu {
    pub(crate) async fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let udp_port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut sfu = Self {
            port,
            udp_port,
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
            webhook_url: None,
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

    /// The server's settings for this media server.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            setting("LIVEKIT_URL", &self.url()),
            setting("LIVEKIT_API_KEY", API_KEY),
            setting("LIVEKIT_API_SECRET", API_SECRET),
        ]
    }
}
