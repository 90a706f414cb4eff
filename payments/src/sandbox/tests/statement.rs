//! The sandbox's statement: a line for each event that moved money.

use super::*;
use crate::StatementKind;

#[sqlx::test(migrations = "../migrations")]
async fn every_movement_is_a_line_and_pages_follow_each_other(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_000).await;
    confirmed(&sandbox, 2, 1_000, declined("no_money")).await;
    sandbox.refund(refund_request(1, 1, &intent, 400)).await.unwrap();
    sandbox
        .create_transfer(transfer_request(1, "acct_1", 300))
        .await
        .unwrap();
    sandbox
        .create_transfer(transfer_request(2, "acct_fail", 300))
        .await
        .unwrap();
    sandbox.open_dispute(&intent.provider_ref).await.unwrap();
    let dispute = intent.provider_ref.replacen("pi_", "dp_", 1);
    sandbox.close_dispute(&dispute, false).await.unwrap();
    let (mut told, mut cursor) = (vec![], None);
    loop {
        let page = sandbox.list_statement(cursor.as_deref(), 2).await.unwrap();
        told.extend(
            page.lines
                .into_iter()
                .map(|line| (line.kind, line.subject.unwrap(), line.net.amount_minor())),
        );
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let expected = [
        (StatementKind::Charge, payment_id(1).to_string(), 941),
        (StatementKind::Refund, refund_id(1).to_string(), -400),
        (StatementKind::Transfer, payout_id(1).to_string(), -300),
        (StatementKind::Dispute, dispute.clone(), -1_000),
        (StatementKind::DisputeFee, dispute, -1_500),
    ];
    assert_eq!(told, expected);
}
