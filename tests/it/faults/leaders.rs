//! Two servers that believe to lead, and one that slept through its own deposition.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::{Caller, Server, ServerOptions, eventually};
use rustix::process::Signal;

use super::arena::{Arena, free_port, last_words};
use super::cluster::Stop;
use super::proxy::{Locks, Proxy};
use super::tools::signal;

/// What a server logs when it begins to lead.
const LEADS: &str = "the sequencer leads the log";
const TAKE_OVER_LIMIT: Duration = Duration::from_secs(20);
const ROUNDS: u64 = 3;

/// A second server on the database of the first, on a line of its own.
struct Rival {
    server: Server,
    proxy: Proxy,
    people: Vec<Caller>,
}

impl Rival {
    async fn of(arena: &Arena, locks: Locks) -> Result<Self> {
        let proxy = Proxy::start(arena.cluster.socket(), locks).await?;
        let first = arena.server()?.options().clone();
        let data_dir = arena.scratch().join("rival");
        std::fs::create_dir_all(&data_dir)?;
        // The provider of both is the same one: their secret is, too.
        std::fs::copy(first.data_dir.join("sandbox.secret"), data_dir.join("sandbox.secret"))?;
        let mut environment = first.environment;
        environment.retain(|(name, _)| name != "DATABASE_URL");
        environment.push(("DATABASE_URL".to_owned(), proxy.url()));
        let server = Server::start(ServerOptions {
            binary: first.binary,
            data_dir,
            listen: format!("127.0.0.1:{}", free_port()?),
            environment,
        })
        .await?;
        let people = arena.people().iter().map(|person| person.clone().at(&server)).collect();
        Ok(Self { server, proxy, people })
    }

    async fn wait_until_it_leads(&self) -> Result<()> {
        let path = self.server.options().data_dir.join("serve.log");
        eventually("the second server to lead", TAKE_OVER_LIMIT, || async {
            Ok(std::fs::read_to_string(&path)?.contains(LEADS).then_some(()))
        })
        .await
    }
}

/// Both servers know the same tokens.
fn one_issuer() -> Vec<(String, String)> {
    let secret = "the fault suite has no secrets, and this is none of them";
    vec![("BOXOFFICE_AUTH_SECRET".to_owned(), secret.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_both_believe_to_lead_write_one_log() -> Result<()> {
    let mut arena = Arena::open(one_issuer()).await?;
    let rival = Rival::of(&arena, Locks::Misled).await?;
    rival.wait_until_it_leads().await?;
    ensure!(
        rival.proxy.has_misled(),
        "the second server asked for a lock that this test does not know"
    );
    for round in 0..ROUNDS {
        arena.open_rooms().await?;
        let ours = arena.send_crowd(round).await?;
        let theirs = arena.send_crowd_of(&rival.people, round + 1_000).await?;
        arena.wait_for_sales(arena.lines()).await?;
        if round == 1 {
            arena.cluster.restart(Stop::Immediate).await?;
            arena.wait_for_sales(arena.lines()).await?;
        }
        theirs.go_home().await?;
        println!("round {round}: {}", arena.judge(ours).await?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_wakes_up_late_finds_that_it_leads_no_more() -> Result<()> {
    let arena = Arena::open(one_issuer()).await?;
    let rival = Rival::of(&arena, Locks::Honest).await?;
    arena.open_rooms().await?;
    let asleep = arena.send_crowd(1).await?;
    let leader = arena.server()?.pid().context("expected a running server")?;
    let session = arena.cluster.backends("boxoffice-sequencer").await?;
    signal(leader, Signal::STOP)?;
    // What PostgreSQL does by itself with a client whose machine is gone: the lock is free, and its holder does not know.
    for backend in session {
        let end = format!("SELECT pg_terminate_backend({backend})");
        arena.cluster.execute(&end).await?;
    }
    rival.wait_until_it_leads().await?;
    let awake = arena.send_crowd_of(&rival.people, 2).await;
    let awake = awake.with_context(|| format!("the second server's log ends:\n{}", last_words(&rival.server)))?;
    signal(leader, Signal::CONT)?;
    arena.wait_for_sales(arena.lines()).await?;
    awake.go_home().await.with_context(|| last_words(&rival.server))?;
    let report = arena.judge(asleep).await.with_context(|| arena.last_words())?;
    println!("{report}");
    Ok(())
}
