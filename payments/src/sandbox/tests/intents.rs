//! Creating, confirming and cancelling intents.

use domain::BasisPoints;
use sqlx::PgPool;

use super::*;
use crate::IntentState;
use crate::sandbox::ConfirmError;

#[sqlx::test(migrations = "../migrations")]
async fn an_intent_is_pending_and_has_a_secret_of_its_own(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let first = pending(&sandbox, 1, 1_000).await;
    let second = pending(&sandbox, 2, 1_000).await;
    assert_eq!(first.state, IntentState::Pending);
    assert_ne!(first.provider_ref, second.provider_ref);
    let tail = |intent: &Intent| intent.client_secret.rsplit('_').next().unwrap().to_owned();
    assert_eq!(tail(&first).len(), 64, "256 random bits");
    assert_ne!(tail(&first), tail(&second));
    assert_eq!(all_events(&sandbox).await, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_intent_twice_is_one(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let first = pending(&sandbox, 1, 1_000).await;
    assert_eq!(pending(&sandbox, 1, 1_000).await, first);
    let confirmed = sandbox
        .confirm(&first.provider_ref, &first.client_secret, Confirmation::ok())
        .await
        .unwrap();
    assert_eq!(
        pending(&sandbox, 1, 1_000).await,
        confirmed,
        "with the state it has by now"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_intent_id_with_other_parameters_is_refused(pool: PgPool) {
    let sandbox = sandbox(&pool);
    pending(&sandbox, 1, 1_000).await;
    let other_amount = intent_request(1, 1_001);
    assert_refused(sandbox.create_intent(other_amount).await, "idempotency_mismatch");
    let other_currency = CreateIntent {
        amount: Money::new(1_000, Currency::EUR),
        ..intent_request(1, 1_000)
    };
    assert_refused(sandbox.create_intent(other_currency).await, "idempotency_mismatch");
    let other_ticket = CreateIntent {
        ticket_id: ticket_id(2),
        ..intent_request(1, 1_000)
    };
    assert_refused(sandbox.create_intent(other_ticket).await, "idempotency_mismatch");
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_and_less_cannot_be_collected(pool: PgPool) {
    let sandbox = sandbox(&pool);
    for minor in [0, -1] {
        assert_refused(sandbox.create_intent(intent_request(1, minor)).await, "invalid_amount");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_card_that_pays_is_captured_less_the_fee(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_999).await;
    let fee = usd(57 + 30);
    assert_eq!(intent.state, IntentState::Captured { fee });
    let events = all_events(&sandbox).await;
    let expected = ProviderEvent {
        id: events[0].id.clone(),
        created_at: HandClock::at_noon().now(),
        kind: ProviderEventKind::PaymentCaptured {
            payment_id: payment_id(1),
            ticket_id: ticket_id(1),
            provider_ref: intent.provider_ref,
            amount: usd(1_999),
            fee: Some(fee),
        },
    };
    assert_eq!(events, [expected]);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_fee_is_configured_and_never_above_the_amount(pool: PgPool) {
    let configured = SandboxConfig {
        fee_bp: BasisPoints::try_new(1_000).unwrap(),
        fee_fixed_minor: 5,
        ..config(&HandClock::at_noon())
    };
    assert_eq!(configured.fee_on(usd(199)), usd(24));
    assert_eq!(configured.fee_on(usd(3)), usd(3));
    assert_eq!(configured.fee_on(usd(i64::MAX)), usd(i64::MAX / 10 + 5));
    let all = SandboxConfig {
        fee_bp: BasisPoints::try_new(10_000).unwrap(),
        ..configured.clone()
    };
    assert_eq!(all.fee_on(usd(i64::MAX)), usd(i64::MAX));
    let sandbox = Sandbox::new(pool, configured);
    assert_eq!(
        captured(&sandbox, 1, 3).await.state,
        IntentState::Captured { fee: usd(3) }
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn only_the_secret_confirms(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let first = pending(&sandbox, 1, 1_000).await;
    let second = pending(&sandbox, 2, 1_000).await;
    let attempts = [
        (first.provider_ref.as_str(), second.client_secret.as_str()),
        (first.provider_ref.as_str(), ""),
        ("pi_unknown", first.client_secret.as_str()),
        ("pi_\0", first.client_secret.as_str()),
    ];
    for (provider_ref, secret) in attempts {
        let outcome = sandbox.confirm(provider_ref, secret, Confirmation::ok()).await;
        assert!(
            matches!(outcome, Err(ConfirmError::Unknown)),
            "{provider_ref:?}: {outcome:?}"
        );
    }
    assert_eq!(pending(&sandbox, 1, 1_000).await.state, IntentState::Pending);
    assert_eq!(all_events(&sandbox).await, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_captured_intent_stays_captured(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_000).await;
    let confirm = |confirmation| sandbox.confirm(&intent.provider_ref, &intent.client_secret, confirmation);
    assert_eq!(confirm(Confirmation::ok()).await.unwrap(), intent);
    assert_eq!(confirm(with_webhook(Delivery::Twice)).await.unwrap(), intent);
    let outcome = confirm(declined("too_late")).await;
    assert!(matches!(outcome, Err(ConfirmError::Settled { state }) if state == intent.state));
    assert_eq!(sandbox.cancel_intent(cancel_request(1)).await.unwrap(), intent);
    assert_eq!(all_events(&sandbox).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_declined_intent_stays_declined_and_the_next_attempt_is_a_new_one(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = confirmed(&sandbox, 1, 1_000, declined("card_declined")).await;
    let reason = "card_declined".to_owned();
    assert_eq!(intent.state, IntentState::Declined { reason: reason.clone() });
    let confirm = |confirmation| sandbox.confirm(&intent.provider_ref, &intent.client_secret, confirmation);
    assert_eq!(confirm(declined("card_declined")).await.unwrap(), intent);
    for other in [Confirmation::ok(), declined("stolen_card")] {
        let outcome = confirm(other).await;
        assert!(matches!(outcome, Err(ConfirmError::Settled { state }) if state == intent.state));
    }
    assert_eq!(sandbox.cancel_intent(cancel_request(1)).await.unwrap(), intent);
    let next = captured(&sandbox, 2, 1_000).await;
    assert!(matches!(next.state, IntentState::Captured { .. }));
    let kinds = all_kinds(&sandbox).await;
    let expected = ProviderEventKind::PaymentDeclined {
        payment_id: payment_id(1),
        ticket_id: ticket_id(1),
        reason,
    };
    assert_eq!(kinds.len(), 2);
    assert_eq!(kinds[0], expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_intent_cannot_be_paid(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = pending(&sandbox, 1, 1_000).await;
    let cancelled = sandbox.cancel_intent(cancel_request(1)).await.unwrap();
    assert_eq!(cancelled.state, IntentState::Cancelled);
    assert_eq!(sandbox.cancel_intent(cancel_request(1)).await.unwrap(), cancelled);
    for confirmation in [Confirmation::ok(), declined("card_declined")] {
        let outcome = sandbox
            .confirm(&intent.provider_ref, &intent.client_secret, confirmation)
            .await;
        assert!(matches!(
            outcome,
            Err(ConfirmError::Settled {
                state: IntentState::Cancelled
            })
        ));
    }
    assert_eq!(all_events(&sandbox).await, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_unknown_intent_cannot_be_cancelled(pool: PgPool) {
    assert_refused(sandbox(&pool).cancel_intent(cancel_request(1)).await, "unknown_payment");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_restart_keeps_everything(pool: PgPool) {
    let before = sandbox(&pool);
    let waiting = pending(&before, 1, 1_000).await;
    let paid = captured(&before, 2, 1_000).await;
    let refund = refund_request(1, 2, &paid, 400);
    let refunded = before.refund(refund.clone()).await.unwrap();
    let transfer = transfer_request(1, "acct_1", 500);
    let transferred = before.create_transfer(transfer.clone()).await.unwrap();
    let events = all_events(&before).await;
    drop(before);

    let after = sandbox(&pool);
    assert_eq!(pending(&after, 1, 1_000).await, waiting);
    assert_eq!(pending(&after, 2, 1_000).await, paid);
    assert_eq!(after.refund(refund).await.unwrap(), refunded);
    assert_eq!(after.create_transfer(transfer).await.unwrap(), transferred);
    assert_eq!(all_events(&after).await, events);
    let confirmed = after.confirm(&waiting.provider_ref, &waiting.client_secret, Confirmation::ok());
    assert!(matches!(confirmed.await.unwrap().state, IntentState::Captured { .. }));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_database_that_is_away_means_unknown_not_refused(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = pending(&sandbox, 1, 1_000).await;
    pool.close().await;
    let outcome = sandbox.create_intent(intent_request(1, 1_000)).await;
    assert!(matches!(outcome, Err(ProviderError::Unavailable(_))));
    let outcome = sandbox
        .confirm(&intent.provider_ref, &intent.client_secret, Confirmation::ok())
        .await;
    assert!(matches!(outcome, Err(ConfirmError::Unavailable(_))));
}
