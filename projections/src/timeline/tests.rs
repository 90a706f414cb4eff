//! Timelines, from events.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::{TimelineLine, timeline};
use crate::View;
use crate::tests::shop::{PATIENCE, Shop};
use crate::tests::story::{Story, payment, room, ticket, whole_story};

/// A shop in which a story has happened: a timeline shows what the log says.
async fn after(options: PgConnectOptions, story: &Story) -> Shop {
    let shop = Shop::open(options).await;
    let (views, _) = shop.start_views().await;
    let head = shop.append(&story.appends()).await;
    assert!(views.wait_for(View::Timeline, head, PATIENCE).await);
    shop
}

async fn lines(shop: &Shop, after: Option<u64>, limit: u32) -> Vec<TimelineLine> {
    timeline(&shop.pool, room(1), after, limit).await.expect("a query")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_and_its_tickets_are_told_in_order(_: PgPoolOptions, options: PgConnectOptions) {
    let story = Story::new()
        .approve_host()
        .schedule(1)
        .schedule(2)
        .buy(1, 10)
        .hold(2, 11);
    let shop = after(options, &story).await;
    let lines = lines(&shop, None, 50).await;
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
    assert_eq!(lines[5].facts["payment_id"], payment(10).to_string());
    assert_eq!(lines[0].ticket_id, None);
    shop.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_follow_each_other(_: PgPoolOptions, options: PgConnectOptions) {
    let story = (0..160).fold(whole_story(), |story, number| {
        story.schedule(2 + number).buy(1, 100 + number)
    });
    let shop = after(options, &story).await;
    let all = lines(&shop, None, 10_000).await;
    assert!(all.len() > super::ROW_MAX, "more than one row");
    for size in [1, 20, 300] {
        let mut paged = lines(&shop, None, size).await;
        while let Some(last) = paged.last().map(|line| line.position) {
            let page = lines(&shop, Some(last), size).await;
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, all, "in pages of {size}");
    }
    shop.close().await;
}
