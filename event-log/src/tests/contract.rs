//! The port's contract: each rule is held against every log.

use std::sync::Arc;

use sqlx::PgPool;

use super::rules::{at, each_rule, time_never_goes_back};
use crate::{LogSettings, ManualClock, MemoryLog, PostgresLog};

macro_rules! contract {
    ($($name:ident)+) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $name() {
                    crate::tests::rules::$name(crate::MemoryLog::new()).await;
                }
            )+
        }

        mod postgres {
            $(
                #[sqlx::test(migrations = "../migrations")]
                async fn $name(pool: sqlx::PgPool) {
                    let opened = crate::tests::support::Opened::new(&pool).await;
                    crate::tests::rules::$name(opened.port()).await;
                    opened.close().await;
                }
            )+
        }

        mod copied {
            $(
                #[sqlx::test(migrations = "../migrations")]
                async fn $name(pool: sqlx::PgPool) {
                    let copied = crate::tests::copied::Copied::of(crate::tests::copied::Elsewhere::new(), &pool).await;
                    crate::tests::rules::$name(copied.port()).await;
                    copied.close().await;
                }
            )+
        }
    };
}

each_rule!(contract);

#[tokio::test]
async fn time_never_goes_back_in_memory() {
    let clock = ManualClock::new(at(1000));
    let log = MemoryLog::with(crate::LogLimits::default(), Arc::new(clock.clone()));
    time_never_goes_back(log, clock).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn time_never_goes_back_in_postgres(pool: PgPool) {
    let clock = ManualClock::new(at(1000));
    let tracker = tokio_util::task::TaskTracker::new();
    let cancel = tokio_util::sync::CancellationToken::new();
    let options = pool.connect_options().as_ref().clone();
    let settings = LogSettings {
        clock: Arc::new(clock.clone()),
        ..LogSettings::default()
    };
    let log = PostgresLog::connect_with(options, pool.clone(), settings, &tracker, cancel.clone())
        .await
        .unwrap();
    time_never_goes_back(log, clock).await;
    cancel.cancel();
    tracker.close();
    tracker.wait().await;
}
