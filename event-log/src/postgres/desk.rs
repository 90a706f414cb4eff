//! The leader's desk: one statement on its way, the next plan being made meanwhile.
//!
//! Invariants:
//! - One statement at a time. The next one is sent only when it is known that the one before it is recorded.
//! - What was planned on a statement that was not recorded goes back in front of the queue and is judged again.
//! - A plan that is recorded is acknowledged, whatever happens afterwards.

use std::collections::HashSet;
use std::convert::Infallible;
use std::pin::pin;
use std::task::Poll;

use tokio::time::Instant;
use tracing::error;

use super::intake::Intake;
use super::lead::{Lead, known_version};
use super::office::{End, Fate, Office};
use super::session::Database;
use super::trouble::Trouble;
use crate::feed::Batch;
use crate::pipeline::Request;
use crate::plan::{Ground, Plan, Tail};
use crate::versions::Versions;
use crate::{AppendError, StreamId};

/// The plans between two statements.
pub(super) struct Desk {
    /// Not sent yet.
    next: Plan,
    /// Durable; its callers have not been told yet, because PostgreSQL gets its next work first.
    recorded: Option<Plan>,
}

impl Desk {
    pub(super) fn after(tail: Tail) -> Self {
        Self {
            next: Plan::after(tail),
            recorded: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.next.is_empty()
    }
}

impl<D: Database> Office<D> {
    /// Takes in what is there by now. Tells those whose commands are durable before it waits for anything.
    pub(super) async fn take_in(
        &self,
        lead: &mut Lead<D::Session>,
        desk: &mut Desk,
        intake: &mut Intake,
    ) -> Result<(), End> {
        self.judge_again_if_old(lead, desk, intake);
        lead.versions.age();
        let room = self.limits.batch.saturating_sub(desk.next.len());
        let batch = intake.take_ready(room);
        let is_known = |request: &Request, versions: &mut Versions| {
            known_version(versions, request, self.shared.epoch_number()).is_some()
        };
        if !batch.iter().all(|request| is_known(request, &mut lead.versions)) {
            self.tell(desk.recorded.take());
            if let Err(end) = self.learn(lead, &batch).await {
                intake.put_back(batch.into_iter());
                self.abandon(lead, desk, intake);
                return Err(end);
            }
        }
        let ground = Ground::new(self.clock.now(), self.limits.outage_wait);
        for request in batch {
            let version = known_version(&mut lead.versions, &request, self.shared.epoch_number());
            desk.next
                .judge(request, version.unwrap_or(0), &ground, &mut lead.versions);
        }
        if desk.is_empty() {
            self.tell(desk.recorded.take());
            desk.next.refuse();
        }
        Ok(())
    }

    /// Callers were promised an answer: what became old on the desk is not tried.
    fn judge_again_if_old(&self, lead: &mut Lead<D::Session>, desk: &mut Desk, intake: &mut Intake) {
        let is_old = |queued_at: Instant| queued_at.elapsed() > self.limits.outage_wait;
        if desk.next.queued_at().is_some_and(is_old) {
            self.abandon(lead, desk, intake);
        }
    }

    /// Takes the next plan back: its requests are judged again, first of all.
    pub(super) fn abandon(&self, lead: &mut Lead<D::Session>, desk: &mut Desk, intake: &mut Intake) {
        self.tell(desk.recorded.take());
        let next = std::mem::replace(&mut desk.next, Plan::after(lead.tail));
        intake.put_back(next.into_requests().into_iter());
        lead.versions.clear();
    }

    /// Records what is on the desk, and plans what comes next meanwhile.
    pub(super) async fn record(
        &self,
        lead: &mut Lead<D::Session>,
        desk: &mut Desk,
        intake: &mut Intake,
    ) -> Result<(), End> {
        let after = Plan::after(desk.next.tail);
        let plan = std::mem::replace(&mut desk.next, after);
        let fate = {
            let mut commit = pin!(self.commit(&mut lead.line, &plan));
            let at_once = futures::poll!(&mut commit);
            self.tell(desk.recorded.take());
            match at_once {
                Poll::Ready(fate) => fate,
                Poll::Pending => tokio::select! {
                    biased;
                    fate = &mut commit => fate,
                    never = self.plan_ahead(&mut desk.next, &mut lead.versions, intake) => match never {},
                },
            }
        };
        match fate {
            Fate::Recorded => {
                lead.tail = plan.tail;
                desk.recorded = Some(plan);
            }
            Fate::Refused(reason) => {
                self.abandon(lead, desk, intake);
                self.record_by_halves(lead, plan, reason).await?;
                desk.next = Plan::after(lead.tail);
            }
            Fate::Lost(end) => {
                plan.fail(&AppendError::Unavailable("the outcome is unknown".to_owned()));
                self.abandon(lead, desk, intake);
                return Err(end);
            }
        }
        if lead.line.is_over {
            self.abandon(lead, desk, intake);
            return Err(End::Disconnected("the lead was lost".to_owned()));
        }
        Ok(())
    }

