//! A leader that dies, or falls silent, is followed by another.

use std::time::Duration;

use anyhow::Result;
use boxoffice::client::{Server, eventually};
use event_log::LogLimits;
use tokio::time::Instant;

use super::load::{Rush, judge};
use crate::support::{Shop, ShopOptions, start_node, try_hold};

const BUYERS: usize = 60;
const SEATS: usize = 100;
const HOLD_SECONDS: u32 = 300;
/// How soon another node answers writes once the leader is gone.
const TAKEOVER_LIMIT: Duration = Duration::from_secs(5);
/// What a busy machine adds to what the nodes wait for.
const SLACK: Duration = Duration::from_secs(8);
const LIMIT: Duration = Duration::from_secs(20);

/// What the nodes wait for by themselves leaves of what is promised a second to do it in.
fn is_in_time(took: Duration, waited_for: Duration) {
    assert!(
        waited_for + Duration::from_secs(1) < TAKEOVER_LIMIT,
        "{waited_for:?}: the promise cannot be kept"
    );
    assert!(took < waited_for + SLACK, "the next write was answered after {took:?}");
}

/// Waits until a write is answered at a node; how long that took.
async fn time_to_write(shop: &Shop, room: &str, node: &Server) -> Result<Duration> {
    let (buyer, started) = (shop.person_at(node).await?, Instant::now());
    eventually("a write to be answered", LIMIT, || async {
        let answer = try_hold(&buyer, room).await?;
        Ok((answer.status == 201).then_some(()))
    })
    .await?;
    Ok(started.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_answers_reads_and_passes_writes_on() -> Result<()> {
    let shop = Shop::open(ShopOptions::for_nodes()).await?;
    let follower = start_node(&shop, "follower").await?;
    let room = shop.schedule(SEATS, HOLD_SECONDS).await?;
    let buyer = shop.person_at(&follower).await?;
    let held = try_hold(&buyer, &room).await?;
    let position = held.log_position.expect("the leader's position comes with its answer");
    let ticket = held.expect(201, "a write at a follower")?;
    let path = format!(
        "/v1/tickets/{}?min_position={position}",
        ticket["id"].as_str().unwrap_or_default()
    );
    let read = buyer
        .get(&path)
        .await?
        .expect(200, "a read at the follower sees the write")?;
    assert_eq!(read["id"], ticket["id"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_is_followed_by_another_and_nothing_is_lost() -> Result<()> {
    let shop = Shop::open(ShopOptions::for_nodes()).await?;
    let (second, third) = (start_node(&shop, "second").await?, start_node(&shop, "third").await?);
    let room = shop.schedule(SEATS, HOLD_SECONDS).await?;
    let rush = Rush::start(&shop, &room, &[&second, &third, &shop.server], BUYERS).await?;
    rush.wait_for(5).await?;
    let database = shop.server.database_url().parse()?;
    let shop = shop.kill_server().await?;
    let took = time_to_write(&shop, &room, &second).await?;
    is_in_time(took, LogLimits::default().lease);
    let bought = rush.finish(&third).await?;
    assert_eq!(bought.len(), BUYERS);
    judge(database, &room, &bought).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_leader_is_followed_by_another_and_wakes_up_as_a_follower() -> Result<()> {
    let shop = Shop::open(ShopOptions::for_nodes()).await?;
    let second = start_node(&shop, "second").await?;
    let room = shop.schedule(SEATS, HOLD_SECONDS).await?;
    // In the leader's memory.
    time_to_write(&shop, &room, &shop.server).await?;
    shop.server.signal("STOP").await?;
    let took = time_to_write(&shop, &room, &second).await?;
    let LogLimits { silence, lease, .. } = LogLimits::default();
    is_in_time(took, silence + lease);
    let rush = Rush::start(&shop, &room, &[&second], 20).await?;
    let bought = rush.finish(&second).await?;
    shop.server.signal("CONT").await?;
    time_to_write(&shop, &room, &shop.server).await?;
    judge(shop.server.database_url().parse()?, &room, &bought).await
}
