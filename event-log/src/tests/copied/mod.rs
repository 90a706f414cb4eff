//! A copy of another log: made once, made again, by two, and of the wrong one.

mod answers;
mod elsewhere;
mod forks;
mod made;
mod moving;

use std::sync::Arc;

use sqlx::PgPool;

pub(super) use self::elsewhere::Elsewhere;
use super::support::{Opened, Tasks, append, until};
use crate::copied::CopyError;
use crate::leader::Leader;
use crate::{CopiedLog, EventLog, Head, LogLimits, Witness};

/// A log in memory stands for the other one; the copy is a real database.
pub(super) struct Copied {
    log: Arc<CopiedLog>,
    pub(super) opened: Opened,
    tasks: Tasks,
}

impl Copied {
    /// One that leads.
    pub(super) async fn of(source: Arc<dyn EventLog>, pool: &PgPool) -> Self {
        let copied = Self::open(source, pool).await.unwrap();
        copied.leads().await;
        copied
    }

    async fn open(source: Arc<dyn EventLog>, pool: &PgPool) -> Result<Self, CopyError> {
        Self::open_with(source, pool, None).await
    }

    async fn open_with(source: Arc<dyn EventLog>, pool: &PgPool, witness: Option<Witness>) -> Result<Self, CopyError> {
        let limits = LogLimits {
            startup_wait: std::time::Duration::from_secs(2),
            ..LogLimits::default()
        };
        let opened = Opened::of_copy(pool, limits.clone(), witness).await;
        let tasks = Tasks::default();
        let started = CopiedLog::start(
            source,
            Arc::clone(&opened.log),
            &limits,
            &tasks.tracker,
            (tasks.cancel.clone(), opened.beneath()),
        );
        match started.await {
            Ok(log) => Ok(Self { log, opened, tasks }),
            Err(error) => {
                opened.close().await;
                Err(error)
            }
        }
    }

    pub(super) fn port(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.log) as _
    }

    pub(super) async fn close(self) {
        self.tasks.close().await;
        self.opened.close().await;
    }

    async fn leads(&self) {
        let mut leader = self.log.leader();
        until("it leads", async || *leader.borrow_and_update() == Leader::Here).await;
    }
}

async fn recorded(log: &dyn EventLog, id: &str, expected_version: u64) -> u64 {
    let outcome = log.append(vec![append(id, expected_version, 1)]).await.remove(0);
    outcome.unwrap().position
}

async fn head_is(log: &dyn EventLog, position: u64) -> Head {
    until("the copy is there", async || {
        log.head().await.unwrap().position == position
    })
    .await;
    log.head().await.unwrap()
}

const FORGET_COPY: &str = "DELETE FROM events; DELETE FROM log_origin";
