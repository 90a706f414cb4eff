//! Timelines, from events.

use sqlx::PgPool;

use super::timeline;
use crate::View;
use crate::tests::stage::project;
use crate::tests::story::{Story, at, payment, room, ticket, whole_story};

#[sqlx::test(migrations = "../migrations")]
async fn a_room_and_its_tickets_are_told_in_order(pool: PgPool) {
    let story = Story::new()
        .approve_host()
        .schedule(1)
        .schedule(2)
        .buy(1, 10)
        .hold(2, 11);
    project(&pool, View::Timeline, &story).await;
    let lines = timeline(&pool, room(1), None, 50).await.expect("a query");
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.position, line.event_type.as_str()))
        .collect();
    let expected = [
        (4, "room_scheduled"),
        (6, "seat_held"),
        (7, "ticket_ordered"),
        (8, "payment_started"),
        (9, "payment_accepted"),
        (10, "payment_captured"),
        (11, "seat_sold"),
        (12, "ticket_issued"),
    ];
    assert_eq!(told, expected);
    assert_eq!(lines[5].ticket_id, Some(ticket(10)));
    assert_eq!(lines[5].at, at(10));
    assert_eq!(lines[5].facts["payment_id"], payment(10).to_string());
    assert_eq!(lines[0].ticket_id, None);
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_follow_each_other(pool: PgPool) {
    project(&pool, View::Timeline, &whole_story()).await;
    let all = timeline(&pool, room(1), None, 1_000).await.expect("a query");
    let mut paged = timeline(&pool, room(1), None, 20).await.expect("a query");
    let after = paged.last().map(|line| line.position);
    paged.extend(timeline(&pool, room(1), after, 1_000).await.expect("a query"));
    assert_eq!(paged, all);
}
