//! The task that keeps house: says what is in memory, and lets go of what nobody used for long.

use std::sync::Weak;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::PostgresLog;
use crate::EventLog as _;

const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn keep_house(log: Weak<PostgresLog>, cancel: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(ticks.tick()).await.is_some() {
        let Some(log) = log.upgrade() else { return };
        log.hot_aggregates().keep_house();
    }
}
