//! The ledger view, against the events.

use sqlx::{Executor as _, PgPool};

use super::story::{Story, broken, judge};
use crate::Rule;

/// The tables of the view, as far as the checker reads them, with what the whole story comes to.
const VIEW: &str = "
    CREATE SCHEMA view_ledger;
    CREATE TABLE view_ledger.lines (position bigint, account text, currency text, amount_minor bigint);
    CREATE TABLE view_ledger.accounts (account text, currency text, debit_minor bigint, credit_minor bigint);
    INSERT INTO view_ledger.lines VALUES
        (6, 'cash:provider:sandbox', 'USD', 941), (6, 'expense:provider_fee', 'USD', 59),
        (6, 'clearing:charge', 'USD', -1000),
        (9, 'clearing:charge', 'USD', 1000), (9, 'cash:provider:sandbox', 'USD', -953),
        (9, 'revenue:platform_fee', 'USD', -47);
    INSERT INTO view_ledger.accounts VALUES
        ('cash:provider:sandbox', 'USD', 1882, 1894), ('expense:provider_fee', 'USD', 118, 59),
        ('revenue:platform_fee', 'USD', 0, 47), ('clearing:charge', 'USD', 2000, 2000);
    INSERT INTO projection_checkpoint (name, version, position, hash)
        SELECT 'ledger', 1, max(position), sha256('') FROM events;";

async fn with_view(pool: &PgPool, change: &str) -> crate::Report {
    Story::whole().record(pool).await;
    pool.execute("DROP SCHEMA IF EXISTS view_ledger CASCADE; DELETE FROM projection_checkpoint;")
        .await
        .expect("no view");
    pool.execute(VIEW).await.expect("a view");
    pool.execute(change).await.expect("a change");
    judge(pool).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_view_that_says_what_the_events_say_holds(pool: PgPool) {
    let report = with_view(&pool, "").await;
    assert!(report.ok, "{report}");
    assert_eq!(report.ledger_view, Some(report.head));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_without_the_view_is_judged_without_it(pool: PgPool) {
    Story::whole().record(&pool).await;
    let report = judge(&pool).await;
    assert!(report.ok && report.ledger_view.is_none(), "{report}");
    assert!(report.to_string().contains("no ledger view"), "it says so: {report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_view_that_differs_is_named(pool: PgPool) {
    let head = Some(Story::whole().0.len() as u64);
    let changes = [
        (
            "UPDATE view_ledger.accounts SET debit_minor = debit_minor + 1 WHERE account LIKE 'cash:%'",
            head,
        ),
        ("DELETE FROM view_ledger.accounts WHERE account LIKE 'revenue:%'", head),
        (
            "INSERT INTO view_ledger.accounts VALUES ('cash:bank', 'USD', 5, 0)",
            head,
        ),
        (
            "UPDATE view_ledger.accounts SET currency = 'EUR' WHERE account LIKE 'expense:%'",
            head,
        ),
        (
            "UPDATE view_ledger.lines SET amount_minor = 942 WHERE position = 6 AND amount_minor = 941",
            Some(6),
        ),
        ("UPDATE projection_checkpoint SET position = position - 1", None),
        ("UPDATE projection_checkpoint SET position = position + 1", None),
    ];
    for (change, position) in changes {
        let report = with_view(&pool, change).await;
        let broken = broken(&report);
        assert!(broken.contains(&(Rule::LedgerView, position)), "{change}: {report}");
        assert!(
            broken.iter().all(|(rule, _)| *rule == Rule::LedgerView),
            "{change}: {report}"
        );
    }
}
