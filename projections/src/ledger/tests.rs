//! The books, from events.

use std::collections::BTreeMap;

use domain::ticket::RefundReason;
use domain::{Currency, PayoutEvent};
use event_log::Subscriber;
use sqlx::PgPool;

use super::{AccountBalance, account_balances, account_lines, list_accounts, trial_balance};
use crate::tests::stage::{feed, project};
use crate::tests::story::{
    FEE, Owed, PRICE, Story, at, charged_twice, host, in_part, on_request, random_story, room, seat_gone, usd,
    whole_story,
};
use crate::view::{Side, ViewSubscriber};
use crate::{View, schema};

/// Balances that are not zero, by account.
async fn balances(pool: &PgPool) -> BTreeMap<String, i64> {
    let rows = trial_balance(pool, None).await.expect("a query");
    let open = rows.into_iter().filter(|row| row.balance_minor != 0);
    open.map(|row| (row.account, row.balance_minor)).collect()
}

async fn balances_after(pool: &PgPool, story: &Story) -> BTreeMap<String, i64> {
    project(pool, View::Ledger, story).await;
    let balances = balances(pool).await;
    assert_eq!(balances.values().sum::<i64>(), 0, "{balances:?}");
    balances
}

fn books<const N: usize>(lines: [(&str, i64); N]) -> BTreeMap<String, i64> {
    lines.map(|(account, minor)| (account.to_owned(), minor)).into()
}

fn unearned() -> String {
    format!("liability:unearned:{}", room(1))
}

fn available() -> String {
    format!("liability:host:{}:available", host())
}

fn bought() -> Story {
    Story::new().schedule(1).buy(1, 10)
}

