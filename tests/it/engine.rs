//! A shop whose log moves to an engine of its own, and what is refused on the way.

use anyhow::{Context, Result, ensure};
use boxoffice::client::Server;
use esdb_fake::EsdbFake;
use serde_json::Value;

use crate::support::{Shop, ShopOptions, buy};

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_moves_its_log_and_goes_on_selling() -> Result<()> {
    let mut shop = Shop::open(ShopOptions::default()).await?;
    let room = shop.schedule(5, 300).await?;
    let (alice, bob) = (shop.person().await?, shop.person().await?);
    let ticket = buy(&alice, &room).await?;
    let double = EsdbFake::start()?;
    let url = double.url();
    let move_there = ["log", "move", "--json", "--log-url", &url];
    let while_it_sells = shop.server.command(&move_there).await;
    let refused = while_it_sells.err().context("the shop still leads the log")?;
    ensure!(refused.to_string().contains("has to be stopped first"), "{refused:#}");

    shop.server.kill_in_place().await?;
    let moved: Value = serde_json::from_str(shop.server.command(&move_there).await?.trim())?;
    let before: Value = serde_json::from_str(&shop.server.command(&["log", "head", "--json"]).await?)?;
    assert_eq!(moved["events"], before["position"]);

    let mut options = shop.server.options().clone();
    let forgotten = Server::start(options.clone()).await;
    ensure!(forgotten.is_err(), "a copy is not appended to");
    let said = std::fs::read_to_string(options.data_dir.join("serve.log"))?;
    ensure!(said.contains("LOG_URL is missing"), "{said}");

    options.environment.push(("LOG_URL".to_owned(), url));
    let server = Server::start(options).await?;
    let shown = alice.at(&server).get(&format!("/v1/tickets/{ticket}")).await?;
    assert_eq!(shown.expect(200, "the ticket is where it was")?["state"], "issued");
    buy(&bob.at(&server), &room).await?;
    let after: Value = serde_json::from_str(&server.command(&["log", "head", "--json"]).await?)?;
    let held = double.store().all();
    let held = held.iter().filter(|event| !event.stream.starts_with('$')).count();
    ensure!(after["position"].as_u64() > before["position"].as_u64());
    ensure!(after["position"].as_u64() <= Some(held as u64), "{after} of {held}");
    let verified = server.command(&["log", "verify", "--json"]).await?;
    ensure!(verified.contains("\"verified\""), "{verified}");
    Ok(())
}
