//! One node takes over from another that does not know it yet: whatever either of them says is true when it is said.

use std::sync::Arc;
use std::time::Duration;

use shuttle::future::{JoinHandle, spawn};
use uuid::Uuid;

use super::faults::{Fault, Faults};
use super::history::History;
use super::node::Node;
use super::play::{Act, begin};
use super::scenarios::{Tally, repeat, sell};
use super::schedule::{Explore, explore};
use super::table::{Line, Table};
use crate::{EventLog as _, LogLimits};

/// Two nodes, of which the second is started when the first one leads.
struct Scene {
    table: Table,
    history: History,
    limits: LogLimits,
}

impl Scene {
    fn new(faults: Faults) -> Self {
        Self {
            table: Table::new(faults),
            history: History::new(false),
            // Time passes by seconds: there is one after which a leader looks whether it leads, and more that it trusts its memory.
            limits: LogLimits {
                idle_check: Duration::from_secs(2),
                lease: Duration::from_secs(3),
                outage_wait: Duration::from_secs(20),
                ..LogLimits::default()
            },
        }
    }

    fn start(&self, node: usize) -> Node {
        let (table, is_blind) = (self.table.clone(), false);
        Node::start(Line { table, node, is_blind }, self.limits.clone(), false)
    }

    fn ask(&self, node: &Node, act: Act) -> JoinHandle<()> {
        begin(act, Arc::clone(&node.log), self.table.clone(), self.history.clone())
    }

    async fn end(self, nodes: [Node; 2], tally: Tally) {
        for node in nodes {
            node.stop().await;
        }
        self.history.check(&self.table.rows());
        self.history.with(|calls| tally.count(calls));
    }
}

/// Plays the scene under every schedule in which nobody is made to wait who could go on; all of them end like this.
fn play<F>(name: &str, outcomes: &str, scene: impl Fn(Tally) -> F + Send + Sync + 'static)
where
    F: Future<Output = ()>,
{
    let tally = Tally::default();
    let counter = tally.clone();
    let executions = explore(Explore::All { preemptions: 0 }, move || scene(counter.clone()));
    eprintln!("{name}: all {executions} schedules, {tally:?}");
    assert_eq!(tally.of(outcomes), tally.containing(""), "{tally:?}");
}

/// A leader rests, and loses the lock without notice. Whoever gets it waits until the memory of the other one is over.
#[test]
fn a_leader_that_lost_the_lock_is_outwaited() {
    play("outwaited", "away + repeat + sold", async |tally| {
        let scene = Scene::new(Faults::none());
        let leader = scene.start(0);
        leader.log.leads().await;
        scene.ask(&leader, repeat()).await.unwrap();
        scene.table.end_leader();
        scene.table.cut(0);
        let successor = scene.start(1);
        successor.log.leads().await;
        scene.ask(&successor, sell(2)).await.unwrap();
        scene.ask(&leader, repeat()).await.unwrap();
        scene.end([leader, successor], tally).await;
    });
}

/// A leader waits for an answer that does not come, while another one leads already. What it remembers it does not believe.
#[test]
fn a_leader_that_hears_nothing_believes_its_memory_no_longer_than_the_lease() {
    play("deaf", "repeat + repeat + sold + sold", async |tally| {
        let mut scene = Scene::new(Faults::Script([Fault::Silent].into()));
        scene.limits.lease = Duration::from_secs(1);
        let other = Uuid::from_u128(1);
        let leader = scene.start(0);
        leader.log.leads().await;
        scene.ask(&leader, repeat()).await.unwrap();
        let unheard = scene.ask(&leader, sell(1).in_hall(other));
        let successor = scene.start(1);
        successor.log.leads().await;
        scene.ask(&successor, sell(2)).await.unwrap();
        scene.ask(&leader, repeat()).await.unwrap();
        unheard.await.unwrap();
        scene.end([leader, successor], tally).await;
    });
}

/// A leader is cut off with a sale on its hands, and gets the lock back just when its successor lost it without notice. That one
/// still trusts its memory, so nothing may be recorded before its lease is over.
#[test]
fn a_leader_that_comes_back_while_its_successor_believes_to_lead() {
    play("comeback", "away + repeat + repeat", async |tally| {
        let scene = Scene::new(Faults::none());
        let leader = scene.start(0);
        leader.log.leads().await;
        scene.table.cut(0);
        let successor = scene.start(1);
        let sale = scene.ask(&leader, sell(2));
        successor.log.leads().await;
        scene.ask(&successor, repeat()).await.unwrap();
        scene.table.end_leader();
        scene.table.mend(0);
        sale.await.unwrap();
        scene.ask(&successor, repeat()).await.unwrap();
        scene.end([leader, successor], tally).await;
    });
}

/// A standby is promoted that lacks the last event, at any moment of a sale. Nobody may write over what was acknowledged: either
/// all that was is there, or the node has found the fork and the log stays as it is.
async fn lose_the_tail(fault: Fault, tally: Tally) {
    let scene = Scene::new(Faults::Script([Fault::Nothing, fault].into()));
    let leader = scene.start(0);
    leader.log.leads().await;
    let [first, second, third] = [1, 2, 3].map(|hall| sell(1).in_hall(Uuid::from_u128(hall)));
    scene.ask(&leader, first).await.unwrap();
    let table = scene.table.clone();
    let loss = spawn(async move { table.lose_tail() });
    scene.ask(&leader, second).await.unwrap();
    let left = loss.await.unwrap();
    // After a look at the log's end.
    let after = Some(Duration::from_secs(5));
    scene.ask(&leader, Act { after, ..third }).await.unwrap();
    let is_forked = leader.log.fork().is_some();
    leader.stop().await;
    if is_forked {
        assert_eq!(scene.table.rows(), left, "written over what was lost");
    } else {
        scene.history.check(&scene.table.rows());
    }
    scene.history.with(|calls| tally.count(calls));
}

#[test]
fn a_server_without_the_tail_takes_over_under_a_sale() {
    let tally = Tally::default();
    for fault in [Fault::Nothing, Fault::Unanswered] {
        let counter = tally.clone();
        let all = Explore::All { preemptions: 1 };
        let executions = explore(all, move || lose_the_tail(fault, counter.clone()));
        eprintln!("a lost tail: all {executions} schedules, {tally:?}");
    }
    // The first sale is lost; the second one, which was told; the second one, which nobody was told, and it is tried again.
    for outcomes in ["away + away + sold", "away + sold + sold", "sold + sold + sold"] {
        assert!(tally.of(outcomes) > 0, "{outcomes}: {tally:?}");
    }
}
