//! Where blows fall: a cluster, a server on it by way of a proxy, a crowd that buys, and the checker.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::{Caller, Server, eventually};
use checker::{Report, Task, check};
use rand::Rng as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

use super::cluster::Cluster;
use super::crowd::Crowd;
use super::proxy::{Locks, Proxy};
use super::record::Record;
use crate::support::{Shop, ShopOptions, room_body};

const BUYERS: usize = 8;
/// Seats that are always wanted by more people than there are.
const HOT_SEATS: usize = 6;
const MANY_SEATS: usize = 600;
const HOLD_SECONDS: u32 = 2;
/// So that a room has one before the blow.
const SNAPSHOT_EVERY: &str = "10";
/// `rules.md` §5: nobody who paid is stuck for longer.
const PATIENCE: Duration = Duration::from_mins(1);
/// Lines of a server's log that go into an error.
const LAST_WORDS: usize = 30;
/// From the end of a fault to the first sale.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);
/// So much is acknowledged before a fault counts as survived.
const PROOF: usize = 10;
/// Below the ports that the kernel gives to clients: one of those might take it while the server is away.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

pub(super) struct Arena {
    pub(super) cluster: Cluster,
    pub(super) proxy: Proxy,
    /// `None` only while it is dead.
    shop: Option<Shop>,
    people: Vec<Caller>,
    rooms: watch::Sender<Vec<Uuid>>,
    record: Arc<Record>,
    scratch: TempDir,
}

impl Arena {
    pub(super) async fn open(environment: Vec<(String, String)>) -> Result<Self> {
        Self::open_on(Cluster::start().await?, environment).await
    }

    pub(super) async fn open_on(cluster: Cluster, mut environment: Vec<(String, String)>) -> Result<Self> {
        let proxy = Proxy::start(cluster.socket(), Locks::Honest).await?;
        // The crowd comes from one address, and hurries.
        for name in ["BOXOFFICE_RATE_LIMIT_PER_USER", "BOXOFFICE_RATE_LIMIT_PER_ADDRESS"] {
            environment.push((name.to_owned(), "0".to_owned()));
        }
        environment.push(("BOXOFFICE_SNAPSHOT_EVERY".to_owned(), SNAPSHOT_EVERY.to_owned()));
        let shop = Shop::open(ShopOptions {
            environment,
            database_url: Some(proxy.url()),
            listen: Some(format!("127.0.0.1:{}", free_port()?)),
            ..ShopOptions::default()
        })
        .await?;
        let people = shop.people(BUYERS).await?;
        let scratch = tempfile::Builder::new().prefix("boxoffice-arena-").tempdir()?;
        let record = Arc::new(Record::create(scratch.path().join("acknowledged.ndjson"))?);
        Ok(Self {
            cluster,
            proxy,
            shop: Some(shop),
            people,
            rooms: watch::Sender::new(Vec::new()),
            record,
            scratch,
        })
    }

    pub(super) fn server(&self) -> Result<&Server> {
        Ok(&self.shop()?.server)
    }

    fn shop(&self) -> Result<&Shop> {
        self.shop.as_ref().context("expected a server")
    }

    pub(super) fn people(&self) -> &[Caller] {
        &self.people
    }

    pub(super) fn scratch(&self) -> &std::path::Path {
        self.scratch.path()
    }

    /// Opens new rooms to the crowd, one of them far too small.
    pub(super) async fn open_rooms(&self) -> Result<()> {
        let mut rooms = Vec::new();
        for seats in [HOT_SEATS, MANY_SEATS] {
            let mut body = room_body(seats, HOLD_SECONDS);
            body["tickets_per_buyer"] = json!(100);
            // Also by a clock that is behind.
            body["sales_open_at"] = json!("2020-01-01T00:00:00Z");
            let made = self.schedule(&body).await?;
            rooms.push(made["id"].as_str().context("expected a room id")?.parse()?);
        }
        self.rooms.send_replace(rooms);
        Ok(())
    }

