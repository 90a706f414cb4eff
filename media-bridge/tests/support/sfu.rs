//! A livekit-server of our own on free loopback ports.

use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use media_bridge::{LiveKitConfig, ServerConfig, livekit_config};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

const API_KEY: &str = "test-key";
const API_SECRET: &str = "a secret for tests, of at least 32 characters";
const START_LIMIT: Duration = Duration::from_secs(20);
const READY_POLL: Duration = Duration::from_millis(10);

/// Ends when dropped.
pub(crate) struct Sfu {
    process: Child,
    yaml: String,
    port: u16,
}

impl Sfu {
    pub(crate) async fn start(webhook_url: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port")
            .port();
        let udp_port = UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port")
            .port();
        let yaml = livekit_config(&ServerConfig {
            port,
            udp_port,
            api_key: API_KEY,
            api_secret: API_SECRET,
            webhook_url: Some(webhook_url),
        });
        let process = spawn(&yaml);
        let mut sfu = Self { process, yaml, port };
        sfu.wait_until_ready().await;
        sfu
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn config(&self) -> LiveKitConfig {
        LiveKitConfig {
            url: format!("http://{}", self.address()),
            api_key: API_KEY.to_owned(),
            api_secret: API_SECRET.into(),
        }
    }

    /// SIGKILL: it forgets everything and tells nobody.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.expect("a running server");
    }

    pub(crate) async fn restart(&mut self) {
        self.process = spawn(&self.yaml);
        self.wait_until_ready().await;
    }

    /// The exit status of a server that does not like its configuration is no help; its answer is.
    async fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_LIMIT;
        let http = reqwest::Client::new();
        while Instant::now() < deadline {
            let answer = http.get(format!("http://{}/", self.address())).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            sleep(READY_POLL).await;
        }
        panic!("livekit-server is not ready: {:?}", self.process.try_wait());
    }
}

fn spawn(yaml: &str) -> Child {
    Command::new(super::tool("LIVEKIT_SERVER", ".tools/bin/livekit-server"))
        .env("LIVEKIT_CONFIG", yaml)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("livekit-server")
}
