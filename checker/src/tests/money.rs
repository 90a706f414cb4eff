//! Money that a server lost, doubled or invented.

use serde_json::json;
use sqlx::PgPool;

use super::story::{
    HOST, HOST_SHARE, Mistake, PAYOUT, PRICE, ROOM, Story, assert_named, broken, judge, payment, refund, ticket, usd,
};
use crate::Rule;

const MISTAKES: &[Mistake] = &[
    ("a payment is captured twice", |story| story.capture(1), Rule::Captures),
    (
        "a payment is captured that nobody started",
        |story| story.capture(9),
        Rule::Tickets,
    ),
    (
        "another amount is captured",
        |story| {
            let position = story.position(ticket(1), "payment_captured");
            story.payload(position)["amount"] = usd(PRICE + 1);
            position
        },
        Rule::Captures,
    ),
    (
        "a capture ends in neither ticket nor refund",
        |story| story.charge(4),
        Rule::Captures,
    ),
    (
        "a refund never leaves, and there is no ticket",
        |story| {
            let position = story.charge(4);
            story.owe(4, PRICE);
            position
        },
        Rule::Captures,
    ),
    (
        "a second capture stays",
        |story| {
            for event_type in ["payment_started", "payment_captured"] {
                let mut line = story.line(story.position(ticket(1), event_type)).clone();
                line.payload["payment_id"] = json!(payment(8));
                story.0.push(line);
            }
            story.0.len() as u64
        },
        Rule::Captures,
    ),
    (
        "more is owed back than was captured",
        |story| {
            let position = story.owe(2, 1);
            story.payload(position)["refund_id"] = json!(refund(9));
            position
        },
        Rule::Refunds,
    ),
    (
        "a refund of what was not captured",
        |story| {
            let position = story.owe(1, PRICE);
            story.payload(position)["payment_id"] = json!(payment(9));
            position
        },
        Rule::Refunds,
    ),
    (
        "a void room keeps the money",
        |story| {
            let position = story.position(ticket(1), "payment_captured");
            story.add("room", ROOM, "room_voided", json!({"reason": "moderation"}));
            position
        },
        Rule::Refunds,
    ),
    (
        "a sale of a void room is earned",
        |story| {
            story.insert_before(ticket(1), "ticket_settled", "room_voided", json!({"reason": "no_show"}));
            story.position(ticket(1), "ticket_settled")
        },
        Rule::Earnings,
    ),
    (
        "nothing goes back of a room that broke off",
        |story| {
            let crashed = json!({"verdict": {"kind": "crashed", "missing_ms": 2_000, "promised_ms": 3_000}});
            let position = story.position(ROOM, "delivery_recorded");
            *story.payload(position) = crashed;
            story.position(ticket(1), "ticket_settled")
        },
        Rule::Refunds,
    ),
    (
        "a share goes back of a room that was heard to the end",
        |story| {
            let position = story.position(ticket(2), "refund_owed");
            let mut owed = story.line(position).payload.clone();
            owed["amount"] = usd(100);
            owed["reason"] = json!("crashed");
            owed["in_full"] = json!(false);
            owed["refund_id"] = json!(refund(9));
            owed["payment_id"] = json!(payment(1));
            story.insert_before(ticket(1), "ticket_settled", "refund_owed", owed);
            let settled = story.position(ticket(1), "ticket_settled");
            story.payload(settled)["gross"] = usd(PRICE - 100);
            settled
        },
        Rule::Refunds,
    ),
    (
        "a refund is completed twice",
        |story| story.complete(2, PRICE),
        Rule::Refunds,
    ),
    (
        "more leaves than was owed",
        |story| {
            let position = story.position(ticket(2), "refund_completed");
            story.payload(position)["amount"] = usd(PRICE + 1);
            position
        },
        Rule::Refunds,
    ),
    ("a sale is earned twice", |story| story.credit(1), Rule::Earnings),
    ("a refunded sale is earned", |story| story.credit(2), Rule::Earnings),
    (
        "a sale is settled twice",
        |story| {
            let line = story.line(story.position(ticket(1), "ticket_settled")).clone();
            story.0.push(line);
            story.0.len() as u64
        },
        Rule::Earnings,
    ),
    (
        "more is earned than was paid",
        |story| {
            let position = story.position(HOST, "earning_credited");
            story.payload(position)["host_share"] = usd(PRICE);
            position
        },
        Rule::Ledger,
    ),
    (
        "more is paid out than was earned",
        |story| {
            let position = story.request_payout(1);
            story.payload(position)["payout_id"] = json!(refund(9));
            position
        },
        Rule::Payouts,
    ),
    (
        "a payout is asked for while the host is suspended",
        |story| {
            let approved = story.position(HOST, "host_approved");
            story.line(approved).event_type = "host_suspended";
            story.position(HOST, "payout_requested")
        },
        Rule::Payouts,
    ),
    ("a payout is paid twice", |story| story.pay(894), Rule::Payouts),
    (
        "more comes back than was paid",
        |story| story.return_payout(895),
        Rule::Payouts,
    ),
    (
        "a payout comes back twice",
        |story| {
            story.return_payout(HOST_SHARE);
            story.return_payout(1)
        },
        Rule::Payouts,
    ),
    (
        "what was not pending becomes available",
        |story| story.mature(1, "2031-01-01T00:00:00Z"),
        Rule::Earnings,
    ),
    (
        "what is pending becomes available a moment too early",
        |story| {
            story.wait("2030-06-08T00:00:00Z");
            story.mature(HOST_SHARE, "2030-06-07T23:59:59.999Z")
        },
        Rule::Earnings,
    ),
    (
        "what is pending is paid out",
        |story| {
            story.wait("2030-06-08T00:00:00Z");
            story.position(HOST, "payout_requested")
        },
        Rule::Payouts,
    ),
    (
        "a reserve is released that nobody has",
        |story| {
            let released = json!({"amount": usd(1), "released_at": "2031-01-01T00:00:00Z"});
            story.add("payout", HOST, "reserve_released", released)
        },
        Rule::Earnings,
    ),
    (
        "a host pays what is not owed",
        |story| story.add("payout", HOST, "receivable_netted", json!({"amount": usd(1)})),
        Rule::Earnings,
    ),
    (
        "somebody has a share that nobody gave",
        |story| story.credit_share(1),
        Rule::Earnings,
    ),
    (
        "a share comes twice",
        |story| {
            story.share();
            story.credit_share(HOST_SHARE / 10);
            story.credit_share(HOST_SHARE / 10)
        },
        Rule::Earnings,
    ),
    (
        "a sale is divided otherwise than agreed",
        |story| {
            story.share();
            let position = story.position(HOST, "earning_credited");
            story.payload(position)["co_hosts"][0]["amount"] = usd(HOST_SHARE / 10 - 1);
            position
        },
        Rule::Earnings,
    ),
    (
        "a payout fails after it was paid",
        |story| {
            story.add(
                "payout",
                HOST,
                "payout_failed",
                json!({"payout_id": PAYOUT, "amount": usd(894)}),
            )
        },
        Rule::Payouts,
    ),
];

