//! The port's contract, by each of the engine's clients.

use std::sync::Arc;

use esdb_fake::EsdbFake;
use event_log::ManualClock;

use super::rules::{at, each_rule};
use super::support::{By, Opened, by_each};

macro_rules! contract {
    ($($name:ident)+) => {
        $(
            async fn $name(by: By) {
                let opened = Opened::new(by).await;
                crate::tests::rules::$name(opened.port()).await;
                opened.close().await;
            }
        )+

        by_each! {
            $($name)+
            time_never_goes_back
        }
    };
}

each_rule!(contract);

async fn time_never_goes_back(by: By) {
    let clock = ManualClock::new(at(1000));
    let opened = Opened::on(EsdbFake::start().unwrap(), Arc::new(clock.clone()), by).await;
    super::rules::time_never_goes_back(opened.port(), clock).await;
    opened.close().await;
}
