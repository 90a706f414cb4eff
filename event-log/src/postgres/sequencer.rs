//! The one writer of the log: takes what has gathered in the queue, and records it with one statement.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::desk::Desk;
use super::intake::Intake;
use super::lead::Lead;
use super::office::{End, Office};
use super::session::Database;
use super::standing::{Shared, Standing};
use crate::Clock;
use crate::leader::Node;
use crate::limits::LogLimits;
use crate::pipeline::Request;
use crate::plan::Tail;

pub(super) struct Sequencer<D> {
    office: Office<D>,
    intake: Intake,
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
            intake: Intake::new(requests),
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
        self.intake.close();
        self.intake.refuse_all("the log stopped").await;
    }

    fn resign(&self, reason: &str) {
        warn!("the sequencer does not lead the log: {reason}");
        self.office.shared.set_standing(Standing::Away(reason.to_owned()));
    }

    /// Waits until this process leads. What waits in the queue meanwhile is given up after `outage_wait`.
    async fn take_office(&mut self) -> Option<Lead<D::Session>> {
        let patience_ends = Instant::now() + self.office.limits.outage_wait;
        let lead = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return None,
            lead = self.office.take() => lead,
            () = self.intake.give_up(patience_ends, "the database is away") => return None,
        };
        if self.known != Some(lead.tail) {
            self.office.shared.turn_epoch();
        }
        self.known = Some(lead.tail);
        self.office.shared.announce(lead.tail.head);
        self.office.shared.set_standing(Standing::Leading);
        info!(log.position = lead.tail.head.position, "the sequencer leads the log");
        Some(lead)
    }

    async fn lead(&mut self, mut lead: Lead<D::Session>) -> End {
        let mut desk = Desk::after(lead.tail);
        loop {
            let outcome = self.turn(&mut lead, &mut desk).await;
            self.known = Some(lead.tail);
            match outcome {
                Ok(()) => {}
                Err(End::Fenced) => match self.catch_up(&mut lead).await {
                    Ok(()) => desk = Desk::after(lead.tail),
                    Err(end) => return end,
                },
                Err(end) => return end,
            }
        }
    }

    /// Goes on behind what another process wrote, if the log still holds all that this one has seen of it.
    async fn catch_up(&self, lead: &mut Lead<D::Session>) -> Result<(), End> {
        match lead.reload(&self.office.limits).await {
            Ok(true) => {}
            Ok(false) => return Err(End::Fenced),
            Err(error) => return Err(End::Disconnected(error.to_string())),
        }
        self.office.compare(&mut lead.line).await?;
        warn!(log.position = lead.tail.head.position, "another process wrote the log");
        self.office.shared.turn_epoch();
        self.office.shared.announce(lead.tail.head);
        Ok(())
    }

    /// Records what is there, or waits until something is. If it fails, nothing is left on the desk.
    async fn turn(&mut self, lead: &mut Lead<D::Session>, desk: &mut Desk) -> Result<(), End> {
        if self.cancel.is_cancelled() {
            self.intake.close();
        }
        self.office.take_in(lead, desk, &mut self.intake).await?;
        if desk.is_empty() {
            self.wait(lead).await
        } else {
            self.office.record(lead, desk, &mut self.intake).await
        }
    }

    /// Waits for a request, and makes sure meanwhile that the session is alive.
    async fn wait(&mut self, lead: &mut Lead<D::Session>) -> Result<(), End> {
        let is_closing = self.cancel.is_cancelled();
        tokio::select! {
            biased;
            () = self.cancel.cancelled(), if !is_closing => Ok(()),
            batch = self.intake.take(self.office.limits.batch) => {
                if batch.is_empty() {
                    // If that fails, the others wait for as long as the lease.
                    let _ = lead.line.resign(&self.office.node).await;
                    return Err(End::Stopped);
                }
                self.intake.put_back(batch.into_iter());
                Ok(())
            }
            () = tokio::time::sleep(self.office.limits.idle_check) => {
                let asked = Instant::now();
                let tail = lead.line.tail().await.map_err(|error| End::Disconnected(error.to_string()))?;
                // A lead that rests has no statement to be fenced by, and jobs of another's events come to it all the same.
                if tail != lead.tail {
                    return Err(End::Fenced);
                }
                self.office.shared.confirm(asked);
                Ok(())
            }
        }
    }
}
