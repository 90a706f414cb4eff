//! What becomes of a subscription on a bad day: what others append is seen all the same, in its order and once.

use std::sync::Arc;
use std::time::Duration;

use esdb_fake::{EsdbFake, ReadFault};

use super::rules::{PATIENCE, append};
use super::support::{By, Opened, by_each};

by_each! {
    what_others_append_is_brought
    a_subscription_that_is_ended_begins_again
    a_subscription_that_falls_silent_is_replaced
    a_node_that_went_away_is_subscribed_to_when_it_is_back
    every_event_of_others_is_seen_once
    what_a_subscription_says_twice_is_seen_once
    a_subscription_that_does_not_begin_is_begun_again
    silence_with_nothing_to_say_is_nothing_wrong
    what_others_appended_is_not_handed_out_in_the_old_epoch
}

/// The rival's next event, which has to be seen.
async fn is_seen(opened: &Opened, rival: &Opened, version: u64) {
    let appended = rival.log.append(vec![append("b", version, 1)]).await.remove(0).unwrap();
    let mut wake = opened.log.wake();
    let woken = wake.wait_for(|position| *position >= appended.position);
    tokio::time::timeout(PATIENCE, woken).await.unwrap().unwrap();
}

/// Waits until the node has so many subscriptions.
async fn subscribed(opened: &Opened, count: usize) {
    let waiting = async {
        while opened.fake().faults().subscriptions() != count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    let faults = opened.fake().faults();
    assert!(
        waited.is_ok(),
        "{} subscriptions of {} begun",
        faults.subscriptions(),
        faults.subscriptions_begun()
    );
}

async fn what_others_append_is_brought(by: By) {
    let opened = Opened::new(by).await;
    let rival = opened.rival(by).await;
    subscribed(&opened, 1).await;
    let before = opened.log.epoch();
    for version in 0..3 {
        is_seen(&opened, &rival, version).await;
    }
    assert_ne!(opened.log.epoch(), before);
    opened.close().await;
    rival.close().await;
}

/// The clients would spin for ever on what has ended, and nothing else would run here.
async fn a_subscription_that_is_ended_begins_again(by: By) {
    let opened = Opened::new(by).await;
    let rival = opened.rival(by).await;
    for version in 0..3 {
        subscribed(&opened, 1).await;
        opened.fake().faults().end_subscriptions();
        subscribed(&opened, 0).await;
        subscribed(&opened, 1).await;
        is_seen(&opened, &rival, version).await;
    }
    opened.close().await;
    rival.close().await;
}

async fn a_subscription_that_falls_silent_is_replaced(by: By) {
    let opened = Opened::watchful(by).await;
    let rival = opened.rival(by).await;
    subscribed(&opened, 1).await;
    opened.fake().faults().silence_subscriptions();
    is_seen(&opened, &rival, 0).await;
    // The silent one is given up, and the next one is heard.
    subscribed(&opened, 1).await;
    is_seen(&opened, &rival, 1).await;
    opened.close().await;
    rival.close().await;
}

async fn a_node_that_went_away_is_subscribed_to_when_it_is_back(by: By) {
    let opened = Opened::new(by).await;
    let rival = opened.rival(by).await;
    subscribed(&opened, 1).await;
    let (store, address) = (Arc::clone(opened.fake().store()), opened.fake().address());
    let opened = opened.lose_engine();
    let missed = rival.log.append(vec![append("b", 0, 1)]).await.remove(0).unwrap();
    let opened = opened.with_engine(EsdbFake::listen(store, address).unwrap());
    let mut wake = opened.log.wake();
    let woken = wake.wait_for(|position| *position >= missed.position);
    tokio::time::timeout(PATIENCE, woken).await.unwrap().unwrap();
    subscribed(&opened, 1).await;
    is_seen(&opened, &rival, 1).await;
    opened.close().await;
    rival.close().await;
}

async fn every_event_of_others_is_seen_once(by: By) {
    let opened = Opened::watchful(by).await;
    let rival = opened.rival(by).await;
    let before = opened.log.epoch().unwrap();
    for version in 0..30 {
        match version % 10 {
            3 => opened.fake().faults().end_subscriptions(),
            7 => opened.fake().faults().silence_subscriptions(),
            _ => {}
        }
        // What is appended here begins no epoch.
        opened
            .log
            .append(vec![append("a", version, 1)])
            .await
            .remove(0)
            .unwrap();
        rival.log.append(vec![append("b", version, 1)]).await.remove(0).unwrap();
    }
    is_seen(&opened, &rival, 30).await;
    assert_eq!(opened.log.epoch().unwrap() - before, 31);
    opened.close().await;
    rival.close().await;
}

async fn what_a_subscription_says_twice_is_seen_once(by: By) {
    let opened = Opened::new(by).await;
    let rival = opened.rival(by).await;
    subscribed(&opened, 1).await;
    opened.fake().faults().repeat();
    let before = opened.log.epoch().unwrap();
    for version in 0..10 {
        rival.log.append(vec![append("b", version, 1)]).await.remove(0).unwrap();
    }
    is_seen(&opened, &rival, 10).await;
    // What was said after it comes before the next.
    is_seen(&opened, &rival, 11).await;
    assert_eq!(opened.log.epoch().unwrap() - before, 12);
    opened.close().await;
    rival.close().await;
}

async fn a_subscription_that_does_not_begin_is_begun_again(by: By) {
    for fault in [
        ReadFault::Unavailable,
        ReadFault::Silent,
        ReadFault::Delayed(Duration::from_millis(300)),
    ] {
        let opened = Opened::watchful(by).await;
        let rival = opened.rival(by).await;
        subscribed(&opened, 1).await;
        opened.fake().faults().next_subscription(fault);
        opened.fake().faults().end_subscriptions();
        // The first two may be read while there is no subscription. One that is silent is missed when the log grows.
        for version in 0..3 {
            is_seen(&opened, &rival, version).await;
        }
        subscribed(&opened, 1).await;
        is_seen(&opened, &rival, 3).await;
        opened.close().await;
        rival.close().await;
    }
}

async fn silence_with_nothing_to_say_is_nothing_wrong(by: By) {
    let opened = Opened::watchful(by).await;
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    subscribed(&opened, 1).await;
    let begun = opened.fake().faults().subscriptions_begun();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(opened.fake().faults().subscriptions_begun(), begun);
    opened.close().await;
}

/// Whoever copies the log reads it himself, while the subscription is deaf.
async fn what_others_appended_is_not_handed_out_in_the_old_epoch(by: By) {
    let opened = Opened::new(by).await;
    let rival = opened.rival(by).await;
    subscribed(&opened, 1).await;
    opened.fake().faults().silence_subscriptions();
    let ours = opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    let before = opened.log.epoch();
    assert_eq!(opened.log.read_all(0, 10).await.unwrap().len(), 1);
    assert_eq!(opened.log.epoch(), before);
    for version in 0..2 {
        let before = opened.log.epoch();
        rival.log.append(vec![append("b", version, 1)]).await.remove(0).unwrap();
        assert_eq!(opened.log.epoch(), before);
        let read = opened.log.read_all(ours.position, 10).await.unwrap();
        assert_eq!(read.len() as u64, version + 1);
        assert_ne!(opened.log.epoch(), before);
    }
    let before = opened.log.epoch();
    opened.log.read_all(0, 10).await.unwrap();
    assert_eq!(opened.log.epoch(), before);
    opened.close().await;
    rival.close().await;
}
