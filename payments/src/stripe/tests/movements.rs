//! Refunds, transfers, accounts: money that leaves, once.

use stripe_fake::Fault;

use super::*;
use crate::MovementState;

const DAY: i64 = 25 * 60 * 60;

#[tokio::test]
async fn a_refund_leaves_once_however_often_it_is_asked_for() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    let request = refund_request(1, 1, &intent, 400);
    let first = stripe.refund(request.clone()).await.unwrap();
    assert_eq!(first.state, MovementState::Completed);
    assert_eq!(stripe.refund(request.clone()).await.unwrap(), first);
    // Also when Stripe has forgotten the key.
    fake.advance_seconds(DAY);
    assert_eq!(stripe.refund(request.clone()).await.unwrap(), first);
    let other_amount = refund_request(1, 1, &intent, 500);
    assert_refused(stripe.refund(other_amount).await, "idempotency_mismatch");
    assert_eq!(fake.refunds().len(), 1);
}

#[tokio::test]
async fn refunds_end_at_what_was_captured() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    stripe.refund(refund_request(1, 1, &intent, 600)).await.unwrap();
    assert_refused(
        stripe.refund(refund_request(2, 1, &intent, 600)).await,
        "amount_too_large",
    );
    stripe.refund(refund_request(3, 1, &intent, 400)).await.unwrap();
    let more = stripe.refund(refund_request(4, 1, &intent, 1)).await;
    assert_refused(more, "charge_already_refunded");
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_not_made_again() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    for fault in [
        Fault::LoseAnswer,
        Fault::Garble,
        Fault::FailAndRemember { is_carried_out: true },
    ] {
        fake.script("POST", "/v1/refunds", fault, 1);
    }
    for n in 1..=3 {
        let request = refund_request(n, 1, &intent, 100);
        let first = stripe.refund(request.clone()).await;
        let movement = match first {
            Ok(movement) => movement,
            Err(_) => stripe.refund(request).await.unwrap(),
        };
        assert_eq!(movement.state, MovementState::Completed);
    }
    assert_eq!(fake.refunds().len(), 3);
}

#[tokio::test]
async fn a_refund_that_failed_is_tried_anew_and_then_stands() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    fake.set_refunds_wait(true);
    let request = refund_request(1, 1, &intent, 1_000);
    let first = stripe.refund(request.clone()).await.unwrap();
    assert_eq!(first.state, MovementState::Pending);
    assert_eq!(stripe.refund(request.clone()).await.unwrap(), first);
    let has_failed = async || {
        stripe
            .has_refund_failed(&intent.provider_ref, refund_id(1))
            .await
            .unwrap()
    };
    assert!(!has_failed().await);
    fake.end_refund(&first.provider_ref, Some("expired_or_canceled_card"));
    assert!(has_failed().await);
    let second = stripe.refund(request.clone()).await.unwrap();
    assert_ne!(second.provider_ref, first.provider_ref);
    fake.end_refund(&second.provider_ref, None);
    let third = stripe.refund(request).await.unwrap();
    assert_eq!(third.provider_ref, second.provider_ref);
    assert_eq!(third.state, MovementState::Completed);
    assert!(!has_failed().await);
    assert_eq!(fake.refunds().len(), 2);
}

#[tokio::test]
async fn a_refund_is_found_among_many() {
    let (fake, stripe) = fake().await;
    let big = CreateIntent {
        amount: usd(100_000),
        ..intent_request(1)
    };
    let intent = stripe.create_intent(big).await.unwrap();
    confirm(&fake, &intent, Card::Pays);
    let first = stripe.refund(refund_request(0, 1, &intent, 1)).await.unwrap();
    for n in 1..=120 {
        stripe.refund(refund_request(n, 1, &intent, 1)).await.unwrap();
    }
    fake.advance_seconds(DAY);
    assert_eq!(stripe.refund(refund_request(0, 1, &intent, 1)).await.unwrap(), first);
    assert_eq!(fake.refunds().len(), 121);
}

#[tokio::test]
async fn a_payout_is_transferred_once_however_often_it_is_asked_for() {
    let (fake, stripe) = fake().await;
    captured(&fake, &stripe, 1).await;
    fake.add_account("acct_host");
    fake.script("POST", "/v1/transfers", Fault::LoseAnswer, 1);
    let first = stripe.create_transfer(transfer_request(1, 500)).await.unwrap();
    assert_eq!(first.state, MovementState::Completed);
    fake.advance_seconds(DAY);
    assert_eq!(stripe.create_transfer(transfer_request(1, 500)).await.unwrap(), first);
    assert_refused(
        stripe.create_transfer(transfer_request(1, 400)).await,
        "idempotency_mismatch",
    );
    assert_eq!(fake.transfers().len(), 1);
}

#[tokio::test]
async fn a_transfer_that_cannot_be_is_refused_with_its_reason() {
    let (fake, stripe) = fake().await;
    captured(&fake, &stripe, 1).await;
    assert_refused(
        stripe.create_transfer(transfer_request(1, 500)).await,
        "resource_missing",
    );
    fake.add_account("acct_host");
    assert_refused(
        stripe.create_transfer(transfer_request(2, 5_000)).await,
        "balance_insufficient",
    );
    assert_eq!(fake.transfers().len(), 0);
}

#[tokio::test]
async fn a_host_gets_one_account_and_a_way_to_complete_it() {
    let (fake, stripe) = fake().await;
    let opened = stripe.open_account(account_request(None)).await.unwrap();
    assert!(!opened.is_ready);
    assert!(opened.onboarding_url.as_ref().unwrap().starts_with("https://"));
    assert_eq!(stripe.open_account(account_request(None)).await.unwrap(), opened);
    // Stripe has forgotten the key, and we know the account.
    fake.advance_seconds(DAY);
    let known = account_request(Some(&opened.destination));
    assert_eq!(stripe.open_account(known).await.unwrap(), opened);
    fake.add_account("acct_complete");
    let complete = stripe
        .open_account(account_request(Some("acct_complete")))
        .await
        .unwrap();
    assert!(complete.is_ready && complete.onboarding_url.is_none());
    // What is no account there is replaced by one that is.
    let replaced = stripe
        .open_account(account_request(Some("bank of mine")))
        .await
        .unwrap();
    assert!(replaced.destination.starts_with("acct_"));
}
