//! The event list.

use sqlx::PgPool;

use super::*;

#[sqlx::test(migrations = "../migrations")]
async fn pages_follow_each_other_to_the_end(pool: PgPool) {
    let sandbox = sandbox(&pool);
    for n in 1..=5 {
        captured(&sandbox, n, 1_000).await;
    }
    let mut cursor: Option<String> = None;
    let mut sizes = Vec::new();
    let mut seen = Vec::new();
    loop {
        let page = sandbox.list_events(cursor.as_deref(), 2).await.unwrap();
        let Some(next) = page.next else { break };
        cursor = Some(next);
        sizes.push(page.events.len());
        seen.extend(page.events);
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(seen, all_events(&sandbox).await);

    captured(&sandbox, 6, 1_000).await;
    let page = sandbox.list_events(cursor.as_deref(), 2).await.unwrap();
    assert_eq!(page.events.len(), 1, "the last cursor stays good for what comes later");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cursor_is_one_of_ours_and_a_page_moves_on(pool: PgPool) {
    let sandbox = sandbox(&pool);
    captured(&sandbox, 1, 1_000).await;
    for cursor in ["", "evt_1", "1.5"] {
        assert_refused(sandbox.list_events(Some(cursor), 1).await, "invalid_cursor");
    }
    assert_eq!(sandbox.list_events(None, 0).await.unwrap().events.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_webhook_is_in_the_list(pool: PgPool) {
    let sandbox = sandbox(&pool);
    captured(&sandbox, 1, 1_000).await;
    let cursor = sandbox.list_events(None, 10).await.unwrap().next;
    confirmed(&sandbox, 2, 1_000, with_webhook(Delivery::Never)).await;
    let page = sandbox.list_events(cursor.as_deref(), 10).await.unwrap();
    assert_eq!(page.events.len(), 1);
    assert!(matches!(
        &page.events[0].kind,
        ProviderEventKind::PaymentCaptured { payment_id: id, .. } if *id == payment_id(2)
    ));
    let deliveries = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM sandbox.deliveries JOIN sandbox.events ON seq = event_seq WHERE events.id = $1"#,
        page.events[0].id
    );
    assert_eq!(deliveries.fetch_one(&pool).await.unwrap(), 0);
}
