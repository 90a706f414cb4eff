//! Becoming the leader, staying it, and finding out what became of a statement.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;
use tracing::{error, warn};

use super::lead::{self, Lead, Line};
use super::session::Database;
use super::standing::{Shared, Standing};
use super::trouble::Trouble;
use super::witness::Fork;
use crate::Clock;
use crate::jitter::BackOff;
use crate::leader::Node;
use crate::limits::LogLimits;
use crate::plan::Plan;

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

/// Why the office was not taken.
#[derive(Debug, Error)]
enum Untaken {
    #[error(transparent)]
    Away(#[from] sqlx::Error),
    #[error(transparent)]
    Forked(Fork),
    #[error("the log has moved to an engine, and the database holds a copy")]
    Moved,
}

/// What became of a statement.
pub(super) enum Fate {
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
                Ok(lead) => {
                    self.shared.set_fork(None);
                    return lead;
                }
                Err(untaken @ Untaken::Moved) => {
                    error!("{untaken}: this node does not lead");
                    self.shared.set_standing(Standing::Away(untaken.to_string()));
                }
                Err(Untaken::Away(error)) => {
                    warn!("the log's database is away: {error}");
                    self.shared
                        .set_standing(Standing::Away("the database is away".to_owned()));
                }
                Err(Untaken::Forked(fork)) => self.stand_back(fork),
            }
            tokio::time::sleep(back_off.pause()).await;
        }
    }

    async fn try_take(&self) -> Result<Lead<D::Session>, Untaken> {
        let mut session = lead::connect(&self.database, &self.limits).await?;
        while !lead::try_lead(&mut session, &self.limits).await? {
            self.follow(&mut session).await?;
            tokio::time::sleep(LEADER_RETRY).await;
        }
        self.outwait_predecessor(&mut session).await?;
        if !lead::is_as_expected(&self.database, &self.limits).await? {
            return Err(Untaken::Moved);
        }
        let asked = Instant::now();
        let mut lead = Lead::begin(session, &self.limits).await?;
        if let Some(fork) = lead.line.compare(&self.limits, self.shared.seen()).await? {
            return Err(Untaken::Forked(fork));
        }
        lead.line.take_office(&self.node).await?;
        self.shared.confirm(asked);
        Ok(lead)
    }

    /// What this node has seen of the log is gone: it does not write, and says so, until somebody has decided. What is in
    /// memory may be of either log.
    fn stand_back(&self, fork: Fork) {
        error!("{fork}: this node does not lead");
        self.shared.turn_epoch();
        self.shared.set_standing(Standing::Away(fork.to_string()));
        self.shared.set_fork(Some(fork));
    }

    /// Ends a lead whose log is not the one that it began with. A server that was promoted behind the last one ends earlier:
    /// whoever went on there would record other events at positions that were acknowledged. The end must have been read
    /// before: what is lost after this look is then found out by the fence.
    pub(super) async fn compare(&self, line: &mut Line<D::Session>) -> Result<(), End> {
        match line.compare(&self.limits, self.shared.seen()).await {
            Ok(None) => Ok(()),
            Ok(Some(fork)) => {
                let reason = fork.to_string();
                self.stand_back(fork);
                Err(End::Disconnected(reason))
            }
            Err(error) => Err(End::Disconnected(error.to_string())),
        }
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

    /// Tries the identical statement until its fate is known, or for as long as its callers were promised to wait.
    pub(super) async fn commit(&self, line: &mut Line<D::Session>, plan: &Plan) -> Fate {
        let deadline = self.deadline(plan.queued_at());
        loop {
            let asked = Instant::now();
            let error = match line.insert(plan).await {
                Ok(true) => {
                    self.shared.confirm(asked);
                    return Fate::Recorded;
                }
                Ok(false) => return Fate::Lost(End::Fenced),
                Err(error) => error,
            };
            let trouble = match Trouble::of(&error) {
                Trouble::Data => return Fate::Refused(error.to_string()),
                Trouble::Fence => match line.has_recorded(plan).await {
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
            if trouble != Trouble::TimedOut && !self.reconnect(line, deadline).await {
                return self.last_look(line, plan, &error).await;
            }
        }
    }

    /// The deadline has passed without the lead. Another process may lead by now, so nothing may be tried again; but
    /// if the batch is there, it is there.
    async fn last_look(&self, line: &mut Line<D::Session>, plan: &Plan, error: &sqlx::Error) -> Fate {
        let is_recorded = match lead::connect(&self.database, &self.limits).await {
            Ok(session) => {
                line.replace_session(session);
                line.is_over = true;
                line.has_recorded(plan).await.unwrap_or(false)
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
    pub(super) async fn reconnect(&self, line: &mut Line<D::Session>, deadline: Instant) -> bool {
        self.shared
            .set_standing(Standing::Away("the connection to the database was lost".to_owned()));
        let Ok(Some(session)) = tokio::time::timeout_at(deadline, self.reconnected()).await else {
            return false;
        };
        line.replace_session(session);
        self.shared.set_standing(Standing::Leading);
        true
    }

    /// `None` if this lead is over: the log is another one, or another node took over meanwhile. It may have appended and be
    /// gone again, so the lock alone says nothing: what this lead knows, and what is in memory, would be out of date. It may
    /// even be there and not know yet that it lost the lock; the lease that it trusts its memory for is waited for by whoever
    /// takes office, and by nobody else.
    async fn reconnected(&self) -> Option<D::Session> {
        let mut back_off = BackOff::new(RECONNECT_FIRST, RECONNECT_LONGEST);
        loop {
            if let Ok(mut session) = lead::connect(&self.database, &self.limits).await {
                while let Ok(is_leader) = lead::try_lead(&mut session, &self.limits).await {
                    match self.may_go_on(&mut session).await {
                        Ok(false) => return None,
                        Ok(true) if is_leader => return Some(session),
                        Ok(true) => tokio::time::sleep(LEADER_RETRY).await,
                        Err(_) => break,
                    }
                }
            }
            tokio::time::sleep(back_off.pause()).await;
        }
    }

    /// Whether no other node has taken office, and the log holds what was seen of it.
    async fn may_go_on(&self, session: &mut D::Session) -> Result<bool, sqlx::Error> {
        let incumbent = lead::incumbent(session, &self.limits).await?;
        if incumbent.is_some_and(|incumbent| incumbent.node != self.node.id) {
            return Ok(false);
        }
        match lead::compare(session, &self.limits, self.shared.seen()).await? {
            None => Ok(true),
            Some(fork) => {
                self.stand_back(fork);
                Ok(false)
            }
        }
    }

    /// Until when somebody who asked at `oldest` waits.
    pub(super) fn deadline(&self, oldest: Option<Instant>) -> Instant {
        oldest.unwrap_or_else(Instant::now) + self.limits.outage_wait
    }
}
