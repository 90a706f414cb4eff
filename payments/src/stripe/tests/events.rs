//! The event list: nothing is missed, whatever came before.

use serde_json::json;

use super::*;

/// Reads the whole list in pages, as the sweep does.
async fn read_on(stripe: &Stripe, mut cursor: Option<String>, limit: u32) -> (Vec<ProviderEvent>, Option<String>) {
    let mut all = vec![];
    loop {
        let page = stripe.list_events(cursor.as_deref(), limit).await.unwrap();
        all.extend(page.events);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return (all, cursor),
        }
    }
}

async fn pay_many(fake: &FakeStripe, stripe: &Stripe, numbers: std::ops::Range<u128>) {
    for n in numbers {
        captured(fake, stripe, n).await;
    }
}

fn payments(events: &[ProviderEvent]) -> Vec<PaymentId> {
    let captured = events.iter().map(|event| match event.kind {
        ProviderEventKind::PaymentCaptured { payment_id, .. } => payment_id,
        ref other => panic!("{other:?}"),
    });
    captured.collect()
}

#[tokio::test]
async fn every_event_comes_once_and_in_order_in_pages_of_any_size() {
    let (fake, stripe) = fake().await;
    pay_many(&fake, &stripe, 0..25).await;
    let expected: Vec<PaymentId> = (0..25).map(payment_id).collect();
    for limit in [1, 7, 100, 500] {
        let (events, cursor) = read_on(&stripe, None, limit).await;
        assert_eq!(payments(&events), expected, "pages of {limit}");
        assert_eq!(read_on(&stripe, cursor, limit).await.0, []);
    }
}

#[tokio::test]
async fn the_list_goes_on_where_it_was_left() {
    let (fake, stripe) = fake().await;
    pay_many(&fake, &stripe, 0..5).await;
    let (_, cursor) = read_on(&stripe, None, 100).await;
    pay_many(&fake, &stripe, 5..12).await;
    let (events, _) = read_on(&stripe, cursor, 3).await;
    assert_eq!(payments(&events), (5..12).map(payment_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_whose_event_is_no_longer_kept_starts_with_the_oldest_that_is() {
    let (fake, stripe) = fake().await;
    pay_many(&fake, &stripe, 0..3).await;
    let (_, cursor) = read_on(&stripe, None, 100).await;
    fake.advance_seconds(40 * 24 * 60 * 60);
    fake.forget_events_before(NOON + 1);
    pay_many(&fake, &stripe, 3..6).await;
    let (events, _) = read_on(&stripe, cursor, 2).await;
    assert_eq!(payments(&events), (3..6).map(payment_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn other_business_of_the_account_is_passed_over() {
    let (fake, stripe) = fake().await;
    let foreign = json!({ "id": "pi_of_a_bakery", "amount": 350, "amount_received": 350, "currency": "huf",
        "status": "succeeded", "metadata": {} });
    fake.publish_foreign("payment_intent.succeeded", &foreign, None);
    fake.publish_foreign(
        "charge.refund.updated",
        &json!({ "id": "re_1", "amount": 1, "currency": "huf" }),
        None,
    );
    fake.publish_foreign("invoice.finalized", &json!("of no shape we know"), None);
    let kinds = all_kinds(&stripe).await;
    assert!(
        kinds.iter().all(|kind| matches!(kind, ProviderEventKind::Other { .. })),
        "{kinds:?}"
    );
    assert_eq!(kinds.len(), 2, "what we do not read is not even listed");
}

/// A host could make an intent in its own account, and have it name any payment of ours.
#[tokio::test]
async fn what_a_connected_account_says_is_nothing() {
    let (fake, stripe) = fake().await;
    let forged = json!({ "id": "pi_forged", "amount": 1000, "amount_received": 1000, "currency": "usd",
        "status": "succeeded",
        "metadata": { "payment_id": payment_id(1).to_string(), "ticket_id": ticket_id(1).to_string() } });
    fake.publish_foreign("payment_intent.succeeded", &forged, Some("acct_of_a_host"));
    let kinds = all_kinds(&stripe).await;
    let name = "payment_intent.succeeded".to_owned();
    assert_eq!(kinds, [ProviderEventKind::Other { name }]);
}

/// What was transferred is the host's, wherever Stripe gets it from there; a transfer that is reversed is ours to hear of.
#[tokio::test]
async fn a_connected_accounts_own_payout_is_no_payout_of_ours() {
    let (fake, stripe) = fake().await;
    let bounced = json!({ "id": "po_1", "object": "payout", "amount": 894, "currency": "usd", "status": "failed",
        "failure_code": "account_closed" });
    fake.publish_foreign("payout.failed", &bounced, Some("acct_of_a_host"));
    assert_eq!(all_kinds(&stripe).await, [], "it is not even listed");
    let webhook = fake.take_webhooks().pop().unwrap();
    let read = stripe.parse_webhook(webhook.as_bytes()).unwrap();
    let name = "payout.failed".to_owned();
    assert_eq!(read.kind, ProviderEventKind::Other { name });
}

#[tokio::test]
async fn an_event_that_is_not_understood_does_not_hold_up_the_rest() {
    let (fake, stripe) = fake().await;
    fake.publish_foreign("payment_intent.succeeded", &json!({ "id": 7 }), None);
    captured(&fake, &stripe, 1).await;
    let kinds = all_kinds(&stripe).await;
    assert!(matches!(kinds[0], ProviderEventKind::Unreadable { .. }), "{kinds:?}");
    assert!(
        matches!(kinds[1], ProviderEventKind::PaymentCaptured { .. }),
        "{kinds:?}"
    );
}
