//! Webhooks that are lost, or come a minute late, twice and in the wrong order.

use std::time::Duration;

use anyhow::{Result, ensure};
use boxoffice::client::eventually;
use media_bridge::rehearsal::AudioEvent;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::house::{House, LIMIT};
use super::post::Manner;

const OUT_WITHIN: Duration = Duration::from_secs(2);
/// Two looks at the media server.
const LOOKS: Duration = Duration::from_millis(2_500);

/// Polling must do: nobody is told of a removed guest who comes back past the gate.
async fn removal_holds_without_webhooks(house: &House, url: &str, token: &str) -> Result<()> {
    let there = house.people().await?.len();
    for client in ["again", "and again"] {
        house.audio.connect(client, url, token).await?;
        // Whoever is sent out in the middle of connecting may try again by itself, seconds later, or never say a word.
        let is_done = |event: &AudioEvent| matches!(event, AudioEvent::Connected | AudioEvent::Refused { .. });
        let is_out = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { .. });
        if let Ok((came, AudioEvent::Connected)) = house.audio.wait_for(client, LIMIT, is_done).await {
            let (went, _) = house.audio.wait_for(client, LIMIT, is_out).await?;
            ensure!(went - came <= OUT_WITHIN, "out after {:?}", went - came);
        }
        let people = house.people().await?;
        ensure!(people.len() <= there, "somebody more is there: {people:?}");
    }
    Ok(())
}

async fn listeners(house: &House) -> Result<serde_json::Value> {
    let stage = house.shop.host.get(&house.path("/stage")).await?;
    Ok(stage.expect(200, "the host looks at the stage")?["listeners"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_may_be_lost_late_doubled_and_out_of_order() -> Result<()> {
    let (mut house, removed) = House::full(6).await?;
    house.post.set(Manner::Loses);
    let past = format!("ws://127.0.0.1:{}", house.sfu.port());
    removal_holds_without_webhooks(&house, &past, &removed.token).await?;
    let name = house.guests[1].name.clone();
    house.promote(&house.guests[1]).await?;
    house.may_speak(&name, true).await?;
    assert!(house.post.lost() > 0, "there was something to lose");

    // What is told of now arrives a minute later, when none of it is so any more.
    house.post.set(Manner::KeepsBack);
    house.audio.publish(&name, 1_200).await?;
    let dismiss = format!("/stage/{}/dismiss", house.guests[1].caller.user_id());
    house.direct(&dismiss).await?;
    house.may_speak(&name, false).await?;
    let leaves = house.guests.pop().map(|guest| guest.name).unwrap_or_default();
    house.audio.leave(&leaves).await?;
    let gone = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { .. });
    house.audio.wait_for(&leaves, LIMIT, gone).await?;
    removal_holds_without_webhooks(&house, &past, &removed.token).await?;
    let before = house.stage().await?;
    let killed = Instant::now();
    house.shop.server.kill_in_place().await?;
    house.restart_shop(&[("BOXOFFICE_SANDBOX_AHEAD_MINUTES", "1")]).await?;
    house.everybody_is_back(killed).await?;
    house.becomes(&before).await?;
    let expected = json!(house.guests.len() - 1);
    let count = async || {
        eventually("the listeners who are there", LIMIT, || async {
            Ok((listeners(&house).await? == expected).then_some(()))
        })
        .await
    };
    count().await?;
    let kept = house.post.deliver_reversed_and_doubled().await?;
    println!("{kept} webhooks, each twice, a minute late");
    assert!(kept > 0, "there was something to tell");
    sleep(LOOKS).await;
    assert_eq!(house.stage().await?, before, "nobody came, went, or got the word");
    count().await
}
