//! Becoming the leader, staying it, and recording batches as the leader.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, warn};

use super::lead::{self, Lead};
use super::session::Database;
use super::standing::{Shared, Standing};
use super::trouble::Trouble;
use crate::feed::Batch;
use crate::jitter::BackOff;
use crate::leader::Node;
use crate::limits::LogLimits;
use crate::pipeline::Request;
use crate::plan::{Ground, Plan};
use crate::{AppendError, Clock, StreamId};

/// How often a follower asks whether the leader is gone.
const LEADER_RETRY: Duration = Duration::from_millis(200);
const RECONNECT_FIRST: Duration = Duration::from_millis(50);
const RECONNECT_LONGEST: Duration = Duration::from_secs(1);

/// What it takes to become the leader.
pub(super) struct Office<D> {
    pub(super) database: D,
    pub(super) node: Node,
    pub(super) limits: LogLimits,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) shared: Arc<Shared>,
}

/// Why a leader stops leading.
#[derive(Debug)]
pub(super) enum End {
    /// Cancelled, and the queue is empty.
    Stopped,
    /// Somebody else appended.
    Fenced,
    Disconnected(String),
}

/// What became of a statement.
enum Fate {
    Recorded,
    Refused(String),
    Lost(End),
}

impl<D: Database> Office<D> {
    /// Connects and waits for the leader's lock, for as long as it takes.
    pub(super) async fn take(&self) -> Lead<D::Session> {
        let mut back_off = BackOff::new(RECONNECT_FIRST, RECONNECT_LONGEST);
        loop {
            match self.try_take().await {
                Ok(lead) => return lead,
                Err(error) => {
                    warn!("the log's database is away: {error}");
                    self.shared
                        .set_standing(Standing::Away("the database is away".to_owned()));
                    tokio::time::sleep(back_off.pause()).await;
                }
            }
        }
    }

    async fn try_take(&self) -> Result<Lead<D::Session>, sqlx::Error> {
        let mut session = lead::connect(&self.database, &self.limits).await?;
        while !lead::try_lead(&mut session, &self.limits).await? {
            self.follow(&mut session).await?;
            tokio::time::sleep(LEADER_RETRY).await;
        }
        self.outwait_predecessor(&mut session).await?;
        let asked = Instant::now();
        let mut lead = Lead::begin(session, &self.limits).await?;
        lead.take_office(&self.node).await?;
        self.shared.confirm(asked);
        Ok(lead)
    }

    /// Another process has the lock: says where it is, and ends its session if it has fallen silent.
    async fn follow(&self, session: &mut D::Session) -> Result<(), sqlx::Error> {
        let incumbent = lead::incumbent(session, &self.limits).await?;
        // Our own row means that its successor has not written its own yet.
        let other = incumbent.filter(|incumbent| incumbent.node != self.node.id && !incumbent.has_resigned);
        let url = other.and_then(|other| other.url);
        self.shared.set_standing(Standing::Following { url });
        if lead::end_silent_leader(session, &self.limits).await? {
            warn!("the leader of the log had fallen silent: its session was ended");
        }
        Ok(())
    }

    /// Another node that led and did not resign may not know yet that it leads no more: it trusts its memory until its lease
    /// is over.
    async fn outwait_predecessor(&self, session: &mut D::Session) -> Result<(), sqlx::Error> {
        let incumbent = lead::incumbent(session, &self.limits).await?;
        let must_wait = incumbent.is_some_and(|incumbent| incumbent.node != self.node.id && !incumbent.has_resigned);
        if must_wait {
            self.shared.set_standing(Standing::Following { url: None });
            tokio::time::sleep(self.limits.lease).await;
        }
        Ok(())
    }

    /// Records a batch. Bytes that PostgreSQL refuses are found by halving: only their command fails, and those that
    /// rest on it.
    pub(super) async fn record(&self, lead: &mut Lead<D::Session>, batch: Vec<Request>) -> Result<(), End> {
        let mut spoiled = HashSet::new();
        let mut work = vec![batch];
        while let Some(chunk) = work.pop() {
            if lead.is_over {
                return Err(End::Disconnected("the lead was lost".to_owned()));
            }
            let Some(mut plan) = self.plan(lead, chunk, &spoiled).await? else {
                continue;
            };
            match self.commit(lead, &plan).await {
                Fate::Recorded => {
                    lead.advance(&mut plan);
                    metrics::counter!("boxoffice_log_batches_total").increment(1);
                    metrics::counter!("boxoffice_log_appends_total").increment(plan.accepted.len() as u64);
                    let batch = Batch::of(&plan);
                    plan.acknowledge();
                    self.shared.feed().push(batch);
                    self.shared.announce(lead.tail.head.position);
                }
                Fate::Refused(reason) => split(plan, reason, &mut spoiled, &mut work),
                Fate::Lost(end) => {
                    plan.fail(&AppendError::Unavailable("the outcome is unknown".to_owned()));
                    return Err(end);
                }
            }
        }
        if lead.is_over {
            return Err(End::Disconnected("the lead was lost".to_owned()));
        }
        Ok(())
    }

