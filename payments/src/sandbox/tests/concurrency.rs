//! Two at once, and many.

use futures::future::join_all;
use futures::{StreamExt, stream};
use sqlx::PgPool;

use super::*;
use crate::IntentState;
use crate::sandbox::ConfirmError;
use crate::sandbox::store::deliveries::{self, Schedule};
use crate::sandbox::store::events;
use crate::sandbox::worker::LEASE;

#[sqlx::test(migrations = "../migrations")]
async fn of_a_confirmation_and_a_cancellation_exactly_one_wins(pool: PgPool) {
    let sandbox = sandbox(&pool);
    for n in 1..=20 {
        let intent = pending(&sandbox, n, 1_000).await;
        let confirm = sandbox.confirm(&intent.provider_ref, &intent.client_secret, Confirmation::ok());
        let (confirmed, cancelled) = if n % 2 == 0 {
            tokio::join!(confirm, sandbox.cancel_intent(cancel_request(n)))
        } else {
            let (cancelled, confirmed) = tokio::join!(sandbox.cancel_intent(cancel_request(n)), confirm);
            (confirmed, cancelled)
        };
        let cancelled = cancelled.unwrap();
        match confirmed {
            Ok(confirmed) => assert_eq!(cancelled, confirmed, "the cancellation tells of the capture"),
            Err(ConfirmError::Settled { state }) => {
                assert_eq!(state, IntentState::Cancelled);
                assert_eq!(cancelled.state, IntentState::Cancelled);
            }
            Err(other) => panic!("{other:?}"),
        }
        let captures = all_events(&sandbox).await;
        let captures = captures.iter().filter(|event| is_capture_of(event, payment_id(n)));
        let is_captured = matches!(cancelled.state, IntentState::Captured { .. });
        assert_eq!(captures.count(), usize::from(is_captured));
    }
}

fn is_capture_of(event: &ProviderEvent, id: PaymentId) -> bool {
    matches!(&event.kind, ProviderEventKind::PaymentCaptured { payment_id, .. } if *payment_id == id)
}

#[sqlx::test(migrations = "../migrations")]
async fn many_confirmations_of_one_intent_are_one_capture(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = pending(&sandbox, 1, 1_000).await;
    let confirm = |_| sandbox.confirm(&intent.provider_ref, &intent.client_secret, Confirmation::ok());
    let answers = join_all((0..10).map(confirm)).await;
    let answers: Vec<Intent> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(all_events(&sandbox).await.len(), 1);
}

/// PostgreSQL's text holds no NUL: the database refuses that one row, and with it the statement it came in.
#[sqlx::test(migrations = "../migrations")]
async fn a_call_that_cannot_be_written_fails_alone(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intents = join_all((1..=10).map(|n| pending(&sandbox, n, 1_000))).await;
    let confirm = |(number, intent): (usize, &Intent)| {
        let confirmation = if number == 4 {
            declined("a\0b")
        } else {
            Confirmation::ok()
        };
        let (reference, secret) = (intent.provider_ref.clone(), intent.client_secret.clone());
        let sandbox = &sandbox;
        async move { sandbox.confirm(&reference, &secret, confirmation).await }
    };
    let outcomes = join_all(intents.iter().enumerate().map(confirm)).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(intent) => assert!(matches!(intent.state, IntentState::Captured { .. })),
            Err(error) => assert!(
                number == 4 && matches!(error, ConfirmError::Unavailable(_)),
                "{number}: {error:?}"
            ),
        }
    }
    assert_eq!(all_events(&sandbox).await.len(), 9);
}

