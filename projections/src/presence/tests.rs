//! Attendance, from events.

use domain::room::{Source, Verdict};
use sqlx::PgPool;

use super::attendance;
use crate::View;
use crate::tests::stage::project;
use crate::tests::story::{Story, at, room, session, ticket, user};

#[sqlx::test(migrations = "../migrations")]
async fn what_was_delivered_is_shown_with_its_evidence(pool: PgPool) {
    let story = Story::new()
        .schedule(1)
        .buy(1, 11)
        .buy(1, 10)
        .open(1)
        .end(1)
        .deliver(1, &[11, 10]);
    project(&pool, View::Presence, &story).await;
    let row = attendance(&pool, room(1)).await.expect("a query").expect("a delivery");
    assert_eq!(row.session_id, session(1));
    assert_eq!(
        (row.host_heard_ms, row.listeners_present, row.delivered),
        (9_000, 2, true)
    );
    let stays: Vec<_> = row.intervals.iter().map(|stay| (stay.user, stay.ticket_id)).collect();
    assert_eq!(stays, [(user(11), Some(ticket(11))), (user(10), Some(ticket(10)))]);
    let first = &row.intervals[0];
    assert_eq!((first.joined_at, first.left_at), (at(10), at(20)));
    assert_eq!(
        (first.joined_by, first.left_by),
        (Some(Source::Poll), Some(Source::Webhook))
    );
    assert_eq!((first.speaking[0].from, first.speaking[0].until), (at(11), at(12)));
    assert_eq!(row.verdict, Some(Verdict::Delivered));
    assert_eq!(
        (row.interruptions[0].from, row.interruptions[0].until),
        (at(12), at(13))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn before_the_delivery_is_recorded_there_is_nothing_to_show(pool: PgPool) {
    project(&pool, View::Presence, &Story::new().schedule(1).open(1).end(1)).await;
    assert_eq!(attendance(&pool, room(1)).await.expect("a query"), None);
}