    /// Judges what comes on top of the statement that is on its way, until that one's fate is known. Stops before a
    /// stream whose version would have to be asked for: the session is busy.
    async fn plan_ahead(&self, next: &mut Plan, versions: &mut Versions, intake: &mut Intake) -> Infallible {
        while next.len() < self.limits.batch {
            let batch = intake.take(self.limits.batch - next.len()).await;
            if batch.is_empty() {
                break;
            }
            let ground = Ground::new(self.clock.now(), self.limits.outage_wait);
            let mut batch = batch.into_iter();
            while let Some(request) = batch.next() {
                let Some(version) = known_version(versions, &request, self.shared.epoch_number()) else {
                    intake.put_back(std::iter::once(request).chain(batch));
                    return std::future::pending().await;
                };
                next.judge(request, version, &ground, versions);
            }
        }
        std::future::pending().await
    }

    /// Tells everybody whose command became durable.
    fn tell(&self, recorded: Option<Plan>) {
        let Some(plan) = recorded else { return };
        metrics::counter!("boxoffice_log_batches_total").increment(1);
        metrics::counter!("boxoffice_log_appends_total").increment(plan.len() as u64);
        let head = plan.tail.head;
        let batch = Batch::of(&plan);
        // First: whoever is told of it, and reads, waits for as much of the log as it takes.
        self.shared.feed().push(batch);
        self.shared.announce(head);
        plan.acknowledge();
    }

    /// PostgreSQL does not take some bytes of the plan. They are found by halving: only their command fails, and those
    /// that rest on it.
    async fn record_by_halves(&self, lead: &mut Lead<D::Session>, plan: Plan, reason: String) -> Result<(), End> {
        let mut spoiled = HashSet::new();
        let mut work = Vec::new();
        split(plan, reason, &mut spoiled, &mut work);
        while let Some(chunk) = work.pop() {
            if lead.line.is_over {
                return Err(End::Disconnected("the lead was lost".to_owned()));
            }
            self.learn(lead, &chunk).await?;
            let mut ground = Ground::new(self.clock.now(), self.limits.outage_wait);
            ground.spoiled.clone_from(&spoiled);
            let mut plan = Plan::after(lead.tail);
            for request in chunk {
                let version = known_version(&mut lead.versions, &request, self.shared.epoch_number());
                plan.judge(request, version.unwrap_or(0), &ground, &mut lead.versions);
            }
            if plan.is_empty() {
                plan.refuse();
                continue;
            }
            match self.commit(&mut lead.line, &plan).await {
                Fate::Recorded => {
                    lead.tail = plan.tail;
                    self.tell(Some(plan));
                }
                Fate::Refused(reason) => {
                    lead.versions.clear();
                    split(plan, reason, &mut spoiled, &mut work);
                }
                Fate::Lost(end) => {
                    plan.fail(&AppendError::Unavailable("the outcome is unknown".to_owned()));
                    lead.versions.clear();
                    return Err(end);
                }
            }
        }
        Ok(())
    }

    /// Asks the table for the versions of the requests' streams, for as long as their callers were promised to wait.
    async fn learn(&self, lead: &mut Lead<D::Session>, requests: &[Request]) -> Result<(), End> {
        let deadline = self.deadline(requests.iter().map(Request::queued_at).min());
        while let Err(error) = lead.learn(requests, self.shared.epoch_number()).await {
            match Trouble::of(&error) {
                Trouble::TimedOut if Instant::now() < deadline => {}
                Trouble::Gone if self.reconnect(&mut lead.line, deadline).await => {}
                _ => return Err(End::Disconnected(error.to_string())),
            }
        }
        Ok(())
    }
}

/// Halves a refused plan, or rejects the one command that is left of it.
fn split(plan: Plan, reason: String, spoiled: &mut HashSet<StreamId>, work: &mut Vec<Vec<Request>>) {
    let mut requests = plan.into_requests();
    if requests.len() > 1 {
        let later = requests.split_off(requests.len() / 2);
        work.push(later);
        work.push(requests);
    } else if let Some(culprit) = requests.pop() {
        spoiled.insert(culprit.append().stream.clone());
        error!(log.stream = %culprit.append().stream, "the database refuses an event: {reason}");
        culprit.answer(Err(AppendError::Rejected(reason)));
    }
}
