//! Payments: once, whatever is repeated.

use stripe_fake::Fault;

use super::*;
use crate::{IntentState, PaymentNames};

#[tokio::test]
async fn an_intent_is_made_once_and_names_its_ticket() {
    let (fake, stripe) = fake().await;
    let first = stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(first.state, IntentState::Pending);
    let again = stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(again, first);
    let other = stripe.create_intent(intent_request(2)).await.unwrap();
    assert_ne!(other.provider_ref, first.provider_ref);
    assert_eq!(fake.intents().len(), 2);
    let found = stripe.find_payment(&first.provider_ref).await.unwrap();
    let names = PaymentNames {
        payment_id: payment_id(1),
        ticket_id: ticket_id(1),
    };
    assert_eq!(found.names, Some(names));
}

#[tokio::test]
async fn the_same_ids_with_another_amount_are_refused() {
    let (_fake, stripe) = fake().await;
    stripe.create_intent(intent_request(1)).await.unwrap();
    let other = CreateIntent {
        amount: usd(2_000),
        ..intent_request(1)
    };
    assert_refused(stripe.create_intent(other).await, "idempotency_mismatch");
}

#[tokio::test]
async fn a_repeat_tells_what_became_of_the_payment_not_what_it_was_at_first() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    let again = stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(again.provider_ref, intent.provider_ref);
    assert_eq!(again.state, IntentState::Captured { fee: usd(59) });
}

#[tokio::test]
async fn many_calls_at_once_make_one_intent() {
    let (fake, stripe) = fake().await;
    let calls = (0..20).map(|_| stripe.create_intent(intent_request(1)));
    let intents = futures::future::join_all(calls).await;
    let first = intents[0].as_ref().unwrap().provider_ref.clone();
    assert!(intents.into_iter().all(|intent| intent.unwrap().provider_ref == first));
    assert_eq!(fake.intents().len(), 1);
}

#[tokio::test]
async fn a_declined_card_and_a_bank_that_asks_are_told_apart() {
    let (fake, stripe) = fake().await;
    let intent = stripe.create_intent(intent_request(1)).await.unwrap();
    confirm(&fake, &intent, Card::Asks);
    let state = async || stripe.find_payment(&intent.provider_ref).await.unwrap().intent.state;
    assert_eq!(state().await, IntentState::RequiresAction);
    assert!(fake.authenticate(&intent.provider_ref, false));
    let reason = "payment_intent_authentication_failure".to_owned();
    assert_eq!(state().await, IntentState::Declined { reason });
    confirm(&fake, &intent, Card::Declined("insufficient_funds"));
    let reason = "insufficient_funds".to_owned();
    assert_eq!(state().await, IntentState::Declined { reason });
    confirm(&fake, &intent, Card::Asks);
    assert!(fake.authenticate(&intent.provider_ref, true));
    assert_eq!(state().await, IntentState::Captured { fee: usd(59) });
}

#[tokio::test]
async fn a_capture_whose_fee_is_not_booked_is_pending_for_now() {
    let (fake, stripe) = fake().await;
    fake.set_books_late(true);
    let intent = captured(&fake, &stripe, 1).await;
    let state = async || stripe.find_payment(&intent.provider_ref).await.unwrap().intent.state;
    assert_eq!(state().await, IntentState::Pending);
    fake.book(&intent.provider_ref);
    assert_eq!(state().await, IntentState::Captured { fee: usd(59) });
}

#[tokio::test]
async fn what_is_called_off_cannot_be_paid() {
    let (fake, stripe) = fake().await;
    let intent = stripe.create_intent(intent_request(1)).await.unwrap();
    for _ in 0..2 {
        let request = cancel_request(1, Some(&intent.provider_ref));
        assert_eq!(
            stripe.cancel_intent(request).await.unwrap().state,
            IntentState::Cancelled
        );
    }
    assert!(!fake.confirm(&intent.provider_ref, &intent.client_secret, Card::Pays));
}

#[tokio::test]
async fn calling_off_what_is_paid_tells_that_it_is_paid() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    let cancelled = stripe
        .cancel_intent(cancel_request(1, Some(&intent.provider_ref)))
        .await;
    assert_eq!(cancelled.unwrap().state, IntentState::Captured { fee: usd(59) });
}

#[tokio::test]
async fn an_intent_whose_answer_was_lost_is_called_off_by_its_ids() {
    let (fake, stripe) = fake().await;
    fake.script("POST", "/v1/payment_intents", Fault::LoseAnswer, usize::MAX);
    let short = StripeConfig {
        call_limit: ATTEMPT / 2,
        ..config(fake.url())
    };
    let impatient = Stripe::new(short).unwrap();
    assert_unavailable(&impatient.create_intent(intent_request(1)).await);
    fake.clear_script();
    let cancelled = stripe.cancel_intent(cancel_request(1, None)).await.unwrap();
    assert_eq!(cancelled.state, IntentState::Cancelled);
    assert_eq!(fake.intents().len(), 1);
    assert_eq!(fake.intents()[0]["status"], "canceled");
}

#[tokio::test]
async fn a_reference_that_is_none_goes_into_no_path() {
    let (fake, stripe) = fake().await;
    for forged in ["", "../accounts", "pi_1/cancel", "pi_1?x=1", "pi 1"] {
        assert_refused(stripe.find_payment(forged).await, "invalid_reference");
    }
    assert_eq!(fake.call_count("GET", "/"), 0);
}
