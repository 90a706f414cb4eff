//! A running shop: the real server on a database of its own, with an approved host.

use std::time::Duration;

use anyhow::{Context, Result};
use boxoffice::client::{Caller, Server, ServerOptions, eventually};
use event_log::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, Executor, postgres::PgConnectOptions};
use uuid::Uuid;

/// What a command says that wants the data folder to itself while a server runs.
pub(crate) const IN_USE: &str = "is using the data folder";
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, Default)]
pub(crate) struct ShopOptions {
    /// With a media server of its own.
    pub(crate) with_media: bool,
    /// More settings of the server.
    pub(crate) environment: Vec<(String, String)>,
    /// Another PostgreSQL than the one of the test run.
    pub(crate) database_url: Option<String>,
    /// `host:port` that stays the same when the server is started again; else a free port each time.
    pub(crate) listen: Option<String>,
}

impl ShopOptions {
    /// For a shop on several nodes: each believes the others' tokens.
    pub(crate) fn for_nodes() -> Self {
        Self {
            environment: vec![("BOXOFFICE_AUTH_SECRET".to_owned(), Uuid::new_v4().simple().to_string())],
            ..Self::default()
        }
    }
}

/// Another node on the shop's database, with a data folder of its own.
pub(crate) async fn start_node(shop: &Shop, name: &str) -> Result<Server> {
    let mut options = shop.server.options().clone();
    options.data_dir = shop.scratch.path().join(name);
    Server::start(options).await
}

pub(crate) struct Shop {
    pub(crate) server: Server,
    pub(crate) admin: Caller,
    pub(crate) finance: Caller,
    pub(crate) host: Caller,
    scratch: tempfile::TempDir,
}

