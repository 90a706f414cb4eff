//! Statements, from events.

use std::sync::Arc;

use domain::payout::{EarningReversed, HeldEarning};
use domain::{Money, PayoutEvent};
use event_log::Recorded;
use sqlx::PgPool;

use super::{LineKind, Stretch, balances_at, lines, refunds, totals};
use crate::earnings::find_account;
use crate::tests::stage::{feed, project};
use crate::tests::story::{
    FEE, PRICE, Story, eventful_story, host, payout, random_story, room, ticket, usd, user, whole_story,
};
use crate::view::Side;
use crate::{View, schema};

const ALWAYS: Stretch = Stretch {
    after: 0,
    up_to: u64::MAX,
};

async fn project_all(pool: &PgPool, story: &Story) {
    for view in [View::Statements, View::Tickets, View::Earnings] {
        project(pool, view, story).await;
    }
}

/// A dispute about a sale that was earned: held, and then lost with nothing available any more.
fn disputed() -> Story {
    let held = HeldEarning {
        ticket_id: ticket(10),
        dispute: "dp_10".to_owned(),
        amount: usd(500),
        pending: None,
        co_hosts: vec![],
        at: crate::tests::story::at(1),
    };
    let reversed = EarningReversed {
        ticket_id: ticket(10),
        dispute: "dp_10".to_owned(),
        from_reserve: usd(500),
        from_pending: None,
        from_rolling_reserve: None,
        co_hosts: vec![],
        from_available: usd(94),
        receivable: usd(300),
        reversed_at: crate::tests::story::at(2),
    };
    Story::new()
        .schedule(1)
        .buy(1, 10)
        .settle(1, 10, PRICE)
        .request_payout(1, 300)
        .pay_out(1, 300)
        .account(PayoutEvent::EarningHeld(held))
        .account(PayoutEvent::EarningReversed(reversed))
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sale_has_its_division_and_its_terms(pool: PgPool) {
    project_all(&pool, &whole_story()).await;
    let lines = lines(&pool, host(), ALWAYS).await.expect("a query");
    let first = &lines[0];
    assert_eq!((first.kind, first.ticket_id), (LineKind::Earning, Some(ticket(10))));
    assert_eq!((first.gross, first.provider_fee), (usd(PRICE), usd(FEE)));
    assert_eq!(first.net, usd(PRICE - FEE - (PRICE - FEE) / 20));
    let terms = first.terms.as_ref().expect("a sale has terms");
    assert_eq!((terms.preset.as_str(), terms.preset_version), ("open", 1));
    assert!(super::lines(&pool, user(2), ALWAYS).await.expect("a query").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn the_lines_come_in_order_and_add_up_to_what_the_host_has(pool: PgPool) {
    project_all(&pool, &eventful_story()).await;
    let lines = lines(&pool, host(), ALWAYS).await.expect("a query");
    let of = |payout| {
        let about = lines.iter().filter(move |line| line.payout_id == Some(payout));
        about.map(|line| line.kind).collect::<Vec<_>>()
    };
    assert_eq!(of(payout(1)), [LineKind::PayoutRequested, LineKind::PayoutFailed]);
    let returned = [
        LineKind::PayoutRequested,
        LineKind::PayoutPaid,
        LineKind::PayoutReturned,
        LineKind::PayoutReturned,
    ];
    assert_eq!(of(payout(3)), returned);
    assert!(lines.iter().is_sorted_by_key(|line| line.position));
    let account = find_account(&pool, host()).await.expect("a query").expect("an account");
    let has = &account.balances[0];
    let net: i64 = lines.iter().map(|line| line.net.amount_minor()).sum();
    let expected = [has.available, has.pending, has.reserved].map(Money::amount_minor);
    assert_eq!(net, expected.iter().sum::<i64>() - has.receivable.amount_minor());
    assert!(expected[0] > 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_has_its_reference_from_when_it_was_told(pool: PgPool) {
    project_all(&pool, &whole_story()).await;
    let lines = lines(&pool, host(), ALWAYS).await.expect("a query");
    let payouts = lines.iter().filter(|line| line.payout_id == Some(payout(2)));
    let told: Vec<_> = payouts.map(|line| (line.kind, line.reference.as_deref())).collect();
    let expected = [(LineKind::PayoutRequested, None), (LineKind::PayoutPaid, Some("tr_2"))];
    assert_eq!(told, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dispute_moves_the_parts_and_what_is_owed_stays_exact(pool: PgPool) {
    project_all(&pool, &disputed()).await;
    let lines = lines(&pool, host(), ALWAYS).await.expect("a query");
    let (held, reversed) = (&lines[3], &lines[4]);
    assert_eq!(
        (held.kind, held.reference.as_deref()),
        (LineKind::DisputeHeld, Some("dp_10"))
    );
    assert_eq!(
        (held.net, held.parts.available, held.parts.reserved),
        (usd(0), usd(-500), usd(500))
    );
    assert_eq!((reversed.kind, reversed.net), (LineKind::DisputeReversed, usd(-894)));
    let whole = totals(&pool, host(), ALWAYS).await.expect("a query")[0];
    assert_eq!((whole.parts.receivable, whole.parts.net()), (usd(300), usd(-300)));
}

/// Wherever a month ends: it opens with what the one before closed with, and its lines are the difference.
#[sqlx::test(migrations = "../migrations")]
async fn any_two_stretches_meet(pool: PgPool) {
    for seed in 0..4 {
        let story = random_story(seed);
        for view in [View::Statements, View::Tickets] {
            let mut transaction = pooling::begin(&pool).await.expect("a transaction");
            schema::create(view, Side::Live, &mut transaction)
                .await
                .expect("tables");
            transaction.commit().await.expect("commit");
            feed(&pool, view, Side::Live, &story.recorded()).await;
        }
        let end = u64::try_from(story.events.len()).expect("a position");
        let net = async |after, up_to| {
            let totals = totals(&pool, host(), Stretch { after, up_to }).await.expect("a query");
            totals.first().map_or(0, |totals| totals.parts.net().amount_minor())
        };
        for middle in [end / 4, end / 2, end - 1] {
            assert_eq!(net(0, middle).await + net(middle, end).await, net(0, end).await);
            let stretch = Stretch {
                after: middle,
                up_to: end,
            };
            let lines = lines(&pool, host(), stretch).await.expect("a query");
            let sum: i64 = lines.iter().map(|line| line.net.amount_minor()).sum();
            assert_eq!(sum, net(middle, end).await, "seed {seed}");
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn balances_of_any_position_are_what_they_were_then(pool: PgPool) {
    for view in [View::Statements, View::Earnings] {
        schema::create_missing(&pool, view).await.expect("tables");
    }
    let mut then = vec![];
    let recorded: Vec<Arc<Recorded>> = eventful_story().recorded();
    for event in &recorded {
        for view in [View::Statements, View::Earnings] {
            feed(&pool, view, Side::Live, std::slice::from_ref(event)).await;
        }
        let account = find_account(&pool, host()).await.expect("a query");
        then.push((
            event.position,
            account.map(|account| account.balances).unwrap_or_default(),
        ));
    }
    for (position, balances) in then {
        let found = balances_at(&pool, host(), position).await.expect("a query");
        assert_eq!(found, balances, "at {position}");
    }
}

/// A bank took the money of a sale that was not earned; one that took an earning is a line of its own.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_bank_took_before_it_was_earned_is_told_beside(pool: PgPool) {
    project_all(&pool, &Story::new().schedule(1).buy(1, 10).buy(1, 11).lose_dispute(11)).await;
    let taken = refunds(&pool, host(), ALWAYS).await.expect("a query");
    let [line] = &taken[..] else {
        panic!("one line: {taken:?}")
    };
    assert_eq!((line.ticket_id, line.amount), (ticket(11), usd(PRICE)));
    assert_eq!((line.dispute.as_deref(), line.refund_id), (Some("dp_11"), None));
    assert_eq!(line.reason, "dispute_lost");
    let after = Stretch {
        after: line.position,
        up_to: u64::MAX,
    };
    assert_eq!(refunds(&pool, host(), after).await.expect("a query"), []);
    assert!(lines(&pool, host(), ALWAYS).await.expect("a query").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_went_back_before_it_was_earned_is_told_beside(pool: PgPool) {
    project_all(&pool, &whole_story()).await;
    let refunds = refunds(&pool, host(), ALWAYS).await.expect("a query");
    let told: Vec<_> = refunds
        .iter()
        .map(|refund| (refund.ticket_id, refund.amount, refund.reason.as_str()))
        .collect();
    let expected = [
        (ticket(12), usd(PRICE), "charged_twice"),
        (ticket(13), usd(PRICE), "seat_gone"),
        (ticket(11), usd(PRICE), "requested"),
        (ticket(14), usd(300), "requested"),
    ];
    assert_eq!(told, expected);
    assert!(refunds.iter().all(|refund| refund.room_id == room(1)));
}
