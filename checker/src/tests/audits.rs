//! Audits of one room: on a story that is right they hold at every position, and each mistake is named where it is made.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::story::{CO_HOST, HOST, HOST_SHARE, PRICE, ROOM, Story, buyer, payment, refund, tamper, ticket, usd};
use crate::audit::{Audit, Change, Outcome, Question, audit_database};
use crate::snapshot::Entry;

fn run(question: Question, story: &Story) -> (Vec<Change>, Outcome) {
    let mut audit = Audit::new(question, ROOM);
    let mut changes = vec![];
    for (position, line) in (1..).zip(&story.0) {
        let (id, payload) = (line.stream.1.to_string(), line.payload.to_string());
        changes.extend(audit.take(&Entry {
            position,
            aggregate_type: line.stream.0,
            aggregate_id: &id,
            sequence: 1,
            event_type: line.event_type,
            event_version: "1",
            payload: payload.as_bytes(),
            metadata: b"{}",
            recorded_at: 0,
            hash: &[0; 32],
        }));
    }
    (changes, audit.finish())
}

fn holds(question: Question, story: &Story) -> Vec<Change> {
    let (changes, outcome) = run(question, story);
    assert!(outcome.holds, "{outcome:?}");
    assert_eq!(outcome.changes, changes.len() as u64);
    assert!(
        changes
            .iter()
            .all(|change| change.ok && change.figures.len() == question.columns().len())
    );
    changes
}

/// The first position that is wrong.
fn wrong_at(question: Question, story: &Story) -> u64 {
    let (_, outcome) = run(question, story);
    assert!(!outcome.holds);
    outcome.wrong.first().expect("something is wrong").position
}

fn figure<'a>(change: &'a Change, column: &str) -> &'a Value {
    let nth = change
        .columns
        .iter()
        .position(|name| *name == column)
        .expect("a column");
    &change.figures[nth]
}

#[test]
fn seats_are_counted_at_every_position() {
    let changes = holds(Question::Capacity, &Story::whole());
    let seats: Vec<_> = changes
        .iter()
        .map(|change| (figure(change, "held"), figure(change, "sold")))
        .collect();
    let expected =
        [(0, 0), (1, 0), (0, 1), (1, 1), (0, 1), (1, 1), (0, 2), (0, 1)].map(|(held, sold)| (json!(held), json!(sold)));
    assert_eq!(
        seats,
        expected.iter().map(|(held, sold)| (held, sold)).collect::<Vec<_>>()
    );
    assert_eq!(figure(changes.last().unwrap(), "free"), &json!(1));
}

#[test]
fn a_seat_too_many_is_named() {
    let mut story = Story::scheduled(1);
    story.buy(1);
    let position = story.hold(2);
    assert_eq!(wrong_at(Question::Capacity, &story), position);
    let mut story = Story::scheduled(2);
    story.buy(1);
    story.hold(2);
    let position = story.add("room", ROOM, "room_revised", json!({"capacity": 1}));
    assert_eq!(wrong_at(Question::Capacity, &story), position);
    let mut story = Story::scheduled(2);
    let position = story.release(1, "lapsed");
    assert_eq!(wrong_at(Question::Capacity, &story), position);
}

#[test]
fn money_is_somewhere_at_every_position() {
    let changes = holds(Question::Money, &Story::whole());
    let last = changes.last().unwrap();
    let end = [
        "captured",
        "loss",
        "in_transit",
        "unearned",
        "owed_back",
        "given_back",
        "earned",
    ]
    .map(|name| figure(last, name));
    let expected = [2 * PRICE, 0, 0, 0, 0, PRICE, PRICE].map(Value::from);
    assert_eq!(end, expected.each_ref());
}

#[test]
fn a_cent_that_is_lost_is_named() {
    // An earning whose parts do not add up, or that is earned twice.
    let mut story = Story::whole();
    let position = story.position(HOST, "earning_credited");
    story.payload(position)["host_share"] = usd(HOST_SHARE - 1);
    assert_eq!(wrong_at(Question::Money, &story), position);
    let mut story = Story::whole();
    let position = story.credit(1);
    assert_eq!(wrong_at(Question::Money, &story), position);
    // More goes back than was captured, or what was not owed.
    let mut story = Story::scheduled(2);
    story.buy(1);
    let position = story.owe(1, PRICE + 1);
    assert_eq!(wrong_at(Question::Money, &story), position);
    let mut story = Story::scheduled(2);
    story.buy(1);
    let position = story.complete(1, PRICE);
    assert_eq!(wrong_at(Question::Money, &story), position);
    let mut story = Story::scheduled(2);
    story.charge(1);
    let position = story.capture(1);
    assert_eq!(wrong_at(Question::Money, &story), position);
}

