//! A part of the log that dies takes the process down: another one goes on. Both clients unwrap what a node answers.

use esdb_fake::{Fault, ReadFault};
use event_log::AppendError;

use super::rules::append;
use super::support::{By, Opened, by_each};

by_each! {
    an_append_that_panics_is_the_end
    a_subscription_that_panics_is_the_end
}

async fn an_append_that_panics_is_the_end(by: By) {
    let opened = Opened::new(by).await;
    opened.fake().faults().next(Fault::StoredAndEmpty);
    let outcome = opened.log.append(vec![append("a", 0, 1)]).await.remove(0);
    assert!(matches!(outcome, Err(AppendError::Unavailable(_))), "{outcome:?}");
    opened.is_over().await;
    opened.close().await;
}

/// It looks into silence.
async fn a_subscription_that_panics_is_the_end(by: By) {
    let opened = Opened::watchful(by).await;
    opened.fake().faults().next_read(ReadFault::Empty);
    opened.is_over().await;
    opened.close().await;
}
