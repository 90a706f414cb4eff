//! One execution: who calls what, what goes wrong, and what has to be true afterwards.

use std::sync::Arc;
use std::time::Duration;

use shuttle::future::{JoinHandle, spawn};
use uuid::Uuid;

use super::faults::Faults;
use super::history::{Call, History, fold, last_position};
use super::node::{Node, NodeLog};
use super::table::{CURSE, Line, Table};
use crate::tests::hall::{Hall, HallCommand};
use crate::{Executor, LogLimits, Metadata};

/// A lease that never ends: a leader trusts its memory as long as its session lives.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);

/// How long a caller waits for a node to lead.
const PATIENCE: Duration = Duration::from_secs(10);

/// A command in the hands of one caller.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) node: usize,
    pub(super) hall: Uuid,
    pub(super) command: HallCommand,
    /// The database refuses its events.
    pub(super) is_cursed: bool,
    /// Its caller goes away at some moment, and the future is dropped where it stands.
    pub(super) is_left: bool,
    /// Its caller first waits so long, and then, with patience, for the node to lead.
    pub(super) after: Option<Duration>,
}

impl Act {
    pub(super) fn new(command: HallCommand) -> Self {
        Self {
            node: 0,
            hall: Uuid::nil(),
            command,
            is_cursed: false,
            is_left: false,
            after: None,
        }
    }

    pub(super) fn cursed(self) -> Self {
        Self {
            is_cursed: true,
            ..self
        }
    }

    pub(super) fn left(self) -> Self {
        Self { is_left: true, ..self }
    }

    pub(super) fn on_node(self, node: usize) -> Self {
        Self { node, ..self }
    }

    pub(super) fn in_hall(self, hall: Uuid) -> Self {
        Self { hall, ..self }
    }
}

/// What happens to sessions between statements, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Break {
    pub(super) after: Duration,
    /// This node loses the lead's session, if it has it, and gets no connection for so long; otherwise the server ends the session of
    /// whoever leads.
    pub(super) cut: Option<(usize, Duration)>,
}

impl Break {
    async fn happen(self, table: Table) {
        tokio::time::sleep(self.after).await;
        if let Some((node, length)) = self.cut {
            table.cut(node);
            tokio::time::sleep(length).await;
            table.mend(node);
        } else {
            table.end_leader();
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Play {
    pub(super) faults: Faults,
    pub(super) breaks: Vec<Break>,
    pub(super) limits: LogLimits,
    pub(super) nodes: usize,
    /// Each node believes that it leads; otherwise the lock decides.
    pub(super) is_blind: bool,
    /// The sequencers lead before anybody calls.
    pub(super) starts_led: bool,
    pub(super) loiters: bool,
    pub(super) acts: Vec<Act>,
}

impl Play {
    pub(super) fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            faults: Faults::none(),
            breaks: Vec::new(),
            limits: LogLimits {
                lease: FOR_EVER,
                ..LogLimits::default()
            },
            nodes: 1,
            is_blind: false,
            starts_led: true,
            loiters: false,
            acts: acts.into_iter().collect(),
        }
    }

    /// Plays it and checks the laws; `look` sees every call with its answer.
    pub(super) async fn perform(self, look: impl FnOnce(&[Call])) {
        let is_blind = self.is_blind;
        let (table, history) = (Table::new(self.faults), History::new(is_blind));
        let nodes: Vec<Node> = (0..self.nodes)
            .map(|node| {
                let line = Line {
                    table: table.clone(),
                    node,
                    is_blind,
                };
                Node::start(line, self.limits.clone(), self.loiters)
            })
            .collect();
        if self.starts_led {
            lead(&nodes, is_blind).await;
        }
        let broken = self.breaks.into_iter().map(|one| spawn(one.happen(table.clone())));
        let broken: Vec<JoinHandle<()>> = broken.collect();
        let halls: Vec<Uuid> = self.acts.iter().map(|act| act.hall).collect();
        let mut callers = Vec::new();
        for act in self.acts {
            let log = Arc::clone(&nodes[act.node].log);
            callers.push(begin(act, log, table.clone(), history.clone()));
        }
        for caller in callers {
            // An error is a caller who left.
            let _ = caller.await;
        }
        for one in broken {
            one.await.unwrap();
        }
        while table.has_orphans() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        lead(&nodes, is_blind).await;
        if !is_blind {
            check_memory(&nodes, &table, halls).await;
        }
        for node in nodes {
            node.stop().await;
        }
        history.check(&table.rows());
        history.with(look);
    }
}

pub(super) fn begin(act: Act, log: Arc<NodeLog>, table: Table, history: History) -> JoinHandle<()> {
    let is_left = act.is_left;
    let caller = spawn(async move {
        if let Some(after) = act.after {
            tokio::time::sleep(after).await;
            let _ = tokio::time::timeout(PATIENCE, log.leads()).await;
        }
        let id = history.ask(act.hall, act.command.clone(), table.len());
        let metadata = Metadata::for_actor(if act.is_cursed { CURSE } else { "tester" }, id);
        let halls: Executor<Hall> = Executor::new(log);
        let answer = halls.execute(act.hall, act.command, metadata).await;
        history.answer(id, answer, table.len());
    });
    if is_left {
        let leaving = caller.abort_handle();
        drop(spawn(async move { leaving.abort() }));
    }
    caller
}

/// Waits until all of them believe that they lead, or one of them does.
async fn lead(nodes: &[Node], is_blind: bool) {
    if is_blind {
        futures::future::join_all(nodes.iter().map(|node| node.log.leads())).await;
    } else {
        futures::future::select_all(nodes.iter().map(|node| Box::pin(node.log.leads()))).await;
    }
}

/// What a caller sees, wherever it asks, is what the log holds. What callers who left have in the queue may still come, so
/// the log may grow while it is asked.
async fn check_memory(nodes: &[Node], table: &Table, halls: Vec<Uuid>) {
    for node in nodes {
        let executor: Executor<Hall> = Executor::new(Arc::clone(&node.log) as _);
        for hall in &halls {
            let since = table.len();
            let (seen, position) = executor.read(*hall, Hall::clone).await.unwrap();
            let rows = table.rows();
            let is_seen =
                |end: usize| fold(&rows[..end], *hall) == seen && last_position(&rows[..end], *hall) == position;
            assert!(
                (since..=rows.len()).any(is_seen),
                "memory and log differ: {seen:?} at {position}, {rows:?}"
            );
        }
    }
}
