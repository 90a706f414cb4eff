//! Webhooks: only Stripe's own, and all of them readable.

use chrono::TimeDelta;

use super::*;
use crate::WebhookError;

const OLD: &str = "whsec_old";
const NEW: &str = "whsec_new";

async fn with_secrets(secrets: &[&str]) -> (FakeStripe, Stripe) {
    let fake = FakeStripe::start(NOON).await.unwrap();
    let config = StripeConfig {
        webhook_secrets: secrets.iter().map(|secret| SecretString::from(*secret)).collect(),
        ..config(fake.url())
    };
    (fake, Stripe::new(config).unwrap())
}

#[tokio::test]
async fn a_webhook_is_believed_if_any_of_the_secrets_signed_it() {
    let (fake, stripe) = with_secrets(&[OLD, NEW]).await;
    for secret in [OLD, NEW] {
        let signature = fake.sign(secret, "{}");
        assert_eq!(stripe.verify_webhook(&signature, b"{}", noon()), Ok(()));
    }
    // While a secret is replaced, a webhook is signed with both.
    let both = format!("{},{}", fake.sign("whsec_other", "{}"), fake.sign(NEW, "{}"));
    assert_eq!(stripe.verify_webhook(&both, b"{}", noon()), Ok(()));
}

#[tokio::test]
async fn a_webhook_of_anybody_else_is_not_believed() {
    let (fake, stripe) = with_secrets(&[OLD, NEW]).await;
    let good = fake.sign(NEW, "{}");
    let forged = [
        fake.sign("whsec_other", "{}"),
        fake.sign(NEW, "{ }"),
        good.replace("v1=", "v0="),
        good.replace("t=", "x="),
        String::new(),
        "t=,v1=".to_owned(),
        format!("t={NOON},v1=zz"),
    ];
    for signature in forged {
        let verdict = stripe.verify_webhook(&signature, b"{}", noon());
        assert_eq!(verdict, Err(WebhookError::BadSignature), "{signature}");
    }
    let (_, without_secrets) = with_secrets(&[]).await;
    let verdict = without_secrets.verify_webhook(&good, b"{}", noon());
    assert_eq!(verdict, Err(WebhookError::BadSignature));
}

#[tokio::test]
async fn a_webhook_is_believed_for_five_minutes() {
    let (fake, stripe) = with_secrets(&[NEW]).await;
    let signature = fake.sign(NEW, "{}");
    let at = |seconds| noon() + TimeDelta::seconds(seconds);
    for seconds in [-300, 300] {
        assert_eq!(stripe.verify_webhook(&signature, b"{}", at(seconds)), Ok(()));
    }
    for seconds in [-301, 301] {
        let tolerance_seconds = 300;
        let verdict = stripe.verify_webhook(&signature, b"{}", at(seconds));
        assert_eq!(verdict, Err(WebhookError::TooOld { tolerance_seconds }));
    }
}

#[tokio::test]
async fn the_webhook_and_the_list_tell_the_same_event() {
    let (fake, stripe) = with_secrets(&[NEW]).await;
    captured(&fake, &stripe, 1).await;
    let bodies = fake.take_webhooks();
    let told: Vec<ProviderEvent> = bodies
        .iter()
        .map(|body| stripe.parse_webhook(body.as_bytes()).unwrap())
        .filter(|event| !matches!(event.kind, ProviderEventKind::Other { .. }))
        .collect();
    assert_eq!(told, all_events(&stripe).await);
}

#[tokio::test]
async fn what_is_no_event_is_unreadable_and_an_unknown_event_is_none_of_our_business() {
    let (_fake, stripe) = with_secrets(&[NEW]).await;
    for body in [
        "",
        "[]",
        "{\"id\":1}",
        "{\"id\":\"evt_1\",\"type\":\"payment_intent.succeeded\",\"created\":1,\"data\":{}}",
    ] {
        let read = stripe.parse_webhook(body.as_bytes());
        assert!(matches!(read, Err(WebhookError::Unreadable(_))), "{body}: {read:?}");
    }
    let unknown = br#"{"id":"evt_1","type":"billing.tomorrow","created":1782907200,"data":{"object":[]},"x":{}}"#;
    let name = "billing.tomorrow".to_owned();
    let expected = ProviderEvent {
        id: "evt_1".to_owned(),
        created_at: noon(),
        kind: ProviderEventKind::Other { name },
    };
    assert_eq!(stripe.parse_webhook(unknown), Ok(expected));
}
