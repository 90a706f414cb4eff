//! Seats and tickets that a server gave out wrongly.

use serde_json::json;
use sqlx::PgPool;

use super::story::{Mistake, ROOM, Story, assert_named, broken, buyer, judge, ticket};
use crate::Rule;

const MISTAKES: &[Mistake] = &[
    (
        "one more held than there are seats",
        |story| one_too_many(story, Story::hold),
        Rule::Capacity,
    ),
    (
        "one more sold than there are seats",
        |story| one_too_many(story, Story::sell),
        Rule::Capacity,
    ),
    (
        "seats are taken away that are sold",
        |story| {
            story.hold(4);
            story.add("room", ROOM, "room_revised", json!({"capacity": 1}))
        },
        Rule::Capacity,
    ),
    (
        "a seat is given away that is another's",
        |story| {
            story.add(
                "room",
                ROOM,
                "seat_transferred",
                json!({"ticket_id": ticket(1), "from": buyer(9), "to": buyer(8)}),
            )
        },
        Rule::Seats,
    ),
    ("a ticket is held twice", |story| story.hold(1), Rule::Seats),
    ("a ticket that lapsed is held again", |story| story.hold(3), Rule::Seats),
    ("a seat is sold twice", |story| story.sell(1), Rule::Seats),
    ("a refunded seat is sold", |story| story.sell(2), Rule::Seats),
    ("a paid seat lapses", |story| story.release(1, "lapsed"), Rule::Seats),
    (
        "a seat that nobody has is released",
        |story| story.release(9, "lapsed"),
        Rule::Seats,
    ),
    (
        "a seat is released twice",
        |story| story.release(3, "lapsed"),
        Rule::Seats,
    ),
    ("a paid seat is denied", |story| story.deny(1), Rule::Seats),
    (
        "a seat is sold to somebody else",
        |story| {
            story.hold(4);
            let position = story.sell(4);
            story.payload(position)["buyer"] = json!(buyer(5));
            position
        },
        Rule::Seats,
    ),
    (
        "a seat of a room that is not there",
        |story| {
            let position = story.hold(4);
            story.line(position).stream.1 = ticket(77);
            position
        },
        Rule::Seats,
    ),
    (
        "a room is scheduled twice",
        |story| story.add("room", ROOM, "room_scheduled", json!({"room_id": ROOM, "capacity": 50})),
        Rule::Seats,
    ),
    ("a ticket is issued twice", |story| story.issue(1), Rule::Tickets),
    (
        "a ticket is issued without a seat",
        |story| {
            story.charge(4);
            story.issue(4)
        },
        Rule::Tickets,
    ),
    (
        "a ticket is issued and not paid",
        |story| {
            story.hold(4);
            story.order(4);
            story.sell(4);
            story.issue(4)
        },
        Rule::Tickets,
    ),
    (
        "a ticket is ordered and was not held",
        |story| story.order(4),
        Rule::Tickets,
    ),
    (
        "a ticket is issued and was not ordered",
        |story| story.issue(4),
        Rule::Tickets,
    ),
    (
        "a kind of event that is not known",
        |story| story.add("room", ROOM, "seat_swapped", json!({"ticket_id": ticket(1)})),
        Rule::KnownEvents,
    ),
    (
        "an event that cannot be read",
        |story| story.add("room", ROOM, "seat_held", json!({"ticket_id": ticket(1)})),
        Rule::KnownEvents,
    ),
];

/// One seat is taken; two more are there to be had.
fn one_too_many(story: &mut Story, take: fn(&mut Story, u128) -> u64) -> u64 {
    take(story, 11);
    take(story, 12)
}

#[sqlx::test(migrations = "../migrations")]
async fn each_mistake_with_seats_is_named(pool: PgPool) {
    assert_named(&pool, MISTAKES).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_may_grow(pool: PgPool) {
    let mut story = Story::scheduled(1);
    story.buy(1);
    story.add("room", ROOM, "room_revised", json!({"capacity": 2}));
    story.add("room", ROOM, "room_revised", json!({"title": "Late radio"}));
    story.hold(2);
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert!(report.ok, "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_payment_may_find_another_seat(pool: PgPool) {
    let mut story = Story::scheduled(1);
    story.charge(1);
    story.release(1, "lapsed");
    story.sell(1);
    story.issue(1);
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert!(report.ok, "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_seat_that_never_becomes_a_ticket_is_named(pool: PgPool) {
    let mut story = Story::scheduled(1);
    story.charge(1);
    let position = story.sell(1);
    story.record(&pool).await;
    let broken = broken(&judge(&pool).await);
    assert!(broken.contains(&(Rule::Tickets, Some(position))), "{broken:?}");
}
