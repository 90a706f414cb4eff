//! Accounts of hosts, from events.

use cqrs_es::Aggregate;
use domain::{AnyEvent, Currency, Payout};
use sqlx::PgPool;

use super::{
    Balance, PayoutState, Standing, StatementKind, find_account, find_payout, list_hosts, list_payouts, statement,
};
use crate::View;
use crate::tests::stage::{feed, project};
use crate::tests::story::{FEE, PRICE, Story, host, payout, room, ticket, usd, user, whole_story};
use crate::view::Side;
use crate::{ledger, schema};

#[sqlx::test(migrations = "../migrations")]
async fn a_host_applies_is_approved_and_says_where_to_pay(pool: PgPool) {
    project(&pool, View::Earnings, &Story::new().approve_host()).await;
    let account = find_account(&pool, host()).await.expect("a query").expect("an account");
    assert_eq!(account.standing, Standing::Approved);
    assert_eq!(account.destination.as_deref(), Some("acct_1"));
    assert_eq!(account.balances, []);
    assert_eq!((account.created_position, account.position), (1, 3));
    assert!(find_account(&pool, user(2)).await.expect("a query").is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn hosts_are_listed_by_standing(pool: PgPool) {
    project(&pool, View::Earnings, &Story::new().approve_host()).await;
    let approved = list_hosts(&pool, Some(Standing::Approved), None, 50)
        .await
        .expect("a query");
    assert_eq!(approved.len(), 1);
    let applied = list_hosts(&pool, Some(Standing::Applied), None, 50)
        .await
        .expect("a query");
    assert_eq!(applied, []);
    let after = Some(approved[0].created_position);
    assert_eq!(list_hosts(&pool, None, after, 50).await.expect("a query"), []);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_earned_is_available_until_it_is_paid_out(pool: PgPool) {
    project(&pool, View::Earnings, &whole_story()).await;
    let account = find_account(&pool, host()).await.expect("a query").expect("an account");
    let gross = 3 * PRICE - 300;
    let platform = 2 * ((PRICE - FEE) / 20) + (PRICE - 300 - FEE) / 20;
    let expected = Balance {
        currency: Currency::USD,
        available: usd(gross - 3 * FEE - platform - 2_000),
        pending_payout: usd(0),
        paid_out: usd(2_000),
        gross: usd(gross),
        taxes: usd(0),
        store_fees: usd(0),
        provider_fees: usd(3 * FEE),
        platform_fees: usd(platform),
        reserved: usd(0),
        receivable: usd(0),
    };
    assert_eq!(account.balances, [expected]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_is_pending_until_it_arrives_or_fails(pool: PgPool) {
    let story = Story::new()
        .settle(1, 10, PRICE)
        .request_payout(1, 500)
        .request_payout(2, 100)
        .fail_payout(2, 100);
    project(&pool, View::Earnings, &story).await;
    let account = find_account(&pool, host()).await.expect("a query").expect("an account");
    let share = PRICE - FEE - (PRICE - FEE) / 20;
    assert_eq!(account.balances[0].available, usd(share - 500));
    assert_eq!(account.balances[0].pending_payout, usd(500));
    let payouts = list_payouts(&pool, host(), None, 50).await.expect("a query");
    let states: Vec<_> = payouts.iter().map(|row| (row.payout_id, row.state)).collect();
    assert_eq!(
        states,
        [(payout(2), PayoutState::Failed), (payout(1), PayoutState::Sent)]
    );
    let failed = find_payout(&pool, payout(2)).await.expect("a query").expect("a payout");
    assert_eq!(failed.reason.as_deref(), Some("account_closed"));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_statement_adds_up_to_the_balance(pool: PgPool) {
    project(&pool, View::Earnings, &whole_story()).await;
    let lines = statement(&pool, host(), None).await.expect("a query");
    let account = find_account(&pool, host()).await.expect("a query").expect("an account");
    let net: i64 = lines.iter().map(|line| line.net.amount_minor()).sum();
    assert_eq!(usd(net), account.balances[0].available);
    assert_eq!(
        (lines[0].room_id, lines[0].ticket_id),
        (Some(room(1)), Some(ticket(10)))
    );
    let kinds: Vec<_> = lines.iter().skip(3).map(|line| (line.kind, line.payout_id)).collect();
    let expected = [
        (StatementKind::PayoutRequested, Some(payout(1))),
        (StatementKind::PayoutFailed, Some(payout(1))),
        (StatementKind::PayoutRequested, Some(payout(2))),
        (StatementKind::PayoutPaid, Some(payout(2))),
    ];
    assert_eq!(kinds, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_months_statement_holds_that_month(pool: PgPool) {
    project(&pool, View::Earnings, &whole_story()).await;
    // The story plays in November 2026.
    assert_eq!(
        statement(&pool, host(), Some((2026, 11))).await.expect("a query").len(),
        7
    );
    assert_eq!(statement(&pool, host(), Some((2026, 12))).await.expect("a query"), []);
    assert_eq!(statement(&pool, host(), Some((2026, 13))).await.expect("a query"), []);
    assert_eq!(statement(&pool, user(2), None).await.expect("a query"), []);
}

#[sqlx::test(migrations = "../migrations")]
async fn at_every_position_aggregate_view_and_books_agree_on_what_is_available(pool: PgPool) {
    for view in [View::Earnings, View::Ledger] {
        schema::create_missing(&pool, view).await.expect("tables");
    }
    let mut aggregate = Payout::default();
    let account = format!("liability:host:{}:available", host());
    for recorded in whole_story().recorded() {
        for view in [View::Earnings, View::Ledger] {
            feed(&pool, view, Side::Live, std::slice::from_ref(&recorded)).await;
        }
        if let AnyEvent::Payout(_, event) = &recorded.event {
            aggregate.apply(event.clone());
        }
        let decided = aggregate.available(Currency::USD);
        let row = find_account(&pool, host()).await.expect("a query");
        let shown = row.and_then(|row| row.balances.first().map(|balance| balance.available));
        assert_eq!(shown.unwrap_or(usd(0)), decided, "at {}", recorded.position);
        let books = ledger::trial_balance(&pool, None).await.expect("a query");
        let booked = books.iter().find(|row| row.account == account);
        let booked = booked.map_or(0, |row| -row.balance_minor);
        assert_eq!(usd(booked), decided, "at {}", recorded.position);
    }
    assert!(aggregate.available(Currency::USD).is_positive());
}
