//! A standby takes over from a primary that was killed.

use std::time::Duration;

use anyhow::Result;
use boxoffice::client::{Server, eventually};

use super::load::{Rush, judge};
use crate::support::{Pair, Replication, Shop, ShopOptions, start_node, try_hold};

const BUYERS: usize = 40;
const SEATS: usize = 100;
const HOLD_SECONDS: u32 = 300;
const LIMIT: Duration = Duration::from_secs(30);

fn on(pair: &Pair) -> ShopOptions {
    ShopOptions {
        database_url: Some(pair.url()),
        ..ShopOptions::for_nodes()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_standby_that_takes_over_has_everything_that_was_acknowledged() -> Result<()> {
    let mut pair = Pair::start(Replication::Synchronous).await?;
    let shop = Shop::open(on(&pair)).await?;
    let second = start_node(&shop, "second").await?;
    let room = shop.schedule(SEATS, HOLD_SECONDS).await?;
    let rush = Rush::start(&shop, &room, &[&shop.server, &second], BUYERS).await?;
    rush.wait_for(5).await?;
    pair.kill_primary().await?;
    pair.promote_standby().await?;
    let bought = rush.finish(&second).await?;
    assert_eq!(bought.len(), BUYERS);
    judge(pair.standby_options(), &room, &bought).await
}

async fn is_forked(node: &Server) -> Result<bool> {
    // A node that has just lost its database may have no answer for a moment.
    let ready = node.stranger()?.get("/readyz").await;
    Ok(ready.is_ok_and(|ready| ready.status == 503 && ready.body["parts"]["log"] == "forked"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_lost_the_tail_is_a_fork_that_nobody_leads() -> Result<()> {
    let mut pair = Pair::start(Replication::Asynchronous).await?;
    let shop = Shop::open(on(&pair)).await?;
    let second = start_node(&shop, "second").await?;
    let room = shop.schedule(SEATS, HOLD_SECONDS).await?;
    pair.cut_standby_off().await?;
    let buyer = shop.person().await?;
    let lost = try_hold(&buyer, &room).await?;
    let position = lost.log_position.expect("a position");
    lost.expect(201, "a hold that only the primary has")?;
    for node in [&shop.server, &second] {
        eventually("the view to show the hold", LIMIT, || async {
            let read = buyer
                .clone()
                .at(node)
                .get(&format!("/v1/me/tickets?min_position={position}"))
                .await?;
            Ok((read.status == 200).then_some(()))
        })
        .await?;
    }
    pair.kill_primary().await?;
    pair.promote_standby().await?;
    for node in [&shop.server, &second] {
        eventually("the node to say that the log was forked", LIMIT, || async {
            Ok(is_forked(node).await?.then_some(()))
        })
        .await?;
    }
    let refused = try_hold(&buyer, &room).await?;
    assert_eq!(refused.status, 503, "{}", refused.body);
    eventually(
        "`log verify` to say so, once the node has written down what it saw",
        LIMIT,
        || async {
            let verdict = shop.server.command(&["log", "verify"]).await;
            let refusal = verdict.err().map(|error| format!("{error:#}")).unwrap_or_default();
            Ok(refusal.contains("forked").then_some(()))
        },
    )
    .await
}
