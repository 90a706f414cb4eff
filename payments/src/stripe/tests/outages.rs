//! Stripe's bad days.

use secrecy::ExposeSecret;
use stripe_fake::Fault;

use super::*;
use crate::IntentState;
use crate::stripe::StripeError;

const INTENTS: &str = "/v1/payment_intents";

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_with_the_same_key() {
    let (fake, stripe) = fake().await;
    fake.script("POST", INTENTS, Fault::LoseAnswer, 1);
    let intent = stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(fake.intents().len(), 1);
    assert_eq!(fake.intents()[0]["id"], intent.provider_ref);
    assert_eq!(fake.call_count("POST", INTENTS), 2);
}

#[tokio::test]
async fn a_request_that_was_lost_is_sent_again() {
    let (fake, stripe) = fake().await;
    fake.script("POST", INTENTS, Fault::LoseRequest, 1);
    stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(fake.intents().len(), 1);
}

#[tokio::test]
async fn rate_limits_locks_and_failures_are_waited_out() {
    let (fake, stripe) = fake().await;
    for fault in [Fault::RateLimit { retry_after: None }, Fault::InUse, Fault::Fail] {
        fake.script("POST", INTENTS, fault, 1);
    }
    stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(fake.intents().len(), 1);
    assert_eq!(fake.call_count("POST", INTENTS), 4);
}

#[tokio::test]
async fn a_rate_limit_makes_every_call_wait_as_long_as_told() {
    let (fake, stripe) = fake().await;
    let other = stripe.create_intent(intent_request(2)).await.unwrap();
    let patience = Fault::RateLimit { retry_after: Some(1) };
    fake.script("POST", INTENTS, patience, 1);
    let began = std::time::Instant::now();
    let (made, found) = tokio::join!(stripe.create_intent(intent_request(1)), async {
        while fake.call_count("POST", INTENTS) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The answer has to arrive before anybody can heed it.
        tokio::time::sleep(Duration::from_millis(200)).await;
        stripe.find_payment(&other.provider_ref).await
    });
    made.unwrap();
    found.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(950), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_stripe_that_stays_down_is_given_up_in_time() {
    let (fake, _) = fake().await;
    let limit = Duration::from_millis(700);
    let short = StripeConfig {
        call_limit: limit,
        ..config(fake.url())
    };
    let stripe = Stripe::new(short).unwrap();
    fake.set_down(true);
    let began = std::time::Instant::now();
    assert_unavailable(&stripe.create_intent(intent_request(1)).await);
    assert!(began.elapsed() < limit * 4, "{:?}", began.elapsed());
    fake.set_down(false);
    stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(fake.intents().len(), 1);
}

#[tokio::test]
async fn failures_without_end_are_tried_a_limited_number_of_times() {
    let (fake, stripe) = fake().await;
    fake.script("POST", INTENTS, Fault::Fail, usize::MAX);
    assert_unavailable(&stripe.create_intent(intent_request(1)).await);
    assert_eq!(fake.call_count("POST", INTENTS), 5);
}

#[tokio::test]
async fn a_failure_that_stripe_remembers_is_looked_behind() {
    let (fake, stripe) = fake().await;
    let remembered = Fault::FailAndRemember { is_carried_out: true };
    fake.script("POST", INTENTS, remembered, 1);
    let intent = stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(intent.state, IntentState::Pending);
    assert!(!intent.client_secret.is_empty());
    assert_eq!(fake.intents().len(), 1);
}

#[tokio::test]
async fn a_failure_that_stripe_remembers_and_nothing_behind_it_ends_with_the_key() {
    let (fake, stripe) = fake().await;
    let remembered = Fault::FailAndRemember { is_carried_out: false };
    fake.script("POST", INTENTS, remembered, 1);
    for _ in 0..2 {
        assert_unavailable(&stripe.create_intent(intent_request(1)).await);
    }
    assert_eq!(fake.intents().len(), 0);
    fake.advance_seconds(25 * 60 * 60);
    stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(fake.intents().len(), 1);
}

#[tokio::test]
async fn half_an_answer_is_an_unknown_outcome_and_the_next_call_finds_the_intent() {
    let (fake, stripe) = fake().await;
    fake.script("POST", INTENTS, Fault::Garble, 1);
    assert_unavailable(&stripe.create_intent(intent_request(1)).await);
    let intent = stripe.create_intent(intent_request(1)).await.unwrap();
    assert_eq!(fake.intents().len(), 1);
    assert_eq!(fake.intents()[0]["id"], intent.provider_ref);
}

#[tokio::test]
async fn a_key_that_is_not_accepted_declines_nobodys_payment() {
    let (fake, _) = fake().await;
    let wrong = StripeConfig {
        secret_key: SecretString::from("sk_test_of_somebody_else"),
        ..config(fake.url())
    };
    let stripe = Stripe::new(wrong).unwrap();
    match stripe.create_intent(intent_request(1)).await {
        Err(ProviderError::Unavailable(source)) => {
            let error = source.downcast::<StripeError>().unwrap();
            assert!(matches!(*error, StripeError::NotAllowed { status: 401 }), "{error:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nothing_that_is_printed_tells_a_secret() {
    let (fake, _) = fake().await;
    let secrets = StripeConfig {
        webhook_secrets: vec![SecretString::from("whsec_of_the_test")],
        ..config(fake.url())
    };
    let key = secrets.secret_key.expose_secret().to_owned();
    let stripe = Stripe::new(secrets.clone()).unwrap();
    fake.script("POST", INTENTS, Fault::Fail, usize::MAX);
    let error = stripe.create_intent(intent_request(1)).await.unwrap_err();
    for printed in [
        format!("{stripe:?}"),
        format!("{secrets:?}"),
        format!("{error:?} {error}"),
    ] {
        for secret in [key.as_str(), "whsec_of_the_test", "4242"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

#[test]
fn a_configuration_that_cannot_be_meant_is_refused() {
    let good = || config("http://127.0.0.1:1");
    assert!(good().validate().is_ok());
    let with_base = |base: &str| StripeConfig {
        api_base: base.to_owned(),
        ..good()
    };
    for base in [
        "http://api.stripe.com",
        "api.stripe.com",
        "https://api.stripe.com/v1",
        "ftp://127.0.0.1",
    ] {
        assert!(with_base(base).validate().is_err(), "{base}");
    }
    assert!(with_base(crate::stripe::API_BASE).validate().is_ok());
    let publishable = StripeConfig {
        secret_key: SecretString::from("pk_test_1"),
        ..good()
    };
    assert!(publishable.validate().is_err());
    let mistaken = StripeConfig {
        webhook_secrets: vec![SecretString::from("sk_test_1")],
        ..good()
    };
    assert!(mistaken.validate().is_err());
}
