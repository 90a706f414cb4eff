//! Accounts of hosts, from events.

use cqrs_es::Aggregate;
use domain::{AnyEvent, Currency, Money, Payout, PayoutEvent};
use sqlx::PgPool;

use super::{Balance, PayoutState, Standing, find_account, find_payout, list_hosts, list_payouts};
use crate::View;
use crate::tests::stage::{feed, project};
use crate::tests::story::{FEE, PRICE, Story, at, eventful_story, host, payout, usd, user, whole_story};
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
        pending: usd(0),
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
async fn a_payout_that_came_back_says_so(pool: PgPool) {
    project(&pool, View::Earnings, &eventful_story()).await;
    let returned = find_payout(&pool, payout(3)).await.expect("a query").expect("a payout");
    assert_eq!(returned.state, PayoutState::Returned);
    assert_eq!(returned.reason.as_deref(), Some("transfer_reversed"));
    let account = find_account(&pool, host()).await.expect("a query").expect("an account");
    assert_eq!(account.balances[0].paid_out, usd(2_000));
}

/// Each account of the host's in the books, and what the aggregate has for it.
fn pots(aggregate: &Payout) -> [(String, i64); 4] {
    let currency = Currency::USD;
    [
        ("available", aggregate.available(currency)),
        ("pending", aggregate.pending(currency)),
        ("reserve", aggregate.reserved(currency)),
        ("receivable", aggregate.receivable(currency)),
    ]
    .map(|(part, money)| match part {
        "receivable" => (format!("asset:host:{}:receivable", host()), -money.amount_minor()),
        part => (format!("liability:host:{}:{part}", host()), money.amount_minor()),
    })
}

#[sqlx::test(migrations = "../migrations")]
async fn at_every_position_aggregate_view_and_books_agree_on_where_the_money_is(pool: PgPool) {
    for view in [View::Earnings, View::Ledger] {
        schema::create_missing(&pool, view).await.expect("tables");
    }
    let mut aggregate = Payout::default();
    for recorded in eventful_story().recorded() {
        for view in [View::Earnings, View::Ledger] {
            feed(&pool, view, Side::Live, std::slice::from_ref(&recorded)).await;
        }
        if let AnyEvent::Payout(_, event) = &recorded.event {
            aggregate.apply(event.clone());
        }
        let row = find_account(&pool, host()).await.expect("a query");
        let shown = row.and_then(|row| row.balances.first().copied());
        let shown = shown.map_or([0; 4], |balance| {
            [balance.available, balance.pending, balance.reserved, balance.receivable].map(Money::amount_minor)
        });
        let books = ledger::trial_balance(&pool, None).await.expect("a query");
        for ((account, decided), shown) in pots(&aggregate).into_iter().zip(shown) {
            assert_eq!(shown, decided.abs(), "{account} at {}", recorded.position);
            let booked = books.iter().find(|row| row.account == account);
            let booked = booked.map_or(0, |row| -row.balance_minor);
            assert_eq!(booked, decided, "{account} at {}", recorded.position);
        }
    }
    assert!(aggregate.available(Currency::USD).is_positive());
    let books = ledger::trial_balance(&pool, None).await.expect("a query");
    let payouts = books.iter().find(|row| row.account == "clearing:payout");
    assert_eq!(payouts.map(|row| row.balance_minor), Some(0));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_suspended_host_is_listed_as_such_and_is_again_what_they_were(pool: PgPool) {
    let by = user(99);
    let suspended = PayoutEvent::HostSuspended {
        by,
        reason: "risk".parse().expect("a label"),
        suspended_at: at(9),
    };
    let reinstated = PayoutEvent::HostReinstated {
        by,
        reason: None,
        reinstated_at: at(10),
    };
    let story = Story::new().approve_host().account(suspended);
    project(&pool, View::Earnings, &story).await;
    let account = find_account(&pool, host()).await.expect("a query").expect("an account");
    let suspension = account.suspension.expect("a suspension");
    assert_eq!(
        (account.standing, suspension.reason.as_str()),
        (Standing::Suspended, "risk")
    );
    assert_eq!(suspension.since, at(9));
    for (standing, count) in [(Standing::Suspended, 1), (Standing::Approved, 0)] {
        let hosts = list_hosts(&pool, Some(standing), None, 50).await.expect("a query");
        assert_eq!(hosts.len(), count, "{standing}");
    }
    let recorded = story.account(reinstated).recorded();
    feed(&pool, View::Earnings, Side::Live, &recorded[4..]).await;
    let account = find_account(&pool, host()).await.expect("a query").expect("an account");
    assert_eq!((account.standing, account.suspension), (Standing::Approved, None));
}
