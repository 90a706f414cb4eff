//! One node takes over from another that does not know it yet: whatever either of them says is true when it is said.

use std::sync::Arc;
use std::time::Duration;

use shuttle::future::JoinHandle;
use uuid::Uuid;

use super::faults::{Fault, Faults};
use super::history::History;
use super::node::Node;
use super::play::{Act, begin};
use super::scenarios::{Tally, repeat, sell};
use super::schedule::{Explore, explore};
use super::table::{Line, Table};
use crate::LogLimits;

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