#[test]
fn what_a_bank_takes_back_is_a_loss_until_hosts_give_back_theirs() {
    let mut story = Story::whole();
    let lost = json!({
        "dispute": "d", "payment_id": payment(1), "amount": usd(PRICE), "fee": usd(15), "covered": usd(0), "was_issued": true,
    });
    story.add("ticket", ticket(1), "dispute_lost", lost);
    let reversed = json!({
        "ticket_id": ticket(1), "dispute": "d", "from_reserve": usd(0), "from_available": usd(0), "receivable": usd(HOST_SHARE),
    });
    story.add("payout", HOST, "earning_reversed", reversed);
    let changes = holds(Question::Money, &story);
    let end = changes.last().unwrap();
    assert_eq!(figure(end, "loss"), &json!(PRICE + 15 - HOST_SHARE));
    assert_eq!(figure(end, "given_back"), &json!(2 * PRICE));
}

const NOON: &str = "2030-05-01T12:";

fn time(minutes_seconds: &str) -> String {
    format!("{NOON}{minutes_seconds}Z")
}

fn stay(user: Uuid, ticket: Option<Uuid>, from: &str, until: &str) -> Value {
    json!({"user": user, "ticket_id": ticket, "joined_at": time(from), "left_at": time(until), "audible_ms": 0})
}

/// A host, a co-host, two holders; open from minute 0 to 30.
fn evening() -> Story {
    let mut story = Story::default();
    story.add(
        "room",
        ROOM,
        "room_scheduled",
        json!({"room_id": ROOM, "host": HOST, "capacity": 5}),
    );
    for number in [1, 2] {
        story.order(number);
        story.add(
            "ticket",
            ticket(number),
            "ticket_issued",
            json!({"issued_at": "2030-05-01T10:00:00Z"}),
        );
    }
    story.add(
        "room",
        ROOM,
        "co_host_appointed",
        json!({"user": CO_HOST, "by": HOST, "appointed_at": "2030-05-01T10:00:00Z"}),
    );
    story.add("room", ROOM, "room_opened", json!({"opened_at": time("00:00")}));
    story
}

fn record(story: &mut Story, intervals: &Value) -> u64 {
    story.add("room", ROOM, "room_ended", json!({"ended_at": time("30:00")}));
    story.add("room", ROOM, "presence_recorded", json!({"intervals": intervals}))
}

#[test]
fn who_has_a_right_may_be_inside() {
    let mut story = evening();
    let out = json!({
        "refund_id": refund(2), "payment_id": payment(2), "amount": usd(PRICE), "in_full": true, "was_issued": true,
        "owed_at": time("10:00"),
    });
    story.add("ticket", ticket(2), "refund_owed", out);
    let intervals = json!([
        stay(HOST, None, "00:00", "30:01"),
        stay(CO_HOST, None, "00:01", "30:00"),
        stay(buyer(1), Some(ticket(1)), "01:00", "30:00"),
        stay(buyer(2), Some(ticket(2)), "01:00", "10:02"),
    ]);
    record(&mut story, &intervals);
    let changes = holds(Question::Access, &story);
    let stays = changes.iter().filter(|change| change.event == "presence_recorded");
    assert_eq!(stays.count(), 4);
    let gained = changes
        .iter()
        .filter(|change| change.event == "room_opened" && figure(change, "may") == &json!(true));
    assert_eq!(gained.count(), 4, "{changes:?}");
    let lost = changes
        .iter()
        .find(|change| change.event == "refund_owed")
        .expect("a change");
    assert_eq!(
        (figure(lost, "who"), figure(lost, "may")),
        (&json!(buyer(2)), &json!(false))
    );
}