    /// Like everybody, the host repeats with the same key what was not answered.
    async fn schedule(&self, body: &Value) -> Result<Value> {
        let (host, key) = (&self.shop()?.host, Uuid::new_v4().to_string());
        eventually("a room to be scheduled", RECOVERY_LIMIT, || async {
            let answer = host.post_with_key("/v1/rooms", &key, body).await?;
            if answer.status == 503 {
                return Ok(None);
            }
            Ok(Some(answer.expect(201, "the host schedules a room")?))
        })
        .await
    }

    /// Sends the crowd, and waits until it has begun to buy.
    pub(super) async fn send_crowd(&self, seed: u64) -> Result<Crowd> {
        self.send_crowd_of(&self.people, seed).await
    }

    pub(super) async fn send_crowd_of(&self, people: &[Caller], seed: u64) -> Result<Crowd> {
        let before = self.record.lines();
        let crowd = Crowd::send(people, &self.rooms.subscribe(), &self.record, seed);
        self.wait_for_sales(before).await?;
        Ok(crowd)
    }

    pub(super) fn lines(&self) -> usize {
        self.record.lines()
    }

    /// Waits until the crowd was told more than it knew at `before`.
    pub(super) async fn wait_for_sales(&self, before: usize) -> Result<()> {
        let sales = eventually("sales to go on", RECOVERY_LIMIT, || async {
            Ok((self.record.lines() >= before + PROOF).then_some(()))
        });
        match sales.await {
            Ok(()) => Ok(()),
            Err(error) => {
                let (told, sessions) = (self.record.lines() - before, self.cluster.sessions().await?);
                Err(error.context(format!("{told} acknowledgements came; PostgreSQL is at:\n{sessions}")))
            }
        }
    }

    /// Waits until the log has a snapshot of each room that is on sale.
    pub(super) async fn wait_for_snapshots(&self) -> Result<()> {
        let rooms = self.rooms.borrow().clone();
        let ids: Vec<String> = rooms.iter().map(|room| format!("'{room}'")).collect();
        let kept = format!(
            "SELECT count(*) FROM snapshots WHERE aggregate_id IN ({})",
            ids.join(", ")
        );
        let wanted = i64::try_from(rooms.len())?;
        eventually("a snapshot of each room", RECOVERY_LIMIT, || async {
            Ok((self.cluster.number(&kept).await? >= wanted).then_some(()))
        })
        .await
    }

    /// As `kill -9`, and a new start.
    pub(super) async fn kill_server(&mut self) -> Result<()> {
        let shop = self.shop.take().context("expected a server")?;
        self.shop = Some(shop.kill_and_restart().await?);
        Ok(())
    }

    /// The same with another value in the server's environment.
    #[cfg(feature = "esdb")]
    pub(super) async fn kill_server_and_set(&mut self, name: &str, value: &str) -> Result<()> {
        let shop = self.shop.take().context("expected a server")?;
        let set = |options: &mut boxoffice::client::ServerOptions| {
            options.environment.retain(|(known, _)| known != name);
            options.environment.push((name.to_owned(), value.to_owned()));
        };
        self.shop = Some(shop.kill_and_restart_with(set).await?);
        Ok(())
    }

    /// Sends the crowd home, and has the log judged.
    pub(super) async fn judge(&self, crowd: Crowd) -> Result<Report> {
        crowd.go_home().await?;
        let report = check(&Task {
            database: self.cluster.options(),
            acknowledged: vec![self.record.path().to_owned()],
            patience: PATIENCE,
        })
        .await?;
        ensure!(report.ok, "{report}");
        ensure!(report.ledger_view.is_some(), "the ledger was not compared: {report}");
        Ok(report)
    }

    /// The end of the server's log, for an error.
    pub(super) fn last_words(&self) -> String {
        self.server().map(last_words).unwrap_or_default()
    }
}

pub(super) fn last_words(server: &Server) -> String {
    let log = std::fs::read_to_string(server.options().data_dir.join("serve.log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
}

pub(super) fn free_port() -> Result<u16> {
    let mut random = rand::rng();
    let free = std::iter::repeat_with(|| random.random_range(PORTS));
    let mut free = free
        .take(100)
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().context("expected a free port")
}