#[sqlx::test(migrations = "../migrations")]
async fn captured_money_waits_in_clearing(pool: PgPool) {
    let story = Story::new()
        .schedule(1)
        .hold(1, 10)
        .order(1, 10)
        .start_payment(10, 10, 1)
        .capture(10, 10);
    let expected = books([
        ("cash:provider:sandbox", PRICE - FEE),
        ("expense:provider_fee", FEE),
        ("clearing:charge", -PRICE),
    ]);
    assert_eq!(balances_after(&pool, &story).await, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_issued_ticket_is_sold_not_earned(pool: PgPool) {
    let expected = books([
        ("cash:provider:sandbox", PRICE - FEE),
        ("expense:provider_fee", FEE),
        (&unearned(), -PRICE),
    ]);
    assert_eq!(balances_after(&pool, &bought()).await, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_free_ticket_moves_no_money(pool: PgPool) {
    let story = Story::new()
        .schedule(1)
        .hold(1, 10)
        .order(1, 10)
        .sell(1, 10, false)
        .issue(10);
    assert_eq!(balances_after(&pool, &story).await, books([]));
    assert_eq!(trial_balance(&pool, None).await.expect("a query"), []);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_of_a_ticket_comes_out_of_unearned(pool: PgPool) {
    let story = bought().owe_refund(10, (1, 10), PRICE, on_request());
    let owed = balances_after(&pool, &story).await;
    assert_eq!(owed.get("clearing:refund"), Some(&-PRICE));
    assert_eq!(owed.get(&unearned()), None);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_completed_refund_leaves_only_the_providers_fee(pool: PgPool) {
    let story = bought()
        .owe_refund(10, (1, 10), PRICE, on_request())
        .complete_refund(10, 1, PRICE);
    let expected = books([("cash:provider:sandbox", -FEE), ("expense:provider_fee", FEE)]);
    assert_eq!(balances_after(&pool, &story).await, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_failed_refund_stays_owed_and_visible(pool: PgPool) {
    let failed = domain::TicketEvent::RefundFailed {
        refund_id: crate::tests::story::refund(1),
        reason: "expired_card".to_owned(),
        failed_at: at(60),
    };
    let story = bought().owe_refund(10, (1, 10), PRICE, on_request()).ticket(10, failed);
    let balances = balances_after(&pool, &story).await;
    assert_eq!(balances.get("clearing:refund"), Some(&-PRICE));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_payment_denied_goes_back_from_clearing(pool: PgPool) {
    let story = Story::new()
        .schedule(1)
        .hold(1, 10)
        .order(1, 10)
        .start_payment(10, 10, 1)
        .lapse(10)
        .capture(10, 10)
        .deny(1, 10)
        .owe_refund(10, (1, 10), PRICE, seat_gone())
        .complete_refund(10, 1, PRICE);
    let expected = books([("cash:provider:sandbox", -FEE), ("expense:provider_fee", FEE)]);
    assert_eq!(balances_after(&pool, &story).await, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_second_charge_goes_back_and_the_first_stays_the_tickets(pool: PgPool) {
    let story = bought()
        .start_payment(10, 11, 2)
        .capture(10, 11)
        .owe_refund(10, (1, 11), PRICE, charged_twice())
        .complete_refund(10, 1, PRICE);
    let expected = books([
        ("cash:provider:sandbox", PRICE - 2 * FEE),
        ("expense:provider_fee", 2 * FEE),
        (&unearned(), -PRICE),
    ]);
    assert_eq!(balances_after(&pool, &story).await, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_second_charge_before_the_ticket_is_issued_goes_back_too(pool: PgPool) {
    let story = Story::new()
        .schedule(1)
        .hold(1, 10)
        .order(1, 10)
        .start_payment(10, 10, 1)
        .start_payment(10, 11, 2)
        .capture(10, 11)
        .capture(10, 10)
        .owe_refund(10, (1, 10), PRICE, charged_twice())
        .sell(1, 10, false)
        .issue(10);
    let balances = balances_after(&pool, &story).await;
    assert_eq!(balances.get("clearing:charge"), None);
    assert_eq!(balances.get(&unearned()), Some(&-PRICE));
    assert_eq!(balances.get("clearing:refund"), Some(&-PRICE));
}

#[sqlx::test(migrations = "../migrations")]
async fn delivery_makes_it_the_hosts_and_the_platforms(pool: PgPool) {
    let platform = (PRICE - FEE) / 20;
    let expected = books([
        ("cash:provider:sandbox", PRICE - FEE),
        ("revenue:platform_fee", -platform),
        (&available(), -(PRICE - FEE - platform)),
    ]);
    assert_eq!(balances_after(&pool, &bought().settle(1, 10, PRICE)).await, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_partial_refund_leaves_the_rest_to_be_earned(pool: PgPool) {
    let story = bought()
        .owe_refund(10, (1, 10), 300, in_part())
        .complete_refund(10, 1, 300)
        .settle(1, 10, PRICE - 300);
    let balances = balances_after(&pool, &story).await;
    assert_eq!(balances.get(&unearned()), None);
    assert_eq!(balances.get("cash:provider:sandbox"), Some(&(PRICE - FEE - 300)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_leaves_the_providers_balance_and_a_failed_one_comes_back(pool: PgPool) {
    let story = bought().settle(1, 10, PRICE).request_payout(1, 500);
    let share = PRICE - FEE - (PRICE - FEE) / 20;
    let requested = balances_after(&pool, &story).await;
    assert_eq!(requested.get("clearing:payout"), Some(&-500));
    assert_eq!(requested.get(&available()), Some(&-(share - 500)));
    let failed = story.fail_payout(1, 500);
    feed(
        &pool,
        View::Ledger,
        Side::Live,
        &failed.recorded()[failed.events.len() - 1..],
    )
    .await;
    assert_eq!(balances(&pool).await.get(&available()), Some(&-share));
    let paid = failed.request_payout(2, 400).pay_out(2, 400);
    feed(
        &pool,
        View::Ledger,
        Side::Live,
        &paid.recorded()[paid.events.len() - 3..],
    )
    .await;
    let balances = balances(&pool).await;
    assert_eq!(balances.get("clearing:payout"), None);
    assert_eq!(balances.get("cash:provider:sandbox"), Some(&(PRICE - FEE - 400)));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_books_balance_after_every_event_of_a_whole_story(pool: PgPool) {
    schema::create_missing(&pool, View::Ledger).await.expect("tables");
    let story = whole_story();
    for recorded in story.recorded() {
        feed(&pool, View::Ledger, Side::Live, std::slice::from_ref(&recorded)).await;
        let rows = trial_balance(&pool, None).await.expect("a query");
        let imbalance: i64 = rows.iter().map(|row| row.balance_minor).sum();
        assert_eq!(imbalance, 0, "after {} ({:?})", recorded.position, recorded.event);
    }
    let open = balances(&pool).await;
    let unsettled = |account: &&String| account.starts_with("clearing:") || account.starts_with("liability:unearned:");
    assert_eq!(open.keys().filter(unsettled).count(), 0, "{open:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn every_line_names_its_event(pool: PgPool) {
    project(&pool, View::Ledger, &bought()).await;
    let lines = account_lines(&pool, "clearing:charge", None, None, 50)
        .await
        .expect("a query");
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (line.position, line.event_type.as_str(), line.amount, line.at))
        .collect();
    let expected = [
        (6, "payment_captured", usd(-PRICE), at(6)),
        (8, "ticket_issued", usd(PRICE), at(8)),
    ];
    assert_eq!(lines, expected);
    let rest = account_lines(&pool, "clearing:charge", None, Some(6), 50)
        .await
        .expect("a query");
    assert_eq!(rest.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn accounts_are_listed_by_name_even_at_zero(pool: PgPool) {
    project(&pool, View::Ledger, &bought()).await;
    let all = list_accounts(&pool, None, None, 50).await.expect("a query");
    let clearing = AccountBalance {
        account: "clearing:charge".to_owned(),
        currency: Currency::USD,
        debit_minor: PRICE,
        credit_minor: PRICE,
        balance_minor: 0,
    };
    assert_eq!(all[1], clearing);
    let page = list_accounts(&pool, None, Some("clearing:charge"), 1)
        .await
        .expect("a query");
    assert_eq!(page[0].account, "expense:provider_fee");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_unbalanced_transaction_is_not_booked(pool: PgPool) {
    let mut story = bought().settle(1, 10, PRICE);
    let Some(domain::AnyEvent::Payout(_, PayoutEvent::EarningCredited(earning))) = story.events.last_mut() else {
        panic!("the story ends with an earning");
    };
    earning.host_share = usd(earning.host_share.amount_minor() + 1);
    schema::create_missing(&pool, View::Ledger).await.expect("tables");
    let mut transaction = pooling::begin(&pool).await.expect("a transaction");
    let subscriber = ViewSubscriber::new(View::Ledger, Side::Live);
    let refused = subscriber.handle(&story.recorded(), &mut transaction).await;
    let reason = refused.expect_err("out of balance").to_string();
    assert_eq!(reason, "the transaction at 10 is -1 USD out of balance");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_not_delivered_gives_everything_back(pool: PgPool) {
    let not_delivered = Owed {
        reason: RefundReason::NotDelivered,
        in_full: true,
        was_issued: true,
    };
    let story = bought()
        .open(1)
        .end(1)
        .owe_refund(10, (1, 10), PRICE, not_delivered)
        .complete_refund(10, 1, PRICE);
    let expected = books([("cash:provider:sandbox", -FEE), ("expense:provider_fee", FEE)]);
    assert_eq!(balances_after(&pool, &story).await, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dispute_lost_before_the_delivery_is_paid_by_the_sale(pool: PgPool) {
    let expected = books([
        ("cash:provider:sandbox", -FEE - 1_500),
        ("expense:dispute_fee", 1_500),
        ("expense:provider_fee", FEE),
    ]);
    assert_eq!(balances_after(&pool, &bought().lose_dispute(10)).await, expected);
}

/// What every page of the log left behind is what the books say of that position for ever.
#[sqlx::test(migrations = "../migrations")]
async fn the_books_of_any_position_are_what_they_were_then(pool: PgPool) {
    schema::create_missing(&pool, View::Ledger).await.expect("tables");
    let story = whole_story();
    let mut then = vec![vec![]];
    for recorded in story.recorded() {
        feed(&pool, View::Ledger, Side::Live, std::slice::from_ref(&recorded)).await;
        then.push(trial_balance(&pool, None).await.expect("a query"));
    }
    for (position, books) in then.iter().enumerate() {
        let at = Some(u64::try_from(position).expect("a position"));
        assert_eq!(
            &trial_balance(&pool, at).await.expect("a query"),
            books,
            "at {position}"
        );
        let first = list_accounts(&pool, at, None, 3).await.expect("a query");
        assert_eq!(first, books[..books.len().min(3)], "at {position}");
        let after = list_accounts(&pool, at, Some("clearing:charge"), 50)
            .await
            .expect("a query");
        let expected = books.iter().filter(|row| row.account.as_str() > "clearing:charge");
        assert_eq!(after, expected.cloned().collect::<Vec<_>>(), "at {position}");
    }
}

/// For any balance at any position, the lines behind it add up to it, however they are paged.
#[sqlx::test(migrations = "../migrations")]
async fn the_lines_behind_a_balance_add_up_to_it_in_random_histories(pool: PgPool) {
    for seed in 0..6 {
        let story = random_story(seed);
        let mut transaction = pooling::begin(&pool).await.expect("a transaction");
        schema::create(View::Ledger, Side::Live, &mut transaction)
            .await
            .expect("tables");
        transaction.commit().await.expect("commit");
        feed(&pool, View::Ledger, Side::Live, &story.recorded()).await;
        let head = u64::try_from(story.events.len()).expect("a position");
        for position in [head / 3, head / 2, head] {
            let books = trial_balance(&pool, Some(position)).await.expect("a query");
            assert_eq!(books.iter().map(|row| row.balance_minor).sum::<i64>(), 0);
            for row in &books {
                let found = account_balances(&pool, &row.account, Some(position)).await;
                assert_eq!(found.expect("a query"), std::slice::from_ref(row));
                let (mut sum, mut after) = (0, None);
                loop {
                    let page = account_lines(&pool, &row.account, Some(position), after, 4).await;
                    let page = page.expect("a query");
                    let Some(last) = page.last() else { break };
                    assert!(last.position <= position);
                    after = Some(last.position);
                    sum += page.iter().map(|line| line.amount.amount_minor()).sum::<i64>();
                }
                assert_eq!(sum, row.balance_minor, "{} at {position}, seed {seed}", row.account);
            }
        }
    }
}
