//! What clients were told, against what is there.

use std::time::Duration;

use sqlx::PgPool;

use super::story::{Story, broken, buyer, tamper, ticket, told, try_judge, write_record};
use crate::{Acknowledgement, CheckError, Kind, Rule};

/// Far more than two looks at a small log take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn judge_record(pool: &PgPool, lines: &[Acknowledgement]) -> crate::Report {
    let path = write_record(lines, "");
    let report = try_judge(pool, Some(path.clone()), Duration::ZERO).await;
    std::fs::remove_file(path).expect("the record was there");
    report.expect("the log can be read")
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_told_is_there(pool: PgPool) {
    let story = Story::whole();
    story.record(&pool).await;
    let record = [
        told(Kind::Hold, 1, 3),
        told(Kind::Captured, 1, 99),
        told(Kind::Issued, 1, story.position(ticket(1), "ticket_issued")),
        // What was held and lapsed was held all the same.
        told(Kind::Hold, 3, 99),
    ];
    let report = judge_record(&pool, &record).await;
    assert!(report.ok && report.acknowledged == 4, "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_lost_is_named(pool: PgPool) {
    let story = Story::whole();
    story.record(&pool).await;
    let issued_at = story.position(ticket(2), "ticket_issued");
    tamper(&pool, &format!("DELETE FROM events WHERE position >= {issued_at}")).await;
    for lost in [
        told(Kind::Issued, 2, issued_at),
        told(Kind::Hold, 9, 40),
        told(Kind::Captured, 3, 40),
    ] {
        let report = judge_record(&pool, std::slice::from_ref(&lost)).await;
        let expected = (Rule::Acknowledged, lost.position);
        assert!(broken(&report).contains(&expected), "{lost:?}: {report}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_as_told_is_named(pool: PgPool) {
    Story::whole().record(&pool).await;
    let mut other_buyer = told(Kind::Hold, 1, 3);
    other_buyer.buyer = Some(buyer(2));
    let mut other_room = told(Kind::Hold, 1, 3);
    other_room.room_id = ticket(1);
    let too_early = told(Kind::Hold, 1, 2);
    for wrong in [other_buyer, other_room, too_early] {
        let report = judge_record(&pool, std::slice::from_ref(&wrong)).await;
        assert_eq!(broken(&report), [(Rule::Acknowledged, Some(3))], "{wrong:?}: {report}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_in_flight_is_waited_for(pool: PgPool) {
    let mut story = Story::scheduled(1);
    story.hold(1);
    story.order(1);
    story.start(1);
    let before = story.0.len();
    story.record(&pool).await;
    story.capture(1);
    story.sell(1);
    story.issue(1);
    let path = write_record(&[told(Kind::Captured, 1, 99)], "");
    let now = try_judge(&pool, Some(path.clone()), Duration::ZERO)
        .await
        .expect("a report");
    assert_eq!(broken(&now), [(Rule::Acknowledged, Some(99))], "{now}");
    let (later, ()) = tokio::join!(
        try_judge(&pool, Some(path.clone()), PATIENCE),
        story.record_from(before, &pool)
    );
    let later = later.expect("a report");
    assert!(later.ok, "{later}");
    std::fs::remove_file(path).expect("the record was there");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_line_that_was_cut_off_counts_for_nothing_and_nonsense_is_an_error(pool: PgPool) {
    Story::whole().record(&pool).await;
    let cut_off = write_record(&[told(Kind::Hold, 1, 3)], r#"{"ticket_id":"0000"#);
    let report = try_judge(&pool, Some(cut_off.clone()), Duration::ZERO)
        .await
        .expect("a report");
    assert!(report.ok && report.acknowledged == 1, "{report}");
    let nonsense = write_record(&[told(Kind::Hold, 1, 3)], "{}\n");
    let refused = try_judge(&pool, Some(nonsense.clone()), PATIENCE).await;
    assert!(matches!(refused, Err(CheckError::Line { line: 2, .. })), "{refused:?}");
    for path in [cut_off, nonsense] {
        std::fs::remove_file(path).expect("the record was there");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_record_that_is_not_there_is_an_error(pool: PgPool) {
    let refused = try_judge(&pool, Some("/nowhere/record.ndjson".into()), PATIENCE).await;
    assert!(matches!(refused, Err(CheckError::File { .. })), "{refused:?}");
}
