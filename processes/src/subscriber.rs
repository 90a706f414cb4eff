//! The one subscriber of all processes: each page's jobs are stored in the transaction that moves the checkpoint.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{AnyEvent, PayoutEvent};
use event_log::{Clock, Recorded, Subscriber, SubscriberError};
use sqlx::PgConnection;

use crate::{NewJob, ProcessSettings, cancellation, checkout, hold_expiry, jobs, payout, refunds, settlement};

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
        payout::react(recorded),
    ]
    .concat()
}

pub(crate) struct JobMaker {
    pub(crate) settings: ProcessSettings,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Subscriber for JobMaker {
    fn name(&self) -> &'static str {
        SUBSCRIBER
    }

    async fn handle(&self, page: &[Arc<Recorded>], transaction: &mut PgConnection) -> Result<(), SubscriberError> {
        let new: Vec<NewJob> = page
            .iter()
            .flat_map(|recorded| react(recorded, &self.settings))
            .collect();
        remember_payout_hosts(page, transaction).await?;
        jobs::store(transaction, &new, self.clock.now()).await?;
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
