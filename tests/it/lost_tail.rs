//! The end of the log is lost for good: the operator's way from the alarm to a log that is signed again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::{Caller, eventually};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{IN_USE, Shop, ShopOptions, buy, issued_receipt, try_hold};

const LIMIT: Duration = Duration::from_secs(30);

/// What is kept by others than the shop: of a sale that is lost, or of one that is not.
struct Kept {
    ticket: String,
    receipt: PathBuf,
    position: u64,
}

/// The binary on nobody's behalf, without a database: whether it says yes, and what it prints.
async fn offline(folder: &Path, arguments: &[&str]) -> Result<(bool, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
    command.args(arguments).current_dir(folder).env_remove("DATABASE_URL");
    let output = command.output().await.context("running boxoffice")?;
    ensure!(output.status.code().is_some_and(|code| code <= 1), "{output:?}");
    Ok((output.status.success(), String::from_utf8(output.stdout)?))
}

async fn receipt_holds(folder: &Path, kept: &Kept, key: &str) -> Result<bool> {
    let file = kept.receipt.to_string_lossy();
    let (holds, said) = offline(folder, &["receipt", "verify", &file, "--key", key]).await?;
    ensure!(holds != said.starts_with("refused: "), "{said}");
    Ok(holds)
}

/// Buys, and keeps the receipt once it is of the issued ticket.
async fn buy_and_keep(buyer: &Caller, room: &str, folder: &Path) -> Result<Kept> {
    let ticket = buy(buyer, room).await?;
    let body = issued_receipt(buyer, &ticket).await?;
    let receipt = folder.join(format!("{ticket}.json"));
    std::fs::write(&receipt, serde_json::to_vec_pretty(&body)?)?;
    Ok(Kept {
        ticket,
        receipt,
        position: body["entry"]["position"].as_u64().context("a position")?,
    })
}

/// The database as it is, under another name: what a dump would hold. Nobody may use it meanwhile.
async fn copy_database(from: &str, to: &str) -> Result<()> {
    let options: PgConnectOptions = std::env::var("DATABASE_URL")?.parse()?;
    let mut administrator = options.connect().await?;
    let others = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{from}'");
    administrator.execute(others.as_str()).await?;
    for statement in [
        format!("DROP DATABASE IF EXISTS {to} WITH (FORCE)"),
        format!("CREATE DATABASE {to} TEMPLATE {from}"),
    ] {
        administrator.execute(statement.as_str()).await?;
    }
    Ok(administrator.close().await?)
}

/// What the shop has published, once it covers `position`: a folder is told once a second.
async fn keep_a_checkpoint(published: &Path, position: u64, folder: &Path) -> Result<()> {
    let covering = async || {
        let note = std::fs::read_to_string(published).unwrap_or_default();
        let size = note.lines().nth(1).and_then(|size| size.parse::<u64>().ok());
        Ok::<_, anyhow::Error>((size >= Some(position)).then_some(note))
    };
    let note = eventually("a checkpoint of the sale", LIMIT, covering).await?;
    Ok(std::fs::write(folder.join("kept"), note)?)
}