#[test]
fn who_has_none_is_named() {
    type Turn = fn(&mut Story);
    let removed: Turn = |story| {
        let removed = json!({"user": buyer(1), "by": HOST, "removed_at": time("10:00")});
        story.add("room", ROOM, "person_removed", removed);
    };
    let banned: Turn = |story| {
        let banned = json!({"user": buyer(1), "by": HOST, "banned_at": time("10:00")});
        story.add("room", ROOM, "person_banned", banned);
    };
    let given_away: Turn = |story| {
        let given = json!({"from": buyer(1), "to": buyer(7), "transferred_at": time("10:00")});
        story.add("ticket", ticket(1), "ticket_transferred", given);
    };
    let lost: Turn = |story| {
        let lost = json!({"lost_at": time("10:00")});
        story.add("ticket", ticket(1), "dispute_lost", lost);
    };
    for (name, turn) in [
        ("removed", removed),
        ("banned", banned),
        ("given away", given_away),
        ("lost", lost),
    ] {
        for (until, is_right) in [("10:04", true), ("10:10", false)] {
            let mut story = evening();
            turn(&mut story);
            let position = record(&mut story, &json!([stay(buyer(1), Some(ticket(1)), "01:00", until)]));
            let (_, outcome) = run(Question::Access, &story);
            assert_eq!(outcome.holds, is_right, "{name}, out at {until}: {outcome:?}");
            assert!(outcome.wrong.iter().all(|wrong| wrong.position == position));
        }
    }
    for intruder in [
        stay(buyer(9), None, "01:00", "02:00"),
        stay(buyer(9), Some(ticket(9)), "01:00", "02:00"),
        stay(buyer(2), Some(ticket(1)), "01:00", "02:00"),
        stay(buyer(1), Some(ticket(1)), "29:00", "31:00"),
    ] {
        let mut story = evening();
        let position = record(&mut story, &json!([intruder]));
        assert_eq!(wrong_at(Question::Access, &story), position, "{intruder}");
    }
    let mut story = Story::default();
    story.add(
        "room",
        ROOM,
        "room_scheduled",
        json!({"room_id": ROOM, "host": HOST, "capacity": 5}),
    );
    story.order(1);
    story.add("room", ROOM, "room_opened", json!({"opened_at": time("00:00")}));
    let position = story.add("ticket", ticket(1), "ticket_admitted", json!({}));
    assert_eq!(
        wrong_at(Question::Access, &story),
        position,
        "a ticket that was not issued is admitted"
    );
}

#[test]
fn a_co_host_who_was_sent_out_does_not_come_back_as_one() {
    for sent_out in ["person_removed", "person_banned"] {
        let mut story = evening();
        let out = json!({"user": CO_HOST, "by": HOST, "removed_at": time("05:00")});
        let out = match sent_out {
            "person_removed" => out,
            _ => json!({"user": CO_HOST, "by": HOST, "banned_at": time("05:00")}),
        };
        story.add("room", ROOM, sent_out, out);
        let back = json!({"user": CO_HOST, "by": HOST, "unbanned_at": time("10:00")});
        story.add("room", ROOM, "person_unbanned", back);
        let position = record(&mut story, &json!([stay(CO_HOST, None, "11:00", "20:00")]));
        assert_eq!(wrong_at(Question::Access, &story), position, "{sent_out}");

        // Unless they are appointed again.
        let mut story = evening();
        story.add(
            "room",
            ROOM,
            "person_banned",
            json!({"user": CO_HOST, "by": HOST, "banned_at": time("05:00")}),
        );
        story.add(
            "room",
            ROOM,
            "person_unbanned",
            json!({"user": CO_HOST, "by": HOST, "unbanned_at": time("10:00")}),
        );
        let again = json!({"user": CO_HOST, "by": HOST, "appointed_at": time("10:30")});
        story.add("room", ROOM, "co_host_appointed", again);
        record(&mut story, &json!([stay(CO_HOST, None, "11:00", "20:00")]));
        holds(Question::Access, &story);
    }
}

#[test]
fn a_room_that_is_not_there_has_no_audit() {
    let (_, outcome) = run(Question::Capacity, &Story::default());
    assert!(!outcome.holds, "{outcome:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_audit_rests_on_the_log_and_says_so(pool: PgPool) {
    Story::whole().record(&pool).await;
    let audit = async || {
        let mut changes = 0;
        let audit = Audit::new(Question::Money, ROOM);
        let outcome = audit_database(&pool.connect_options(), audit, |_| changes += 1)
            .await
            .expect("read");
        (changes, outcome)
    };
    let (changes, outcome) = audit().await;
    assert!(outcome.holds && outcome.changes == changes, "{outcome:?}");
    tamper(
        &pool,
        "UPDATE events SET metadata = '{\"actor_id\":\"nobody\"}' WHERE position = 4",
    )
    .await;
    let (_, outcome) = audit().await;
    assert!(!outcome.holds, "{outcome:?}");
    assert_eq!(outcome.wrong[0].position, 4);
}