#[sqlx::test(migrations = "../migrations")]
async fn each_mistake_with_money_is_named(pool: PgPool) {
    assert_named(&pool, MISTAKES).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_capture_whose_seat_is_gone_ends_in_a_refund(pool: PgPool) {
    let mut story = Story::scheduled(1);
    story.charge(1);
    story.release(1, "lapsed");
    story.buy(2);
    story.deny(1);
    let position = story.owe(1, PRICE);
    story.payload(position)["was_issued"] = json!(false);
    story.complete(1, PRICE);
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert!(report.ok, "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn money_that_waits_and_comes_back_is_where_it_should_be(pool: PgPool) {
    let mut story = Story::whole();
    for event_type in ["payout_paid", "payout_requested"] {
        story.remove(story.position(HOST, event_type));
    }
    story.wait("2030-06-08T00:00:00Z");
    story.mature(HOST_SHARE, "2030-06-08T00:00:00.250Z");
    story.request_payout(HOST_SHARE);
    story.pay(HOST_SHARE);
    story.return_payout(HOST_SHARE);
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert!(report.ok, "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_share_reaches_who_it_belongs_to_or_is_missed(pool: PgPool) {
    let mut story = Story::whole();
    story.share();
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert_eq!(
        broken(&report),
        [(Rule::Ledger, None), (Rule::Earnings, None)],
        "{report}"
    );
    story.credit_share(HOST_SHARE / 10);
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert!(report.ok, "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn money_in_transit_is_named_when_nothing_moves_any_more(pool: PgPool) {
    let mut story = Story::whole();
    story.remove(story.position(HOST, "payout_paid"));
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert_eq!(broken(&report), [(Rule::Ledger, None)], "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_settled_sale_that_is_not_credited_is_named(pool: PgPool) {
    let mut story = Story::whole();
    for event_type in ["payout_paid", "payout_requested", "earning_credited"] {
        story.remove(story.position(HOST, event_type));
    }
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert_eq!(broken(&report), [(Rule::Earnings, None)], "{report}");
}
