//! Something else is down: what works goes on, what cannot says so, and everything recovers by itself.

use std::time::Duration;

use anyhow::{Context, Result};
use boxoffice::client::{Caller, eventually};
use media_bridge::rehearsal::{AudioClients, AudioEvent};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor, PgConnection};

use crate::support::{Sfu, Shop, ShopOptions, buy, python, try_hold};

const LIMIT: Duration = Duration::from_secs(30);
const TONE_HZ: u32 = 440;

/// Takes one database away from everybody, and gives it back.
struct Database {
    name: String,
    outside: PgConnection,
}

impl Database {
    async fn of(shop: &Shop) -> Result<Self> {
        let options: PgConnectOptions = shop.server.database_url().parse()?;
        let name = options.get_database().context("expected a database name")?.to_owned();
        Ok(Self {
            name,
            outside: options.database("postgres").connect().await?,
        })
    }

    async fn take_away(&mut self) -> Result<()> {
        let name = &self.name;
        self.outside
            .execute(format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false").as_str())
            .await?;
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        self.outside.execute(end.as_str()).await?;
        Ok(())
    }

    async fn give_back(&mut self) -> Result<()> {
        self.outside
            .execute(format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true", self.name).as_str())
            .await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_answer_503_while_postgresql_is_away_and_work_again_afterwards() -> Result<()> {
    let shop = Shop::open(ShopOptions::default()).await?;
    let room = shop.schedule(10, 60).await?;
    let (before, during) = (shop.person().await?, shop.person().await?);
    let held = try_hold(&before, &room).await?.expect(201, "a buyer holds a seat")?;
    let mut database = Database::of(&shop).await?;
    database.take_away().await?;
    for _ in 0..3 {
        let answer = try_hold(&during, &room).await?;
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(answer.retry_after.is_some(), "a 503 says when to come back");
        let read = shop.host.get(&format!("/v1/rooms/{room}")).await?;
        assert_eq!(read.status, 503, "{}", read.body);
    }
    shop.server
        .stranger()?
        .get("/healthz")
        .await?
        .expect(200, "the process is alive")?;
    let ready = shop.server.stranger()?.get("/readyz").await?;
    assert_eq!(ready.status, 503, "{}", ready.body);
    database.give_back().await?;
    eventually("holds to work again", LIMIT, || async {
        let answer = try_hold(&during, &room).await?;
        assert!(matches!(answer.status, 201 | 503), "{}", answer.body);
        Ok((answer.status == 201).then_some(()))
    })
    .await?;
    let again = try_hold(&before, &room)
        .await?
        .expect(201, "a buyer repeats an old request")?;
    assert_eq!(again["id"], held["id"], "nothing acknowledged is lost");
    eventually("two held seats", LIMIT, || async {
        let room = shop.room(&room).await?;
        Ok((room["seats"] == json!({"free": 8, "held": 2, "sold": 0})).then_some(()))
    })
    .await?;
    shop.assert_books_closed().await
}

/// Asks for entry and connects an audio client.
async fn walk_in(caller: &Caller, path: &str, audio: &AudioClients, client: &str) -> Result<()> {
    let entry = eventually("an open door", LIMIT, || async {
        let answer = caller.post(path, &json!({})).await?;
        if answer.status == 503 {
            return Ok(None);
        }
        answer.expect(200, "somebody entitled asks to be let in").map(Some)
    });
    let entry = entry.await?;
    let field = |name: &str| entry[name].as_str().with_context(|| format!("expected {name}"));
    audio.connect(client, field("livekit_url")?, field("token")?).await?;
    audio
        .wait_for(client, LIMIT, |event| *event == AudioEvent::Connected)
        .await?;
    Ok(())
}

/// Everybody joins as a listener; the host may speak a moment later.
async fn speak(audio: &AudioClients, client: &str) -> Result<()> {
    let may_speak = |event: &AudioEvent| *event == AudioEvent::Permission { can_publish: true };
    audio.wait_for(client, LIMIT, may_speak).await?;
    audio.publish(client, TONE_HZ).await?;
    Ok(())
}

/// A host and a listener, and the doors they come in by.
struct Show<'a> {
    host: &'a Caller,
    host_door: String,
    listener: &'a Caller,
    door: String,
}

impl Show<'_> {
    /// Both come in with fresh clients, the host speaks, the listener hears it. They stay as long as the clients do.
    async fn is_heard(&self) -> Result<AudioClients> {
        let audio = AudioClients::start(&python())?;
        walk_in(self.host, &self.host_door, &audio, "host").await?;
        speak(&audio, "host").await?;
        walk_in(self.listener, &self.door, &audio, "listener").await?;
        let host_identity = format!("host-{}", self.host.user_id());
        audio
            .wait_for("listener", LIMIT, |event| event.is_tone(&host_identity, TONE_HZ))
            .await?;
        Ok(audio)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sales_go_on_without_the_media_server_and_people_come_back_in_with_it() -> Result<()> {
    let mut sfu = Sfu::start().await?;
    let shop = Shop::open(ShopOptions {
        environment: sfu.environment(),
        with_media: true,
        ..ShopOptions::default()
    })
    .await?;
    let room = shop.schedule(5, 60).await?;
    let (listener, late) = (shop.person().await?, shop.person().await?);
    let ticket = buy(&listener, &room).await?;
    shop.host
        .post(&format!("/v1/rooms/{room}/open"), &json!({}))
        .await?
        .expect(200, "the host opens")?;
    let evening = Show {
        host: &shop.host,
        host_door: format!("/v1/rooms/{room}/entry"),
        listener: &listener,
        door: format!("/v1/tickets/{ticket}/entry"),
    };
    let audio = evening.is_heard().await?;

    sfu.kill().await?;
    buy(&late, &room).await.context("sales go on")?;
    eventually("closed doors", LIMIT, || async {
        let answer = listener.post(&evening.door, &json!({})).await?;
        assert!(matches!(answer.status, 200 | 503), "{}", answer.body);
        if answer.status != 503 {
            return Ok(None);
        }
        assert!(answer.retry_after.is_some(), "a 503 says when to come back");
        answer
            .expect_problem(503, "media_unavailable", "the media server is away")
            .map(Some)
    })
    .await?;

    // People who lost patience: a client that reconnects by itself would meet its own second self.
    drop(audio);
    sfu.start_again().await?;
    evening.is_heard().await?;
    Ok(())
}
