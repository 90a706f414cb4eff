//! What becomes of the log when the node that answers is gone for good, or cannot be reached: it goes on at another one.

use std::sync::Arc;
use std::time::Duration;

use esdb_fake::EsdbFake;
use event_log::{ReadError, SystemClock};

use super::rules::{PATIENCE, append, stream};
use super::support::{By, Opened, by_each, watchful};
use crate::EsdbLimits;

by_each! {
    a_leader_that_dies_is_left_for_another_of_the_list
    a_leader_that_dies_is_left_for_another_that_gossip_names
    a_leader_that_cannot_be_reached_is_left_for_another
    a_link_that_was_cut_is_given_up
    a_dead_node_in_the_list_is_passed_over
}

async fn on(url: &str, by: By) -> Opened {
    let limits = EsdbLimits {
        call_limit: Duration::from_secs(2),
        ..watchful()
    };
    Opened::at(url, Arc::new(SystemClock), limits, by).await
}

fn list(nodes: &[EsdbFake]) -> String {
    let addresses: Vec<String> = nodes.iter().map(|node| node.address().to_string()).collect();
    format!("esdb://{}?tls=false", addresses.join(","))
}

async fn subscribed(node: &EsdbFake, count: usize) {
    let waiting = async {
        while node.faults().subscriptions() != count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

/// Appends, reads, and is told of what another process appends.
async fn goes_on(opened: &Opened, rival: &Opened, version: u64) {
    let appended = opened
        .log
        .append(vec![append("a", version, 1)])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(appended.last_sequence, version + 1);
    let read = opened.log.read_stream(&stream("a"), version, 10).await.unwrap();
    assert_eq!(read.len(), 1);
    let theirs = rival.log.append(vec![append("b", version, 1)]).await.remove(0).unwrap();
    let mut wake = opened.log.wake();
    let woken = wake.wait_for(|position| *position >= theirs.position);
    tokio::time::timeout(PATIENCE, woken).await.unwrap().unwrap();
    let all = opened.log.read_all(appended.position, 10).await.unwrap();
    assert_eq!(all.last().map(|event| event.position), Some(theirs.position));
}

/// The first node leads, and is lost as `lose` says when the log has come to know it.
async fn goes_on_without_its_leader(url: &str, mut nodes: Vec<EsdbFake>, lose: impl FnOnce(EsdbFake), by: By) {
    let opened = on(url, by).await;
    // It asks a node that does not lead.
    let rival = on(&nodes[1].url(), by).await;
    goes_on(&opened, &rival, 0).await;
    subscribed(&nodes[0], 2).await;
    lose(nodes.remove(0));
    goes_on(&opened, &rival, 1).await;
    goes_on(&opened, &rival, 2).await;
    subscribed(&nodes[0], 2).await;
    opened.close().await;
    rival.close().await;
}

async fn a_leader_that_dies_is_left_for_another_of_the_list(by: By) {
    let nodes = EsdbFake::cluster(2).unwrap();
    goes_on_without_its_leader(&list(&nodes), nodes, drop, by).await;
}

async fn a_leader_that_dies_is_left_for_another_that_gossip_names(by: By) {
    let nodes = EsdbFake::cluster(3).unwrap();
    let url = format!("esdb+discover://{}?tls=false", nodes[2].address());
    goes_on_without_its_leader(&url, nodes, drop, by).await;
}

async fn a_leader_that_cannot_be_reached_is_left_for_another(by: By) {
    let nodes = EsdbFake::cluster(2).unwrap();
    let mut cut_off = None;
    let lose = |node: EsdbFake| {
        node.cut_off();
        cut_off = Some(node);
    };
    goes_on_without_its_leader(&list(&nodes), nodes, lose, by).await;
}

/// The node is the only one, and its connections are dead when it can be reached again.
async fn a_link_that_was_cut_is_given_up(by: By) {
    let nodes = EsdbFake::cluster(1).unwrap();
    let opened = on(&nodes[0].url(), by).await;
    let rival = on(&nodes[0].url(), by).await;
    goes_on(&opened, &rival, 0).await;
    nodes[0].cut_off();
    let read = opened.log.head().await;
    assert!(matches!(read, Err(ReadError::Unavailable(_))), "{read:?}");
    nodes[0].come_back();
    goes_on(&opened, &rival, 1).await;
    opened.close().await;
    rival.close().await;
}

async fn a_dead_node_in_the_list_is_passed_over(by: By) {
    let mut nodes = EsdbFake::cluster(3).unwrap();
    let url = list(&nodes);
    nodes[0].cut_off();
    drop(nodes.remove(1));
    let opened = on(&url, by).await;
    let rival = on(&nodes[1].url(), by).await;
    goes_on(&opened, &rival, 0).await;
    opened.close().await;
    rival.close().await;
}