    /// Judges the requests on what the table holds. `None` if none of them is to be recorded.
    async fn plan(
        &self,
        lead: &mut Lead<D::Session>,
        chunk: Vec<Request>,
        spoiled: &HashSet<StreamId>,
    ) -> Result<Option<Plan>, End> {
        let deadline = self.deadline(&chunk);
        while let Err(error) = lead.learn(&chunk).await {
            match Trouble::of(&error) {
                Trouble::TimedOut if Instant::now() < deadline => {}
                Trouble::Gone if self.reconnect(lead, deadline).await => {}
                _ => return Err(End::Disconnected(error.to_string())),
            }
        }
        let ground = Ground {
            tail: lead.tail,
            now: self.clock.now(),
            patience: self.limits.outage_wait,
            spoiled,
        };
        let plan = Plan::make(chunk, &ground, |stream| lead.version(stream));
        Ok((!plan.is_empty()).then_some(plan))
    }

    /// Tries the identical statement until its fate is known, or for as long as its callers were promised to wait.
    async fn commit(&self, lead: &mut Lead<D::Session>, plan: &Plan) -> Fate {
        let deadline = self.deadline(plan.accepted.iter().map(|accepted| &accepted.request));
        loop {
            let asked = Instant::now();
            let error = match lead.insert(plan).await {
                Ok(true) => {
                    self.shared.confirm(asked);
                    return Fate::Recorded;
                }
                Ok(false) => return Fate::Lost(End::Fenced),
                Err(error) => error,
            };
            let trouble = match Trouble::of(&error) {
                Trouble::Data => return Fate::Refused(error.to_string()),
                Trouble::Fence => match lead.has_recorded(plan).await {
                    Ok(true) => return Fate::Recorded,
                    Ok(false) => return Fate::Lost(End::Fenced),
                    Err(error) => Trouble::of(&error),
                },
                other => other,
            };
            warn!("a batch of the log has to be tried again: {error}");
            if Instant::now() >= deadline {
                return Fate::Lost(End::Disconnected(error.to_string()));
            }
            if trouble != Trouble::TimedOut && !self.reconnect(lead, deadline).await {
                return self.last_look(lead, plan, &error).await;
            }
        }
    }

    /// The deadline has passed without the lead. Another process may lead by now, so nothing may be tried again; but
    /// if the batch is there, it is there.
    async fn last_look(&self, lead: &mut Lead<D::Session>, plan: &Plan, error: &sqlx::Error) -> Fate {
        let is_recorded = match lead::connect(&self.database, &self.limits).await {
            Ok(session) => {
                lead.replace_session(session);
                lead.is_over = true;
                lead.has_recorded(plan).await.unwrap_or(false)
            }
            Err(_) => false,
        };
        if is_recorded {
            return Fate::Recorded;
        }
        error!("a batch of the log was given up: {error}");
        Fate::Lost(End::Disconnected(error.to_string()))
    }

    /// A new connection for the same lead, before `deadline`. Our own lost session may hold the lock for a while.
    async fn reconnect(&self, lead: &mut Lead<D::Session>, deadline: Instant) -> bool {
        self.shared
            .set_standing(Standing::Away("the connection to the database was lost".to_owned()));
        let Ok(Some(session)) = tokio::time::timeout_at(deadline, self.reconnected()).await else {
            return false;
        };
        lead.replace_session(session);
        self.shared.set_standing(Standing::Leading);
        true
    }

    /// `None` if another node has taken over meanwhile.
    async fn reconnected(&self) -> Option<D::Session> {
        let mut back_off = BackOff::new(RECONNECT_FIRST, RECONNECT_LONGEST);
        loop {
            if let Ok(mut session) = lead::connect(&self.database, &self.limits).await {
                while let Ok(is_leader) = lead::try_lead(&mut session, &self.limits).await {
                    if is_leader {
                        return Some(session);
                    }
                    if self.has_successor(&mut session).await {
                        return None;
                    }
                    tokio::time::sleep(LEADER_RETRY).await;
                }
            }
            tokio::time::sleep(back_off.pause()).await;
        }
    }

    /// Whether another node has taken office. If that cannot be found out, time will tell.
    async fn has_successor(&self, session: &mut D::Session) -> bool {
        let incumbent = lead::incumbent(session, &self.limits).await;
        incumbent.is_ok_and(|incumbent| incumbent.is_some_and(|incumbent| incumbent.node != self.node.id))
    }

    fn deadline<'a>(&self, requests: impl IntoIterator<Item = &'a Request>) -> Instant {
        let oldest = requests.into_iter().map(Request::queued_at).min();
        oldest.unwrap_or_else(Instant::now) + self.limits.outage_wait
    }
}

/// Halves a refused plan, or rejects the one command that is left of it.
fn split(plan: Plan, reason: String, spoiled: &mut HashSet<StreamId>, work: &mut Vec<Vec<Request>>) {
    let mut requests: Vec<Request> = plan.accepted.into_iter().map(|accepted| accepted.request).collect();
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
