//! A standby takes over from a primary that was killed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::{Caller, Server, eventually};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::load::{Rush, judge};
use crate::support::{Pair, Replication, Shop, ShopOptions, start_node, try_hold};

const BUYERS: usize = 40;
const SEATS: usize = 100;
const HOLD_SECONDS: u32 = 300;
const LIMIT: Duration = Duration::from_secs(30);
const TRADERS: usize = 8;
const DEAL_PAUSE: Duration = Duration::from_millis(5);

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
    // A view may show it a moment before its node knows that it has seen it.
    for node in [&shop.server, &second] {
        let witness = node.options().data_dir.join("log.witness");
        eventually("the node to write down that it has seen the hold", LIMIT, || async {
            let seen = std::fs::read_to_string(&witness).unwrap_or_default();
            let seen = seen.split(' ').next().and_then(|text| text.parse::<u64>().ok());
            Ok((seen >= Some(position)).then_some(()))
        })
        .await?;
    }
    pair.kill_primary().await?;
    pair.promote_standby().await?;
    for node in [&shop.server, &second] {
        eventually(
            &format!("{} to say that the log was forked", node.options().data_dir.display()),
            LIMIT,
            || async { Ok(is_forked(node).await?.then_some(())) },
        )
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

/// Buyers who hold a seat and give it back, again and again.
struct Trade {
    buyers: JoinSet<Result<()>>,
    /// The positions that they were told.
    told: Arc<Mutex<Vec<u64>>>,
    over: CancellationToken,
}

impl Trade {
    async fn start(shop: &Shop, room: &str) -> Result<Self> {
        let mut trade = Self {
            buyers: JoinSet::new(),
            told: Arc::default(),
            over: CancellationToken::new(),
        };
        for buyer in shop.people(TRADERS).await? {
            let deal = deal(buyer, room.to_owned(), Arc::clone(&trade.told));
            let over = trade.over.clone();
            trade
                .buyers
                .spawn(async move { over.run_until_cancelled(deal).await.unwrap_or(Ok(())) });
        }
        Ok(trade)
    }

    fn told(&self) -> Vec<u64> {
        self.told.lock().expect("nobody panicked").clone()
    }

    async fn goes_on(&self) -> Result<()> {
        let before = self.told().len();
        eventually("the trade to go on", LIMIT, || async {
            Ok((self.told().len() > before + 20).then_some(()))
        })
        .await
    }

    /// What was told in all. No position twice.
    async fn stop(self) -> Result<BTreeSet<u64>> {
        self.over.cancel();
        self.buyers.join_all().await.into_iter().collect::<Result<()>>()?;
        let told = self.told.lock().expect("nobody panicked").clone();
        let positions: BTreeSet<u64> = told.iter().copied().collect();
        ensure!(
            positions.len() == told.len(),
            "a position was acknowledged twice: {told:?}"
        );
        Ok(positions)
    }
}

async fn deal(buyer: Caller, room: String, told: Arc<Mutex<Vec<u64>>>) -> Result<()> {
    for nth in 0.. {
        let (path, key) = (format!("/v1/rooms/{room}/tickets"), format!("the-hold-{nth}"));
        if let Ok(held) = buyer.post_with_key(&path, &key, &json!({})).await
            && held.status == 201
        {
            let note = |position: Option<u64>| {
                let position = position.context("an acknowledged write has a position")?;
                told.lock().expect("nobody panicked").push(position);
                anyhow::Ok(())
            };
            note(held.log_position)?;
            let ticket = held.body["id"].as_str().context("a ticket id")?;
            let given_back = buyer.post(&format!("/v1/tickets/{ticket}/release"), &json!({})).await;
            if let Ok(answer) = given_back
                && answer.status == 200
            {
                note(answer.log_position)?;
            }
        }
        tokio::time::sleep(DEAL_PAUSE).await;
    }
    unreachable!("it goes on until it is told to stop")
}

/// The batch that is on its way is tried again on the new primary, which lacks what it is chained to.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_sells_on_a_standby_that_lost_the_tail_in_a_rush() -> Result<()> {
    let mut pair = Pair::start(Replication::Asynchronous).await?;
    let shop = Shop::open(on(&pair)).await?;
    let room = shop.schedule(SEATS, HOLD_SECONDS).await?;
    let trade = Trade::start(&shop, &room).await?;
    trade.goes_on().await?;
    pair.cut_standby_off().await?;
    trade.goes_on().await?;
    pair.kill_primary().await?;
    pair.promote_standby().await?;
    shop.finds_a_fork("log").await?;
    let end = pair.end_of_log().await?;
    // They go on asking.
    let refused = try_hold(&shop.person().await?, &room).await?;
    assert_eq!(refused.status, 503, "{}", refused.body);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let told = trade.stop().await?;
    assert!(told.last() > Some(&end), "nothing was lost");
    assert_eq!(pair.end_of_log().await?, end, "written over what was lost");
    shop.finds_a_fork("log").await
}