#[sqlx::test(migrations = "../migrations")]
async fn many_creations_of_one_intent_are_one(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let answers = join_all((0..10).map(|_| sandbox.create_intent(intent_request(1, 1_000)))).await;
    let answers: Vec<Intent> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[sqlx::test(migrations = "../migrations")]
async fn racing_refunds_never_exceed_the_capture(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_000).await;
    let requests = (1..=10).map(|n| refund_request(n, 1, &intent, 300));
    let outcomes = join_all(requests.map(|request| sandbox.refund(request))).await;
    let (paid, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(paid.len(), 3);
    for outcome in refused {
        assert_refused(outcome, "refund_exceeds_captured");
    }
    assert_eq!(all_events(&sandbox).await.len(), 4);
}

#[sqlx::test(migrations = "../migrations")]
async fn one_refund_id_racing_over_two_payments_is_one_refund(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let first = captured(&sandbox, 1, 1_000).await;
    let second = captured(&sandbox, 2, 1_000).await;
    let (one, other) = tokio::join!(
        sandbox.refund(refund_request(1, 1, &first, 300)),
        sandbox.refund(refund_request(1, 2, &second, 300))
    );
    let loser = if one.is_ok() { other } else { one };
    assert_refused(loser, "idempotency_mismatch");
    assert_eq!(all_events(&sandbox).await.len(), 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn many_calls_for_one_transfer_are_one(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let calls = (0..10).map(|_| sandbox.create_transfer(transfer_request(1, "acct_1", 700)));
    let answers = join_all(calls).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(all_events(&sandbox).await.len(), 1);
}

/// An event that has its number but is not committed yet: no later event may be seen before it.
#[sqlx::test(migrations = "../migrations")]
async fn no_event_overtakes_an_earlier_one(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = pending(&sandbox, 1, 1_000).await;
    let now = HandClock::at_noon().now();
    let early = ProviderEvent {
        id: "evt_early".to_owned(),
        created_at: now,
        kind: ProviderEventKind::Other {
            name: "early".to_owned(),
        },
    };
    let mut tx = pooling::begin(&pool).await.unwrap();
    let announcement = (early.clone(), Schedule::once(now));
    events::record(&mut tx, &[announcement]).await.unwrap();
    let confirm = sandbox.confirm(&intent.provider_ref, &intent.client_secret, Confirmation::ok());
    let commit = async {
        eventually("the confirmation waits its turn", || async {
            let waiting = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!" FROM pg_locks
                WHERE locktype = 'advisory' AND NOT granted
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"#
            );
            waiting.fetch_one(&pool).await.unwrap() == 1
        })
        .await;
        assert_eq!(all_events(&sandbox).await, []);
        tx.commit().await.unwrap();
    };
    let (confirmed, ()) = tokio::join!(confirm, commit);
    confirmed.unwrap();
    let events = all_events(&sandbox).await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], early);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_poller_beside_many_confirmations_misses_none(pool: PgPool) {
    const PAYMENTS: usize = 60;
    const AT_ONCE: usize = 8;
    let sandbox = sandbox(&pool);
    let captures = stream::iter(1..=PAYMENTS as u128).map(|n| captured(&sandbox, n, 1_000));
    let captures = captures.buffer_unordered(AT_ONCE).collect::<Vec<_>>();
    let poller = async {
        let mut cursor: Option<String> = None;
        let mut seen = Vec::new();
        while seen.len() < PAYMENTS {
            let page = sandbox.list_events(cursor.as_deref(), 7).await.unwrap();
            cursor = page.next.or(cursor);
            seen.extend(page.events);
        }
        seen
    };
    let both = async { tokio::join!(captures, poller) };
    let (_, seen) = tokio::time::timeout(WAIT_MAX, both)
        .await
        .expect("the poller sees every event");
    assert_eq!(seen, all_events(&sandbox).await);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_delivery_is_claimed_by_one_worker(pool: PgPool) {
    const DELIVERIES: u128 = 30;
    let sandbox = sandbox(&pool);
    for n in 1..=DELIVERIES {
        captured(&sandbox, n, 1_000).await;
    }
    let now = HandClock::at_noon().now();
    let mut tx = pooling::begin(&pool).await.unwrap();
    let first = deliveries::claim(&mut *tx, now, LEASE, 20).await.unwrap();
    let second = deliveries::claim(&pool, now, LEASE, 20);
    let second = tokio::time::timeout(WAIT_MAX, second)
        .await
        .expect("a claim waits for nobody");
    tx.commit().await.unwrap();
    let mut ids: Vec<i64> = first
        .iter()
        .chain(&second.unwrap())
        .map(|delivery| delivery.id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(first.len(), 20);
    assert_eq!(ids.len() as u128, DELIVERIES, "together they have all, and none twice");
}
