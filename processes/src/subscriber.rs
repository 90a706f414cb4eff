//! The one subscriber of all processes: each page's jobs are stored in the transaction that moves the checkpoint.
//!
//! It is the safety net: what was done meanwhile needs no job (`needed`), and everything else has one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{AnyEvent, PayoutEvent};
use event_log::{Recorded, Subscriber, SubscriberError};
use sqlx::PgConnection;

use crate::{
    Deps, NewJob, ProcessSettings, cancellation, checkout, disputes, hold_expiry, jobs, mail, maturity, monthly,
    needed, no_show, payout, people, refunds, settlement, sharing, standing, transfers,
};

/// The checkpoint's name.
pub const SUBSCRIBER: &str = "processes";

/// Everything that follows from an event, by all processes.
pub fn react(recorded: &Recorded, settings: &ProcessSettings) -> Vec<NewJob> {
    [
        checkout::react(recorded, settings),
        hold_expiry::react(recorded),
        refunds::react(recorded),
        cancellation::react(recorded),
        settlement::react(recorded),
        no_show::react(recorded),
        maturity::react(recorded),
        monthly::react(recorded, settings),
        payout::react(recorded),
        transfers::react(recorded),
        disputes::react(recorded),
        sharing::react(recorded),
        standing::react(recorded),
        people::react(recorded),
        if settings.sends_mail {
            mail::react(recorded)
        } else {
            vec![]
        },
    ]
    .concat()
}

pub(crate) struct JobMaker {
    pub(crate) deps: Deps,
}

#[async_trait]
impl Subscriber for JobMaker {
    fn name(&self) -> &'static str {
        SUBSCRIBER
    }

    fn follows_behind(&self) -> Duration {
        self.deps.settings.jobs_follow
    }

    async fn handle(&self, page: &[Arc<Recorded>], transaction: &mut PgConnection) -> Result<(), SubscriberError> {
        let Some(last) = page.last() else {
            return Ok(());
        };
        let deps = &self.deps;
        deps.log.observe(last.position);
        let reactions = page.iter().flat_map(|recorded| react(recorded, &deps.settings));
        let (timers, jobs): (Vec<NewJob>, Vec<NewJob>) = reactions.partition(NewJob::is_timer);
        let count = jobs.len();
        let jobs = needed::still_needed(deps, last.recorded_at, jobs).await;
        metrics::counter!("jobs_not_needed_total").increment((count - jobs.len()) as u64);
        metrics::counter!("jobs_made_total").increment(jobs.len() as u64);
        remember_payout_hosts(page, transaction).await?;
        standing::remember_rooms(page, transaction).await?;
        jobs::store(transaction, &jobs, deps.clock.now()).await?;
        jobs::set_timers(transaction, timers).await?;
        Ok(())
    }
}

/// A provider names a payout by its id alone; the payout's stream is its host's.
async fn remember_payout_hosts(page: &[Arc<Recorded>], transaction: &mut PgConnection) -> sqlx::Result<()> {
    let (mut payouts, mut hosts) = (vec![], vec![]);
    for recorded in page {
        if let AnyEvent::Payout(host, PayoutEvent::PayoutRequested { payout_id, .. }) = &recorded.event {
            payouts.push(payout_id.as_uuid());
            hosts.push(host.as_uuid());
        }
    }
    if payouts.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO payout_hosts (payout_id, host)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[])
         ON CONFLICT (payout_id) DO NOTHING",
        &payouts,
        &hosts,
    )
    .execute(transaction)
    .await?;
    Ok(())
}
