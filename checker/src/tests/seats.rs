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
        "one more in a tier than it has",
        |story| {
            tiers(story, 1);
            story.hold_at(8, &json!({"tier": "early"}));
            story.hold_at(9, &json!({"tier": "early"}))
        },
        Rule::Quotas,
    ),
    (
        "a tier that nobody offered",
        |story| {
            tiers(story, 1);
            story.hold_at(8, &json!({"tier": "balcony"}))
        },
        Rule::Quotas,
    ),
    (
        "one more by a code than it is good for",
        |story| {
            tiers(story, 1);
            story.hold_at(8, &json!({"promo_code": "c0de"}));
            story.hold_at(9, &json!({"promo_code": "c0de"}))
        },
        Rule::Quotas,
    ),
    (
        "a buyer uses a code twice",
        |story| {
            tiers(story, 2);
            story.hold_at(8, &json!({"promo_code": "c0de"}));
            let position = story.hold_at(9, &json!({"promo_code": "c0de"}));
            story.payload(position)["buyer"] = json!(buyer(8));
            position
        },
        Rule::Quotas,
    ),
    (
        "a tier becomes smaller than what is sold of it",
        |story| {
            tiers(story, 1);
            story.hold_at(8, &json!({"tier": "early"}));
            tiers(story, 0)
        },
        Rule::Quotas,
    ),
    (
        "a late sale takes its tier anew when that is gone",
        |story| {
            tiers(story, 1);
            story.hold_at(8, &json!({"tier": "early"}));
            story.release(8, "lapsed");
            story.hold_at(9, &json!({"tier": "early"}));
            let position = story.sell_anew(8);
            story.payload(position)["retakes"] = json!({"tier": "early"});
            position
        },
        Rule::Quotas,
    ),
    (
        "a late sale does not say what it takes anew",
        |story| {
            tiers(story, 1);
            story.hold_at(8, &json!({"tier": "early"}));
            story.release(8, "lapsed");
            story.sell_anew(8)
        },
        Rule::Quotas,
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
    (
        "a seat is held while the host is suspended",
        |story| {
            story.add("room", ROOM, "sales_suspended", json!({}));
            story.hold(4)
        },
        Rule::Seats,
    ),
    (
        "a seat is held for somebody who is banned",
        |story| {
            story.add(
                "room",
                ROOM,
                "person_banned",
                json!({"user": buyer(4), "everywhere": true}),
            );
            story.add("room", ROOM, "person_banned", json!({"user": buyer(4)}));
            story.add("room", ROOM, "person_unbanned", json!({"user": buyer(4)}));
            story.hold(4)
        },
        Rule::Seats,
    ),
    (
        "a seat is sold to somebody who was removed",
        |story| {
            story.hold(4);
            story.add("room", ROOM, "person_removed", json!({"user": buyer(4)}));
            story.sell(4)
        },
        Rule::Seats,
    ),
    ("a ticket that lapsed is held again", |story| story.hold(3), Rule::Seats),
    ("a seat is sold twice", |story| story.sell(1), Rule::Seats),
    (
        "a seat is sold late as if its hold were there",
        |story| {
            story.hold(8);
            story.release(8, "lapsed");
            story.sell(8)
        },
        Rule::Seats,
    ),
    (
        "a held seat is refunded as if it were sold",
        |story| {
            story.hold(8);
            story.release(8, "refunded")
        },
        Rule::Seats,
    ),
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
    story.sell_anew(1);
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

/// A tier and a code of so many seats, in a room with enough of them.
fn tiers(story: &mut Story, quota: u32) -> u64 {
    let offered = json!({
        "capacity": 20,
        "tiers": [{"tier": "early", "quota": quota}],
        "promo_codes": [{"code": "c0de", "quota": quota, "per_buyer": 1}],
    });
    story.add("room", ROOM, "room_revised", offered)
}

/// Every way back gives back to the tier and to the code, and a transfer takes nothing anew.
#[sqlx::test(migrations = "../migrations")]
async fn tiers_and_codes_that_are_given_back_are_taken_again(pool: PgPool) {
    let mut story = Story::scheduled(9);
    tiers(&mut story, 1);
    let claim = json!({"tier": "early", "promo_code": "c0de"});
    story.hold_at(1, &claim);
    story.release(1, "lapsed");
    story.hold_at(2, &claim);
    story.release(2, "given_back");
    let late = story.sell_anew(1);
    story.payload(late)["retakes"] = claim.clone();
    let given = json!({"ticket_id": ticket(1), "from": buyer(1), "to": buyer(7)});
    story.add("room", ROOM, "seat_transferred", given);
    let freed = story.release(1, "refunded");
    story.payload(freed)["buyer"] = json!(buyer(7));
    story.hold_at(3, &claim);
    story.record(&pool).await;
    let report = judge(&pool).await;
    let about_quotas = |finding: &&crate::Finding| matches!(finding.rule, Rule::Quotas | Rule::Capacity | Rule::Seats);
    assert_eq!(report.findings.iter().find(about_quotas), None);
}
