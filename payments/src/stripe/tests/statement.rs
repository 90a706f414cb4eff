//! The statement: what the balance at Stripe is made of, line by line.

use serde_json::json;

use super::*;
use crate::{StatementKind, StatementLine};

async fn read_on(stripe: &Stripe, mut cursor: Option<String>, limit: u32) -> (Vec<StatementLine>, Option<String>) {
    let mut all = vec![];
    loop {
        let page = stripe.list_statement(cursor.as_deref(), limit).await.unwrap();
        all.extend(page.lines);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return (all, cursor),
        }
    }
}

fn told(lines: &[StatementLine]) -> Vec<(StatementKind, Option<String>, i64)> {
    let told = lines
        .iter()
        .map(|line| (line.kind, line.subject.clone(), line.net.amount_minor()));
    told.collect()
}

#[tokio::test]
async fn every_movement_is_a_line_with_our_name_of_it() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    captured(&fake, &stripe, 2).await;
    stripe.refund(refund_request(1, 1, &intent, 400)).await.unwrap();
    fake.add_account("acct_host");
    stripe.create_transfer(transfer_request(1, 500)).await.unwrap();
    let transfer = fake.transfers()[0]["id"].as_str().unwrap().to_owned();
    fake.reverse_transfer(&transfer, 500);
    let (lines, _) = read_on(&stripe, None, 100).await;
    let expected = [
        (StatementKind::Charge, Some(payment_id(1).to_string()), 941),
        (StatementKind::Charge, Some(payment_id(2).to_string()), 941),
        (StatementKind::Refund, Some(refund_id(1).to_string()), -400),
        (StatementKind::Transfer, Some(payout_id(1).to_string()), -500),
        (StatementKind::TransferReturned, Some(payout_id(1).to_string()), 500),
    ];
    assert_eq!(told(&lines), expected);
}

#[tokio::test]
async fn a_disputes_fee_is_a_line_of_its_own() {
    let (fake, stripe) = fake().await;
    let intent = captured(&fake, &stripe, 1).await;
    let dispute = fake.dispute(&intent.provider_ref).unwrap();
    let (lines, cursor) = read_on(&stripe, None, 100).await;
    let of = |kind, minor| (kind, Some(dispute.clone()), minor);
    let expected = [
        of(StatementKind::Dispute, -1_000),
        of(StatementKind::DisputeFee, -1_500),
    ];
    assert_eq!(told(&lines[1..]), expected);
    assert_ne!(lines[1].id, lines[2].id);
    fake.close_dispute(&dispute, true);
    let (lines, _) = read_on(&stripe, cursor, 100).await;
    let expected = [
        of(StatementKind::DisputeWon, 1_000),
        of(StatementKind::DisputeFee, 1_500),
    ];
    assert_eq!(told(&lines), expected);
}

#[tokio::test]
async fn every_line_comes_once_and_in_order_in_pages_of_any_size() {
    let (fake, stripe) = fake().await;
    for n in 0..12 {
        captured(&fake, &stripe, n).await;
    }
    let expected: Vec<_> = (0..12).map(|n| Some(payment_id(n).to_string())).collect();
    for limit in [1, 5, 100, 500] {
        let (lines, cursor) = read_on(&stripe, None, limit).await;
        let subjects: Vec<_> = lines.iter().map(|line| line.subject.clone()).collect();
        assert_eq!(subjects, expected, "pages of {limit}");
        assert_eq!(read_on(&stripe, cursor, limit).await.0, []);
    }
}

#[tokio::test]
async fn other_business_of_the_account_is_told_as_such() {
    let (fake, stripe) = fake().await;
    fake.enter_foreign(
        "charge",
        350,
        "usd",
        &json!({"id": "ch_of_a_bakery", "object": "charge", "metadata": {}}),
    );
    fake.enter_foreign("payout", -1_000, "usd", &json!({"id": "po_1", "object": "payout"}));
    // A currency that is none of ours.
    fake.enter_foreign("charge", 350, "huf", &json!({"id": "ch_2", "object": "charge"}));
    let (lines, _) = read_on(&stripe, None, 100).await;
    let expected = [(StatementKind::Other, None, 350), (StatementKind::Other, None, -1_000)];
    assert_eq!(told(&lines), expected);
}
