//! The one writer of the log: takes what has gathered in the queue, and records it with one statement.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::lead::Lead;
use super::office::{End, Office};
use super::session::Database;
use super::standing::{Shared, Standing};
use crate::leader::Node;
use crate::limits::LogLimits;
use crate::pipeline::Request;
use crate::plan::Tail;
use crate::{AppendError, Clock};

pub(super) struct Sequencer<D> {
    office: Office<D>,
    requests: mpsc::Receiver<Request>,
    cancel: CancellationToken,
    /// Where the log ended when this process last wrote it.
    known: Option<Tail>,
}

impl<D: Database> Sequencer<D> {
    pub(super) fn new(
        database: D,
        node: Node,
        limits: LogLimits,
        clock: Arc<dyn Clock>,
        requests: mpsc::Receiver<Request>,
        shared: Arc<Shared>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            office: Office {
                database,
                node,
                limits,
                clock,
                shared,
            },
            requests,
            cancel,
            known: None,
        }
    }

    /// Leads whenever it can, until cancelled. Whatever is in the queue is answered.
    pub(super) async fn run(mut self) {
        // A process whose sequencer is gone, for whatever reason, must not go on as if it had a log.
        let _fatal = self.cancel.clone().drop_guard();
        while let Some(lead) = self.take_office().await {
            match self.lead(lead).await {
                End::Stopped => break,
                End::Fenced => self.resign("another process writes the log"),
                End::Disconnected(reason) => self.resign(&reason),
            }
        }
        self.resign("the log stopped");
        self.requests.close();
        while let Some(request) = self.requests.recv().await {
            request.answer(Err(AppendError::Unavailable("the log stopped".to_owned())));
        }
    }

    fn resign(&self, reason: &str) {
        warn!("the sequencer does not lead the log: {reason}");
        self.office.shared.set_standing(Standing::Away(reason.to_owned()));
    }

    /// Waits until this process leads. What waits in the queue meanwhile is given up after `outage_wait`.
    async fn take_office(&mut self) -> Option<Lead<D::Session>> {
        let patience_ends = Instant::now() + self.office.limits.outage_wait;
        let lead = tokio::select! {
            () = self.cancel.cancelled() => return None,
            lead = self.office.take() => lead,
            () = give_up(&mut self.requests, patience_ends) => return None,
        };
        if self.known != Some(lead.tail) {
            self.office.shared.turn_epoch();
        }
        self.known = Some(lead.tail);
        self.office.shared.announce(lead.tail.head.position);
        self.office.shared.set_standing(Standing::Leading);
        info!(log.position = lead.tail.head.position, "the sequencer leads the log");
        Some(lead)
    }

    async fn lead(&mut self, mut lead: Lead<D::Session>) -> End {
        let mut is_closing = false;
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                () = self.cancel.cancelled(), if !is_closing => {
                    is_closing = true;
                    self.requests.close();
                    continue;
                }
                count = self.requests.recv_many(&mut batch, self.office.limits.batch) => {
                    if count == 0 {
                        // If that fails, the others wait for as long as the lease.
                        let _ = lead.resign(&self.office.node).await;
                        return End::Stopped;
                    }
                }
                () = tokio::time::sleep(self.office.limits.idle_check) => {
                    let asked = Instant::now();
                    match lead.ping().await {
                        Ok(()) => {
                            self.office.shared.confirm(asked);
                            continue;
                        }
                        Err(error) => return End::Disconnected(error.to_string()),
                    }
                }
            }
            let outcome = self.office.record(&mut lead, batch).await;
            self.known = Some(lead.tail);
            match outcome {
                Ok(()) => {}
                Err(End::Fenced) => match lead.reload(&self.office.limits).await {
                    Ok(true) => {
                        warn!(log.position = lead.tail.head.position, "another process wrote the log");
                        self.office.shared.turn_epoch();
                        self.office.shared.announce(lead.tail.head.position);
                    }
                    Ok(false) => return End::Fenced,
                    Err(error) => return End::Disconnected(error.to_string()),
                },
                Err(end) => return end,
            }
        }
    }
}

/// Refuses what comes out of the queue, from `deadline` on. Ends only when the queue is closed and empty.
async fn give_up(requests: &mut mpsc::Receiver<Request>, deadline: Instant) {
    tokio::time::sleep_until(deadline).await;
    while let Some(request) = requests.recv().await {
        request.answer(Err(AppendError::Unavailable("the database is away".to_owned())));
    }
}
