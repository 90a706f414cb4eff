//! The port's contract.

use std::sync::Arc;

use esdb_fake::EsdbFake;
use event_log::ManualClock;

use super::rules::{at, each_rule, time_never_goes_back};
use super::support::Opened;

macro_rules! contract {
    ($($name:ident)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                let opened = Opened::new().await;
                crate::tests::rules::$name(opened.port()).await;
                opened.close().await;
            }
        )+
    };
}

each_rule!(contract);

#[tokio::test]
async fn time_never_goes_back_on_the_engine() {
    let clock = ManualClock::new(at(1000));
    let opened = Opened::on(EsdbFake::start().unwrap(), Arc::new(clock.clone())).await;
    time_never_goes_back(opened.port(), clock).await;
    opened.close().await;
}
