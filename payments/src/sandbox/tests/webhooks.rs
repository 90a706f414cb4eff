//! The webhook's body and signature.

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use super::*;
use crate::sandbox::webhooks;
use crate::{Dispute, DisputeStage, WebhookError, signature};

/// Never connects: what is tested here needs no database.
fn offline() -> Sandbox {
    let pool: PgPool = PgPoolOptions::new()
        .connect_lazy("postgres://nobody@localhost/nothing")
        .unwrap();
    sandbox(&pool)
}

fn noon() -> Timestamp {
    HandClock::at_noon().now()
}

fn event(kind: ProviderEventKind) -> ProviderEvent {
    ProviderEvent {
        id: "evt_1".to_owned(),
        created_at: noon(),
        kind,
    }
}

#[tokio::test]
async fn every_kind_of_event_reads_back() {
    let reason = || "because \"so\"".to_owned();
    let (payment_id, ticket_id, refund_id, payout_id) = (payment_id(1), ticket_id(1), refund_id(1), payout_id(1));
    let kinds = [
        ProviderEventKind::PaymentCaptured {
            payment_id,
            ticket_id,
            provider_ref: "pi_1".to_owned(),
            amount: usd(1_000),
            fee: Some(usd(59)),
        },
        ProviderEventKind::PaymentDeclined {
            payment_id,
            ticket_id,
            reason: reason(),
        },
        ProviderEventKind::RefundCompleted {
            refund_id,
            payment_id,
            ticket_id,
        },
        ProviderEventKind::RefundFailed {
            refund_id,
            payment_id,
            ticket_id,
            reason: reason(),
        },
        ProviderEventKind::PaymentRequiresAction { payment_id, ticket_id },
        ProviderEventKind::TransferReturned {
            payout_id,
            amount: usd(700),
            reason: reason(),
        },
        ProviderEventKind::Dispute(Dispute {
            dispute_ref: "dp_1".to_owned(),
            payment_ref: "pi_1".to_owned(),
            stage: DisputeStage::Opened,
            amount: usd(1_000),
            fee: Some(usd(1_500)),
            reason: reason(),
            respond_by: Some(noon()),
        }),
        ProviderEventKind::TransferPaid { payout_id },
        ProviderEventKind::TransferFailed {
            payout_id,
            reason: reason(),
        },
        ProviderEventKind::Other {
            name: "intent.looked_at".to_owned(),
        },
    ];
    for kind in kinds {
        let event = event(kind);
        let body = webhooks::encode(&event);
        assert_eq!(offline().parse_webhook(body.as_bytes()), Ok(event), "{body}");
    }
}

