//! What Stripe tells, as the port has it.

use super::*;
use crate::{Dispute, DisputeStage, MovementState};

#[tokio::test]
async fn a_payments_story_is_told_in_order() {
    let (fake, stripe) = fake().await;
    let intent = stripe.create_intent(intent_request(1)).await.unwrap();
    confirm(&fake, &intent, Card::Asks);
    assert!(fake.authenticate(&intent.provider_ref, false));
    confirm(&fake, &intent, Card::Pays);
    let (payment_id, ticket_id) = (payment_id(1), ticket_id(1));
    let expected = [
        ProviderEventKind::PaymentRequiresAction { payment_id, ticket_id },
        ProviderEventKind::PaymentDeclined {
            payment_id,
            ticket_id,
            reason: "payment_intent_authentication_failure".to_owned(),
        },
        ProviderEventKind::PaymentCaptured {
            payment_id,
            ticket_id,
            provider_ref: intent.provider_ref,
            amount: usd(1_000),
            fee: None,
        },
    ];
    assert_eq!(all_kinds(&stripe).await, expected);
}

#[tokio::test]
async fn a_refund_that_waits_says_nothing_and_then_how_it_ended() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    fake.set_refunds_wait(true);
    let refund = stripe.refund(refund_request(1, 1, &intent, 400)).await.unwrap();
    assert_eq!(refund.state, MovementState::Pending);
    fake.end_refund(&refund.provider_ref, None);
    fake.end_refund(&refund.provider_ref, Some("lost_or_stolen_card"));
    let kinds = all_kinds(&stripe).await;
    let (refund_id, payment_id, ticket_id) = (refund_id(1), payment_id(1), ticket_id(1));
    let name = "refund.created".to_owned();
    let expected = [
        ProviderEventKind::Other { name },
        ProviderEventKind::RefundCompleted {
            refund_id,
            payment_id,
            ticket_id,
        },
        ProviderEventKind::RefundFailed {
            refund_id,
            payment_id,
            ticket_id,
            reason: "lost_or_stolen_card".to_owned(),
        },
    ];
    assert_eq!(kinds[1..], expected);
}

#[tokio::test]
async fn a_dispute_names_its_payment_its_stage_and_its_cost() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    let dispute_ref = fake.dispute(&intent.provider_ref).unwrap();
    fake.close_dispute(&dispute_ref, true);
    let opened = Dispute {
        dispute_ref,
        payment_ref: intent.provider_ref,
        stage: DisputeStage::Opened,
        amount: usd(1_000),
        fee: Some(usd(1_500)),
        reason: "fraudulent".to_owned(),
        respond_by: Timestamp::from_timestamp(NOON + 7 * 24 * 60 * 60, 0),
    };
    let won = Dispute {
        stage: DisputeStage::Won,
        ..opened.clone()
    };
    let expected = [ProviderEventKind::Dispute(opened), ProviderEventKind::Dispute(won)];
    assert_eq!(all_kinds(&stripe).await[1..], expected);
}

#[tokio::test]
async fn a_transfer_is_paid_and_may_come_back() {
    let (fake, stripe) = fake().await;
    captured(&fake, &stripe, 1).await;
    fake.add_account("acct_host");
    let transfer = stripe.create_transfer(transfer_request(1, 500)).await.unwrap();
    fake.reverse_transfer(&transfer.provider_ref, 200);
    let payout_id = payout_id(1);
    let returned = ProviderEventKind::TransferReturned {
        payout_id,
        amount: usd(200),
        reason: "transfer_reversed".to_owned(),
    };
    let expected = [ProviderEventKind::TransferPaid { payout_id }, returned];
    assert_eq!(all_kinds(&stripe).await[1..], expected);
}
