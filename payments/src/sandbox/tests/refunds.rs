//! Refunds never exceed the capture.

use sqlx::PgPool;

use super::*;
use crate::MovementState;

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_completes_at_once_with_an_event(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_000).await;
    let movement = sandbox.refund(refund_request(1, 1, &intent, 400)).await.unwrap();
    assert_eq!(movement.state, MovementState::Completed);
    let expected = ProviderEventKind::RefundCompleted {
        refund_id: refund_id(1),
        payment_id: payment_id(1),
        ticket_id: ticket_id(1),
    };
    assert_eq!(all_kinds(&sandbox).await[1..], [expected]);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_refund_twice_is_one(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_000).await;
    let first = sandbox.refund(refund_request(1, 1, &intent, 600)).await.unwrap();
    assert_eq!(sandbox.refund(refund_request(1, 1, &intent, 600)).await.unwrap(), first);
    assert_eq!(all_events(&sandbox).await.len(), 2);
    sandbox.refund(refund_request(2, 1, &intent, 400)).await.unwrap();
    assert_eq!(
        sandbox.refund(refund_request(1, 1, &intent, 600)).await.unwrap(),
        first,
        "also when nothing is left to refund"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_id_with_other_parameters_is_refused(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let first = captured(&sandbox, 1, 1_000).await;
    let second = captured(&sandbox, 2, 1_000).await;
    sandbox.refund(refund_request(1, 1, &first, 600)).await.unwrap();
    let other_amount = refund_request(1, 1, &first, 100);
    assert_refused(sandbox.refund(other_amount).await, "idempotency_mismatch");
    let other_payment = refund_request(1, 2, &second, 600);
    assert_refused(sandbox.refund(other_payment).await, "idempotency_mismatch");
    assert_eq!(all_events(&sandbox).await.len(), 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn refunds_stop_at_what_was_captured(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_000).await;
    sandbox.refund(refund_request(1, 1, &intent, 600)).await.unwrap();
    let too_much = sandbox.refund(refund_request(2, 1, &intent, 401)).await;
    assert_refused(too_much, "refund_exceeds_captured");
    sandbox.refund(refund_request(2, 1, &intent, 400)).await.unwrap();
    let one_more = sandbox.refund(refund_request(3, 1, &intent, 1)).await;
    assert_refused(one_more, "refund_exceeds_captured");
    let overflowing = sandbox.refund(refund_request(3, 1, &intent, i64::MAX)).await;
    assert_refused(overflowing, "refund_exceeds_captured");
    assert_eq!(all_events(&sandbox).await.len(), 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn only_captured_money_goes_back(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let waiting = pending(&sandbox, 1, 1_000).await;
    assert_refused(sandbox.refund(refund_request(1, 1, &waiting, 1)).await, "not_captured");
    let refused = confirmed(&sandbox, 2, 1_000, declined("card_declined")).await;
    assert_refused(sandbox.refund(refund_request(1, 2, &refused, 1)).await, "not_captured");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_names_its_payment_amount_and_currency_rightly(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_000).await;
    let another = captured(&sandbox, 2, 1_000).await;
    let mixed_up = refund_request(1, 1, &another, 100);
    assert_refused(sandbox.refund(mixed_up).await, "unknown_payment");
    let unknown = CreateRefund {
        payment_ref: "pi_unknown".to_owned(),
        ..refund_request(1, 1, &intent, 100)
    };
    assert_refused(sandbox.refund(unknown).await, "unknown_payment");
    for minor in [0, -100] {
        let refund = refund_request(1, 1, &intent, minor);
        assert_refused(sandbox.refund(refund).await, "invalid_amount");
    }
    let foreign = CreateRefund {
        amount: Money::new(100, Currency::EUR),
        ..refund_request(1, 1, &intent, 100)
    };
    assert_refused(sandbox.refund(foreign).await, "currency_mismatch");
}
