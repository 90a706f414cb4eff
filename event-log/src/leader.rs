//! Who appends to the log, as this process knows it.

use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use crate::EventLog;

/// A log that stopped wakes nobody; whoever waits for it looks again after this.
const STOPPED_LOG_WAIT: Duration = Duration::from_secs(1);

/// One process that can lead the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// The same at every start on the same data: a node that comes back need not wait until it itself has stopped.
    pub id: Uuid,
    /// Where other nodes reach its API while it leads.
    pub url: Option<String>,
}

impl Node {
    /// A node that nobody has to find, and that never was here before.
    pub fn unnamed() -> Self {
        Self {
            id: Uuid::new_v4(),
            url: None,
        }
    }
}

/// Where appends have to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Leader {
    /// This process appends.
    Here,
    /// Another one does, or this one or another is about to take over. The address is that of the one that leads, if it is
    /// known.
    Elsewhere { url: Option<String> },
    /// The database is away: nobody can.
    Nobody,
}

/// Waits until this process leads the log: what acts on the world by itself (jobs, sweeps, the media server's rooms) is
/// done by one process at a time. Says nothing about the next moment; what is then done twice must do no harm.
pub async fn on_duty(log: &dyn EventLog) {
    let mut leader = log.leader();
    while *leader.borrow_and_update() != Leader::Here {
        if leader.changed().await.is_err() {
            tokio::time::sleep(STOPPED_LOG_WAIT).await;
        }
    }
}

/// What a log that has no rival says.
pub(crate) fn always_here() -> watch::Receiver<Leader> {
    watch::Sender::new(Leader::Here).subscribe()
}