#[tokio::test]
async fn a_body_looks_like_this() {
    let body = webhooks::encode(&event(ProviderEventKind::PaymentCaptured {
        payment_id: payment_id(1),
        ticket_id: ticket_id(1),
        provider_ref: "pi_1".to_owned(),
        amount: usd(1_000),
        fee: Some(usd(59)),
    }));
    let expected = serde_json::json!({
        "id": "evt_1",
        "type": "payment.captured",
        "created_at": "2026-07-01T12:00:00Z",
        "data": {
            "payment_id": "00000000-0000-0000-0000-000000000001",
            "ticket_id": "00000000-0000-0000-0000-0000000003e9",
            "provider_ref": "pi_1",
            "amount": { "amount_minor": 1_000, "currency": "USD" },
            "fee": { "amount_minor": 59, "currency": "USD" },
        },
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap(), expected);
}

#[tokio::test]
async fn what_a_later_version_adds_is_passed_over() {
    let body = serde_json::json!({
        "id": "evt_1", "type": "payment.captured", "created_at": "2026-07-01T12:00:00Z", "livemode": false,
        "data": {
            "payment_id": payment_id(1), "ticket_id": ticket_id(1), "provider_ref": "pi_1", "card": {"brand": "x"},
            "amount": {"amount_minor": 1_000, "currency": "USD", "display": "$10"},
            "fee": {"amount_minor": 59, "currency": "USD"},
        },
    });
    let event = offline().parse_webhook(body.to_string().as_bytes()).unwrap();
    assert!(matches!(event.kind, ProviderEventKind::PaymentCaptured { amount, .. } if amount == usd(1_000)));

    for data in ["", r#","data":[1]"#] {
        let body = format!(r#"{{"id":"evt_2","type":"dispute.opened","created_at":"2026-07-01T12:00:00Z"{data}}}"#);
        let event = offline().parse_webhook(body.as_bytes()).unwrap();
        let name = "dispute.opened".to_owned();
        assert_eq!(event.kind, ProviderEventKind::Other { name });
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_unreadable() {
    let bodies: [&[u8]; 7] = [
        b"",
        b"\xff\xfe",
        b"[]",
        br#"{"type":"payment.captured"}"#,
        br#"{"id":"e","type":"transfer.paid","created_at":"yesterday","data":{}}"#,
        br#"{"id":"e","type":"transfer.paid","created_at":"2026-07-01T12:00:00Z"}"#,
        br#"{"id":"e","type":"transfer.paid","created_at":"2026-07-01T12:00:00Z","data":{"payout_id":7}}"#,
    ];
    for body in bodies {
        let outcome = offline().parse_webhook(body);
        assert!(matches!(outcome, Err(WebhookError::Unreadable(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_signature_is_the_documented_one() {
    let signature = signature::sign(&SecretString::from(SECRET), b"{}", noon());
    // printf '1782907200.{}' | openssl dgst -sha256 -hmac whsec_test
    let expected = "t=1782907200,v1=2cb3e9875cbba121e47fa4be79a93401affd8650f23e64bfd65a14173477d59e";
    assert_eq!(signature, expected);
    assert_eq!(offline().verify_webhook(&signature, b"{}", noon()), Ok(()));
    let reordered = format!("v0=beef, {}", signature.replacen(',', ",v1=00,", 1));
    assert_eq!(offline().verify_webhook(&reordered, b"{}", noon()), Ok(()));
}

#[tokio::test]
async fn a_forged_signature_is_refused() {
    let secret = SecretString::from(SECRET);
    let good = signature::sign(&secret, b"{}", noon());
    let mac = good.split_once("v1=").unwrap().1;
    let forged = [
        String::new(),
        "nonsense".to_owned(),
        format!("t={}", noon().timestamp()),
        format!("v1={mac}"),
        format!("t={},v1={mac}", noon().timestamp() + 1),
        format!("t={},v1=", noon().timestamp()),
        format!("t={},v1={}", noon().timestamp(), &mac[..62]),
        format!("t={},v1={}é", noon().timestamp(), &mac[..62]),
        signature::sign(&SecretString::from("another"), b"{}", noon()),
        signature::sign(&secret, b"{ }", noon()),
    ];
    for signature in forged {
        let outcome = offline().verify_webhook(&signature, b"{}", noon());
        assert_eq!(outcome, Err(WebhookError::BadSignature), "{signature}");
    }
}

#[tokio::test]
async fn an_old_signature_is_refused() {
    let signature = signature::sign(&SecretString::from(SECRET), b"{}", noon());
    let verify_after = |seconds| {
        let now = noon() + chrono::TimeDelta::seconds(seconds);
        offline().verify_webhook(&signature, b"{}", now)
    };
    let too_old = Err(WebhookError::TooOld { tolerance_seconds: 300 });
    assert_eq!(verify_after(300), Ok(()));
    assert_eq!(verify_after(301), too_old);
    assert_eq!(verify_after(-300), Ok(()));
    assert_eq!(verify_after(-301), too_old, "nor may it come from the future");
}

#[tokio::test]
async fn nothing_printed_holds_the_secret() {
    assert!(!format!("{:?}", offline()).contains(SECRET));
}