impl Shop {
    /// Opens a shop with an approved host who can be paid.
    pub(crate) async fn open(options: ShopOptions) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("boxoffice-it-").tempdir()?;
        let database_url = match options.database_url {
            Some(url) => url,
            None => fresh_database().await?,
        };
        let mut environment = options.environment;
        environment.extend(super::log::url(&database_url)?.map(|url| ("LOG_URL".to_owned(), url)));
        environment.push(("DATABASE_URL".to_owned(), database_url));
        if options.with_media {
            environment.push((
                "LIVEKIT_SERVER".to_owned(),
                super::livekit_server().display().to_string(),
            ));
        } else {
            environment.push(("BOXOFFICE_LIVEKIT".to_owned(), "off".to_owned()));
        }
        let server = Server::start(ServerOptions {
            binary: env!("CARGO_BIN_EXE_boxoffice").into(),
            data_dir: scratch.path().to_owned(),
            listen: options.listen.unwrap_or_else(|| "127.0.0.1:0".to_owned()),
            environment,
        })
        .await?;
        let admin = person(&server, &["admin"]).await?;
        let finance = person(&server, &["finance"]).await?;
        let host = person(&server, &[]).await?;
        let approve = format!("/v1/hosts/{}/approve", host.user_id());
        admin
            .post(&approve, &json!({}))
            .await?
            .expect(200, "the admin approves the host")?;
        let destination = json!({"destination": "acct_it_host"});
        host.put("/v1/me/payout_destination", &destination)
            .await?
            .expect(200, "the host links a destination")?;
        Ok(Self {
            server,
            admin,
            finance,
            host,
            scratch,
        })
    }

    /// Another user, who calls at another node.
    pub(crate) async fn person_at(&self, node: &Server) -> Result<Caller> {
        person(node, &[]).await
    }

    /// Another user.
    pub(crate) async fn person(&self) -> Result<Caller> {
        person(&self.server, &[]).await
    }

    pub(crate) async fn people(&self, count: usize) -> Result<Vec<Caller>> {
        let mut people = Vec::with_capacity(count);
        for _ in 0..count {
            people.push(self.person().await?);
        }
        Ok(people)
    }

    /// Kills the server as `kill -9` does, and leaves it dead.
    pub(crate) async fn kill_server(mut self) -> Result<Self> {
        self.server.kill_in_place().await?;
        Ok(self)
    }

    /// Kills the server as `kill -9` does, and starts it again on the same data.
    pub(crate) async fn kill_and_restart(self) -> Result<Self> {
        self.kill_and_restart_with(|_| ()).await
    }

    /// The same with other settings.
    pub(crate) async fn kill_and_restart_with(self, change: impl FnOnce(&mut ServerOptions)) -> Result<Self> {
        let Self {
            server,
            admin,
            finance,
            host,
            scratch,
        } = self;
        let mut options = server.kill().await?;
        change(&mut options);
        let server = Server::start(options).await?;
        let (admin, finance, host) = (admin.at(&server), finance.at(&server), host.at(&server));
        Ok(Self {
            server,
            admin,
            finance,
            host,
            scratch,
        })
    }

    /// Schedules a room at 10.00 USD and returns its id.
    pub(crate) async fn schedule(&self, capacity: usize, hold_seconds: u32) -> Result<String> {
        let room = room_body(capacity, hold_seconds);
        let key = Uuid::new_v4().to_string();
        let made = self
            .host
            .post_with_key("/v1/rooms", &key, &room)
            .await?
            .expect(201, "the host schedules a room")?;
        made["id"].as_str().map(str::to_owned).context("expected a room id")
    }

    pub(crate) async fn room(&self, room: &str) -> Result<Value> {
        self.host
            .get(&format!("/v1/rooms/{room}"))
            .await?
            .expect(200, "the host looks at the room")
    }

    /// Where the log ends, as the program says.
    pub(crate) async fn head(&self) -> Result<u64> {
        let head = self.server.command(&["log", "head", "--json"]).await?;
        let head: Value = serde_json::from_str(head.trim())?;
        head["position"].as_u64().context("a position")
    }

    /// The program does not do this, and names the reason.
    pub(crate) async fn assert_refuses(&self, arguments: &[&str], reason: &str) -> Result<()> {
        let refused = self.server.command(arguments).await.err();
        let said = refused.with_context(|| format!("{arguments:?} is refused"))?;
        assert!(format!("{said:#}").contains(reason), "{arguments:?}: {said:#}");
        Ok(())
    }

    /// Waits until the server says that this part of it found the log to be another one.
    pub(crate) async fn finds_a_fork(&self, part: &str) -> Result<()> {
        let asked = async || {
            let ready = self.server.stranger()?.get("/readyz").await?;
            Ok::<_, anyhow::Error>((ready.status == 503 && ready.body["parts"][part] == "forked").then_some(()))
        };
        eventually(&format!("/readyz to say `{part}: forked`"), LIMIT, asked).await
    }

    /// What the server has written into its own log.
    pub(crate) fn log(&self) -> Result<String> {
        let path = self.server.options().data_dir.join("serve.log");
        Ok(std::fs::read_to_string(path)?)
    }

    /// The chain verifies, every account that must return to zero has, and the books balance.
    pub(crate) async fn assert_books_closed(&self) -> Result<()> {
        let verdict = self.server.command(&["log", "verify"]).await?;
        assert!(verdict.contains("verified"), "{verdict}");
        let body = self
            .finance
            .get(&format!("/v1/ledger/trial_balance?min_position={}", self.head().await?))
            .await?
            .expect(200, "finance reads the trial balance")?;
        let lines = body["data"].as_array().context("expected balances")?;
        let balance = |line: &Value| line["balance_minor"].as_i64().unwrap_or(i64::MAX);
        assert_eq!(lines.iter().map(balance).sum::<i64>(), 0, "{body}");
        let clearing = lines.iter().filter(|line| {
            line["account"]
                .as_str()
                .is_some_and(|name| name.starts_with("clearing:"))
        });
        for line in clearing {
            assert_eq!(balance(line), 0, "{line}");
        }
        Ok(())
    }
}

/// A room of tomorrow, as a client would ask for it.
pub(crate) fn room_body(capacity: usize, hold_seconds: u32) -> Value {
    let starts_at = SystemClock.now() + chrono::Duration::days(1);
    json!({
        "title": "A room of the integration tests",
        "description": "",
        "language": "en",
        "starts_at": starts_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "planned_minutes": 60,
        "price": {"amount_minor": 1000, "currency": "USD"},
        "capacity": capacity,
        "hold_seconds": hold_seconds,
        "refund_policy": {"kind": "until_start"},
    })
}

async fn person(server: &Server, roles: &[&str]) -> Result<Caller> {
    server.caller(&Uuid::new_v4().to_string(), roles).await
}

/// A new database in the PostgreSQL of the test run (`DATABASE_URL`).
pub(crate) async fn fresh_database() -> Result<String> {
    let url = std::env::var("DATABASE_URL").context("the tests need DATABASE_URL: run them by `make test`")?;
    let options: PgConnectOptions = url.parse()?;
    let name = format!("it_{}", Uuid::new_v4().simple());
    let mut connection = options.clone().connect().await?;
    connection.execute(format!("CREATE DATABASE {name}").as_str()).await?;
    connection.close().await?;
    Ok(options.database(&name).to_url_lossy().to_string())
}
