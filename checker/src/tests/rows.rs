//! Rows that somebody changed afterwards.

use sqlx::PgPool;

use super::story::{Story, broken, judge, tamper, ticket};
use crate::Rule;

#[sqlx::test(migrations = "../migrations")]
async fn a_whole_story_holds(pool: PgPool) {
    let story = Story::whole();
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert!(report.ok, "{report}");
    assert_eq!(report.events, story.0.len() as u64);
    assert_eq!(report.head, report.events);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_empty_log_holds(pool: PgPool) {
    let report = judge(&pool).await;
    assert!(report.ok && report.head == 0, "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_that_was_changed_is_named(pool: PgPool) {
    let changes: &[(&str, &str, &[Rule])] = &[
        (
            "a blank in a payload",
            "payload = (payload::text || ' ')::json",
            &[Rule::Chain],
        ),
        ("metadata", "metadata = '{\"actor\": \"another\"}'", &[Rule::Chain]),
        (
            "a microsecond",
            "recorded_at = recorded_at - interval '1 microsecond'",
            &[Rule::Chain],
        ),
        (
            "an hour",
            "recorded_at = recorded_at - interval '1 hour'",
            &[Rule::Chain, Rule::RecordedAt],
        ),
        ("a hash", "hash = sha256(hash)", &[Rule::Chain]),
        (
            "a sequence",
            "sequence = sequence + 100",
            &[Rule::Chain, Rule::Sequences],
        ),
        ("a version", "event_version = '2'", &[Rule::Chain, Rule::KnownEvents]),
    ];
    for (name, change, rules) in changes {
        Story::whole().record(&pool).await;
        tamper(&pool, &format!("UPDATE events SET {change} WHERE position = 5")).await;
        let report = judge(&pool).await;
        for rule in *rules {
            assert!(broken(&report).contains(&(*rule, Some(5))), "{name}: {rule}\n{report}");
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_that_is_gone_is_named(pool: PgPool) {
    let story = Story::whole();
    story.record(&pool).await;
    let gone = story.position(ticket(1), "payment_started");
    tamper(&pool, &format!("DELETE FROM events WHERE position = {gone}")).await;
    let report = judge(&pool).await;
    for rule in [Rule::Positions, Rule::Chain, Rule::Sequences, Rule::Captures] {
        assert!(broken(&report).contains(&(rule, Some(gone + 1))), "{rule}\n{report}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_position_that_is_there_twice_is_named(pool: PgPool) {
    Story::whole().record(&pool).await;
    let doubled = "
        DROP INDEX events_position;
        INSERT INTO events
            SELECT position, aggregate_type, aggregate_id, sequence + 100, event_type, event_version, payload, metadata,
                recorded_at, hash
            FROM events WHERE position = 5";
    tamper(&pool, doubled).await;
    let report = judge(&pool).await;
    assert!(broken(&report).contains(&(Rule::Positions, Some(5))), "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn only_the_first_of_many_findings_are_named(pool: PgPool) {
    let mut story = Story::scheduled(1);
    for number in 1..=150 {
        story.hold(number);
    }
    story.record(&pool).await;
    let report = judge(&pool).await;
    assert_eq!((report.findings.len(), report.findings_count), (100, 149), "{report}");
    assert!(report.to_string().contains("and 49 more"), "{report}");
}
