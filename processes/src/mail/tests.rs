//! What is written, when it is still true, and how long a server is asked.

use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;

use super::send::wait;
use super::template::{Values, fill, time};
use super::{Mail, Notice, Reminder, is_timezone};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

#[test]
fn times_are_the_readers_own_where_they_are_known() {
    assert_eq!(time(at(0), None), "Friday 15 January 2027, 08:00 UTC");
    assert_eq!(time(at(0), Some("Europe/Lisbon")), "Friday 15 January 2027, 08:00 WET");
    assert_eq!(time(at(0), Some("Asia/Tokyo")), "Friday 15 January 2027, 17:00 JST");
    assert_eq!(time(at(0), Some("Middle/Earth")), "Friday 15 January 2027, 08:00 UTC");
    assert!(is_timezone("Europe/Lisbon") && !is_timezone("Middle/Earth") && !is_timezone(""));
}

#[test]
fn a_title_is_put_in_as_it_is() {
    let values = Values {
        room: "{ticket_url} {".to_owned(),
        ticket_url: "https://x".to_owned(),
        ..Values::default()
    };
    let (subject, text) = fill("Subject: About {room}\n\n{room} at {ticket_url}, {unknown}{", &values);
    assert_eq!(subject, "About {ticket_url} {");
    assert_eq!(text, "{ticket_url} { at https://x, {");
}

#[test]
fn every_template_has_a_subject_and_knows_its_values() {
    let values = Values {
        room: "R".to_owned(),
        starts: "S".to_owned(),
        minutes: "M".to_owned(),
        ticket_url: "T".to_owned(),
        decline_until: "D".to_owned(),
        decline_url: "U".to_owned(),
        amount: "A".to_owned(),
        expires: "E".to_owned(),
    };
    for template in [
        include_str!("templates/ticket.txt"),
        include_str!("templates/reminder_day.txt"),
        include_str!("templates/reminder_soon.txt"),
        include_str!("templates/doors_open.txt"),
        include_str!("templates/rescheduled.txt"),
        include_str!("templates/cancelled.txt"),
        include_str!("templates/refund.txt"),
        include_str!("templates/offer.txt"),
    ] {
        let (subject, text) = fill(template, &values);
        assert!(template.starts_with("Subject: ") && subject.contains('R'), "{template}");
        assert!(
            !subject.contains('\n') && !text.contains('{') && text.len() > 20,
            "{text}"
        );
        let empty = fill(template, &Values::default()).1;
        let put_in = text.len() - empty.len();
        assert_eq!(
            put_in + 1,
            template.matches('{').count(),
            "a value it names is not known: {template}"
        );
    }
}

#[test]
fn a_server_that_is_away_is_asked_less_and_less_often() {
    let ages = [(0, 2), (5, 5), (300, 300), (86_400, 600)];
    for (age, expected) in ages {
        assert_eq!(wait(at(age), at(0)), Duration::from_secs(expected), "after {age} s");
    }
    assert_eq!(wait(at(0), at(60)), Duration::from_secs(2), "the clock was set back");
}

#[test]
fn a_letter_is_named_after_kind_person_and_subject() {
    let room = Mail::Room {
        notice: Notice::Reminder {
            reminder: Reminder::Day,
            starts_at: at(0),
        },
        room: domain::RoomId::from_uuid(uuid::Uuid::from_u128(1)),
        ticket: domain::TicketId::from_uuid(uuid::Uuid::from_u128(2)),
        to: domain::UserId::from_uuid(uuid::Uuid::from_u128(3)),
        at: at(0),
    };
    let expected = "day/00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000003";
    assert_eq!(room.key(), expected);
}

#[test]
fn a_letter_that_waits_in_the_table_stays_readable() {
    let stored = r#"{"about":"room","notice":{"notice":"rescheduled","starts_at":"2027-01-15T08:00:00Z"},
        "room":"00000000-0000-0000-0000-000000000001","ticket":"00000000-0000-0000-0000-000000000002",
        "to":"00000000-0000-0000-0000-000000000003","at":"2027-01-15T08:00:00Z"}"#;
    let mail: Mail = serde_json::from_str(stored).unwrap();
    assert_eq!(mail.kind(), "rescheduled");
    assert_eq!(mail.at() + TimeDelta::zero(), at(0));
}