/// A shop with a sale in an older copy of its database, and one behind it which is lost: the shop is down, on the older copy.
async fn loses_its_tail(folder: &Path) -> Result<(Shop, String, [Kept; 2])> {
    let shop = Shop::open(ShopOptions::for_nodes()).await?;
    let options: PgConnectOptions = shop.server.database_url().parse()?;
    let database = options.get_database().context("a database")?.to_owned();
    let older = format!("{database}_older");
    let room = shop.schedule(5, 300).await?;
    let (ann, bob) = (shop.person().await?, shop.person().await?);
    let safe = buy_and_keep(&ann, &room, folder).await?;
    let shop = shop.kill_server().await?;
    copy_database(&database, &older).await?;
    let shop = shop.kill_and_restart().await?;
    let bob = bob.at(&shop.server);
    let lost = buy_and_keep(&bob, &room, folder).await?;
    let data = shop.server.options().data_dir.clone();
    keep_a_checkpoint(&data.join("checkpoints/checkpoint"), lost.position, folder).await?;
    let witnessed = async || {
        let seen = std::fs::read_to_string(data.join("log.witness")).unwrap_or_default();
        let position = seen.split(' ').next().and_then(|text| text.parse::<u64>().ok());
        Ok::<_, anyhow::Error>((position >= Some(lost.position)).then_some(()))
    };
    eventually("the node to write down what it saw", LIMIT, witnessed).await?;
    let shop = shop.kill_server().await?;
    copy_database(&older, &database).await?;
    Ok((shop, room, [safe, lost]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_its_tail_is_accepted_and_signed_anew() -> Result<()> {
    let scratch = TempDir::new()?;
    let folder = scratch.path();
    let (shop, room, [safe, lost]) = loses_its_tail(folder).await?;
    let old_key = shop.server.command(&["notary", "key"]).await?.trim().to_owned();

    // The node has seen more: it does not lead, and says why.
    let shop = shop.kill_and_restart().await?;
    shop.finds_a_fork("log").await?;
    let buyer = shop.person().await?;
    assert_eq!(try_hold(&buyer, &room).await?.status, 503, "nothing is sold on a fork");
    shop.assert_refuses(&["log", "verify"], "the log was forked: at position")
        .await?;
    let head = shop.head().await?;
    assert!(safe.position <= head && head < lost.position, "{head}");
    let position = head.to_string();
    let accept = ["log", "accept-fork", "--position", &position];
    shop.assert_refuses(&accept, IN_USE).await?;
    let shop = shop.kill_server().await?;
    let further = (head + 1).to_string();
    let ends = format!("the log ends at position {head}");
    shop.assert_refuses(&["log", "accept-fork", "--position", &further], &ends)
        .await?;
    let accepted = shop.server.command(&accept).await?;
    assert!(
        accepted.contains(&format!("goes on from position {head}")),
        "{accepted}"
    );

    // It leads again, and sells; the notary has signed more, and signs nothing.
    let shop = shop.kill_and_restart().await?;
    shop.finds_a_fork("notary").await?;
    let named = format!("those behind position {head} are lost");
    assert!(shop.log()?.contains(&named), "{named}");
    shop.assert_refuses(&["notary", "renew", "--position", &position], IN_USE)
        .await?;
    let shop = shop.kill_server().await?;
    let head = shop.head().await?.to_string();
    let renewed = shop.server.command(&["notary", "renew", "--position", &head]).await?;
    let key = shop.server.command(&["notary", "key"]).await?.trim().to_owned();
    assert!(renewed.contains(&key) && key != old_key, "{renewed}");

    let shop = shop.kill_and_restart().await?;
    is_signed_anew(&shop, &room, folder, (&old_key, &key)).await?;
    outlives(&shop, folder, [&safe, &lost], (&old_key, &key)).await
}

/// The shop sells, what it sells has receipts, and its bundle is good under the new key.
async fn is_signed_anew(shop: &Shop, room: &str, folder: &Path, (old, new): (&str, &str)) -> Result<()> {
    let ready = async || {
        let ready = shop.server.stranger()?.get("/readyz").await?;
        Ok::<_, anyhow::Error>((ready.status == 200).then_some(()))
    };
    eventually("the shop to be ready", LIMIT, ready).await?;
    let sold = buy_and_keep(&shop.person().await?, room, folder).await?;
    assert!(receipt_holds(folder, &sold, new).await?);
    let bundle = folder.join("bundle.tar").to_string_lossy().into_owned();
    shop.server.command(&["log", "export", &bundle]).await?;
    let verify = ["log", "verify", "bundle.tar", "--json", "--key"];
    let (holds, said) = offline(folder, &[&verify[..], &[new]].concat()).await?;
    let verdict: Value = serde_json::from_str(said.trim())?;
    assert!(holds && verdict["bundle"] == "verified", "{said}");
    assert!(verdict["signed"]["size"].as_u64() >= Some(sold.position), "{said}");

    // Whoever trusts the old key, and has kept what it signed, does not take it for the log it was.
    let audit = ["log", "verify", "bundle.tar", "--checkpoint", "kept", "--key", old];
    let (holds, said) = offline(folder, &audit).await?;
    assert!(!holds && said.starts_with("broken"), "{said}");
    Ok(())
}

/// Old receipts are evidence under the old key and nothing under the new one; the shop has no receipt of what it lost.
async fn outlives(shop: &Shop, folder: &Path, kept: [&Kept; 2], (old, new): (&str, &str)) -> Result<()> {
    for kept in kept {
        assert!(receipt_holds(folder, kept, old).await?, "it was signed once");
        assert!(!receipt_holds(folder, kept, new).await?, "and not by this log");
    }
    let [safe, lost] = kept;
    let finance = &shop.finance;
    let proof = finance.get(&format!("/v1/log/proofs/{}", safe.position)).await?;
    assert_eq!(proof.status, 200, "what was not lost is in the new log: {}", proof.body);
    let ticket = shop.admin.get(&format!("/v1/tickets/{}", lost.ticket)).await?;
    assert_eq!(ticket.status, 404, "nobody knows of it any more: {}", ticket.body);
    Ok(())
}
