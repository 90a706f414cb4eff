//! Transfers to hosts.

use sqlx::PgPool;

use super::*;
use crate::MovementState;
use crate::sandbox::ReturnTransferError;

#[sqlx::test(migrations = "../migrations")]
async fn a_transfer_is_paid_at_once_and_only_once(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let first = sandbox
        .create_transfer(transfer_request(1, "acct_1", 700))
        .await
        .unwrap();
    assert_eq!(first.state, MovementState::Completed);
    let again = sandbox
        .create_transfer(transfer_request(1, "acct_1", 700))
        .await
        .unwrap();
    assert_eq!(again, first);
    let expected = ProviderEventKind::TransferPaid {
        payout_id: payout_id(1),
    };
    assert_eq!(all_kinds(&sandbox).await, [expected]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_failing_destination_fails_with_an_event(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let request = transfer_request(1, "acct_fail_1", 700);
    let movement = sandbox.create_transfer(request.clone()).await.unwrap();
    let reason = "destination_refused".to_owned();
    assert_eq!(movement.state, MovementState::Failed { reason: reason.clone() });
    assert_eq!(sandbox.create_transfer(request).await.unwrap(), movement);
    let expected = ProviderEventKind::TransferFailed {
        payout_id: payout_id(1),
        reason,
    };
    assert_eq!(all_kinds(&sandbox).await, [expected]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_id_with_other_parameters_is_refused(pool: PgPool) {
    let sandbox = sandbox(&pool);
    sandbox
        .create_transfer(transfer_request(1, "acct_1", 700))
        .await
        .unwrap();
    for other in [transfer_request(1, "acct_2", 700), transfer_request(1, "acct_1", 701)] {
        assert_refused(sandbox.create_transfer(other).await, "idempotency_mismatch");
    }
    assert_eq!(all_events(&sandbox).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_id_is_no_payout_id(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_000).await;
    sandbox.refund(refund_request(1, 1, &intent, 700)).await.unwrap();
    let transfer = CreateTransfer {
        payout_id: PayoutId::from_uuid(refund_id(1).as_uuid()),
        ..transfer_request(1, "acct_1", 700)
    };
    assert_refused(sandbox.create_transfer(transfer).await, "idempotency_mismatch");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_transfer_needs_an_amount_and_a_destination(pool: PgPool) {
    let sandbox = sandbox(&pool);
    for minor in [0, -1] {
        let transfer = transfer_request(1, "acct_1", minor);
        assert_refused(sandbox.create_transfer(transfer).await, "invalid_amount");
    }
    for destination in ["", "acct\0"] {
        let transfer = transfer_request(1, destination, 1);
        assert_refused(sandbox.create_transfer(transfer).await, "invalid_destination");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paid_transfer_comes_back_once_and_a_failed_one_never_left(pool: PgPool) {
    let sandbox = sandbox(&pool);
    for (number, destination) in [(1, "acct_1"), (2, "acct_fail_1")] {
        let transfer = transfer_request(number, destination, 700);
        sandbox.create_transfer(transfer).await.unwrap();
    }
    for _ in 0..2 {
        sandbox.return_transfer(payout_id(1), "account_closed").await.unwrap();
    }
    let failed = sandbox.return_transfer(payout_id(2), "account_closed").await;
    assert!(matches!(failed, Err(ReturnTransferError::NotPaid)));
    let unknown = sandbox.return_transfer(payout_id(3), "account_closed").await;
    assert!(matches!(unknown, Err(ReturnTransferError::Unknown)));
    let returned = ProviderEventKind::TransferReturned {
        payout_id: payout_id(1),
        amount: usd(700),
        reason: "account_closed".to_owned(),
    };
    let kinds = all_kinds(&sandbox).await;
    assert_eq!((kinds.len(), kinds.last()), (3, Some(&returned)));
}
