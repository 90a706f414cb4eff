//! What an operator stages: payments that decline, hang, or are disputed.

use sqlx::PgPool;

use super::*;
use crate::sandbox::{CloseDisputeError, SCRIPT_MAX, ScriptFull};
use crate::{DisputeStage, IntentState};

async fn confirm(sandbox: &Sandbox, intent: &Intent) -> IntentState {
    let confirmed = sandbox.confirm(&intent.provider_ref, &intent.client_secret, Confirmation::ok());
    confirmed.await.unwrap().state
}

fn stages(kinds: &[ProviderEventKind]) -> Vec<DisputeStage> {
    let stages = kinds.iter().filter_map(|kind| match kind {
        ProviderEventKind::Dispute(dispute) => Some(dispute.stage),
        _ => None,
    });
    stages.collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_next_payments_go_as_the_operator_says_and_then_as_usual(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let reason = "do_not_honor".to_owned();
    sandbox.script_next(Card::Declined { reason: reason.clone() }).unwrap();
    sandbox.script_next(Card::Hangs).unwrap();
    let first = pending(&sandbox, 1, 1_000).await;
    assert_eq!(confirm(&sandbox, &first).await, IntentState::Declined { reason });
    let second = pending(&sandbox, 2, 1_000).await;
    assert_eq!(confirm(&sandbox, &second).await, IntentState::Pending);
    assert_eq!(
        all_events(&sandbox).await.len(),
        1,
        "nothing is told of a payment that hangs"
    );
    assert_eq!(confirm(&sandbox, &second).await, IntentState::Captured { fee: usd(59) });
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_that_hangs_can_be_called_off(pool: PgPool) {
    let sandbox = sandbox(&pool);
    sandbox.script_next(Card::Hangs).unwrap();
    let intent = pending(&sandbox, 1, 1_000).await;
    assert_eq!(confirm(&sandbox, &intent).await, IntentState::Pending);
    let cancelled = sandbox.cancel_intent(cancel_request(1)).await.unwrap();
    assert_eq!(cancelled.state, IntentState::Cancelled);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_disputed_payment_is_captured_disputed_and_decided_once(pool: PgPool) {
    let sandbox = sandbox(&pool);
    sandbox.script_next(Card::Disputed).unwrap();
    let intent = pending(&sandbox, 1, 1_000).await;
    assert_eq!(confirm(&sandbox, &intent).await, IntentState::Captured { fee: usd(59) });
    let kinds = all_kinds(&sandbox).await;
    let ProviderEventKind::Dispute(dispute) = &kinds[1] else {
        panic!("{kinds:?}");
    };
    assert_eq!(dispute.payment_ref, intent.provider_ref);
    for _ in 0..2 {
        sandbox.close_dispute(&dispute.dispute_ref, false).await.unwrap();
    }
    let otherwise = sandbox.close_dispute(&dispute.dispute_ref, true).await;
    assert!(matches!(otherwise, Err(CloseDisputeError::Closed)), "{otherwise:?}");
    let kinds = all_kinds(&sandbox).await;
    assert_eq!(stages(&kinds), [DisputeStage::Opened, DisputeStage::Lost]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dispute_that_nobody_opened_is_unknown(pool: PgPool) {
    let sandbox = sandbox(&pool);
    let intent = captured(&sandbox, 1, 1_000).await;
    let key = intent.provider_ref.trim_start_matches("pi_");
    for unknown in ["", "dp_", "dp_1", &intent.provider_ref, &format!("dp_{key}")] {
        let closed = sandbox.close_dispute(unknown, true).await;
        assert!(
            matches!(closed, Err(CloseDisputeError::Unknown)),
            "{unknown}: {closed:?}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_script_has_an_end(pool: PgPool) {
    let sandbox = sandbox(&pool);
    for _ in 0..SCRIPT_MAX {
        sandbox.script_next(Card::Hangs).unwrap();
    }
    assert_eq!(sandbox.script_next(Card::Hangs), Err(ScriptFull));
}
