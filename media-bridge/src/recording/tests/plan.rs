//! What to do next, from what the log wants and what was seen.

use domain::room::AudioFormat;

use super::super::plan::{Action, Seen, action, broke_off};
use super::super::recorder::PartStatus;
use super::super::wishes::{OpenPart, Wish};
use super::{at, part};

const ENDED: PartStatus = PartStatus::Ended {
    began_at: None,
    duration_ms: None,
};

fn running() -> PartStatus {
    PartStatus::Running { since: at(10) }
}

fn wish(stopped: bool, open: bool) -> Wish {
    Wish {
        recording: part(1).recording,
        room: part(1).room,
        session: part(1).session,
        stopped_at: stopped.then(|| at(100)),
        delete_at: stopped.then(|| at(1_000)),
        is_deleted: false,
        parts: 1,
        open: open.then(|| OpenPart {
            began_at: at(10),
            format: AudioFormat::Wav,
        }),
    }
}

fn next(wish: &Wish, status: PartStatus) -> Action {
    let seen = Seen {
        status,
        leftover_since: None,
    };
    action(wish, seen, at(200))
}

#[test]
fn a_recording_that_runs_has_a_recorder() {
    let wish = |open| wish(false, open);
    assert_eq!(next(&wish(false), PartStatus::Absent), Action::Start);
    assert_eq!(next(&wish(false), PartStatus::Starting), Action::Rest);
    assert_eq!(next(&wish(false), running()), Action::NoteBegin { since: at(10) });
    assert_eq!(next(&wish(true), running()), Action::Rest);
    assert_eq!(wish(true).part().number, 1, "the part that is open");
    assert_eq!(wish(false).part().number, 2, "the next one");
}

#[test]
fn what_is_over_is_closed_and_then_goes_on_as_another_part() {
    for status in [PartStatus::Absent, ENDED] {
        assert_eq!(next(&wish(false, true), status), Action::Collect);
        assert_eq!(next(&wish(true, true), status), Action::Collect);
    }
    assert_eq!(next(&wish(false, false), ENDED), Action::Forget, "it never began");
    assert_eq!(next(&wish(false, true), PartStatus::Ending), Action::Rest);
}

#[test]
fn what_is_stopped_stops_and_is_closed() {
    assert_eq!(next(&wish(true, true), running()), Action::Stop);
    assert_eq!(next(&wish(true, false), PartStatus::Starting), Action::Stop);
    // It began before it was stopped, and that is noted first.
    assert_eq!(next(&wish(true, false), running()), Action::NoteBegin { since: at(10) });
    assert_eq!(next(&wish(true, false), PartStatus::Absent), Action::Close);
}

/// The process died after sound was written and before that was noted.
#[test]
fn a_file_that_the_log_does_not_know_is_noted() {
    let seen = Seen {
        status: PartStatus::Absent,
        leftover_since: Some(at(50)),
    };
    for stopped in [false, true] {
        let wish = wish(stopped, false);
        assert_eq!(action(&wish, seen, at(200)), Action::NoteBegin { since: at(50) });
    }
}

#[test]
fn a_part_does_not_grow_for_ever() {
    let seen = Seen {
        status: running(),
        leftover_since: None,
    };
    let later = at(10 + 4 * 3_600);
    assert_eq!(action(&wish(false, true), seen, later), Action::Stop);
}

#[test]
fn a_recording_that_is_due_is_deleted_and_its_files_are_erased() {
    let seen = Seen {
        status: PartStatus::Absent,
        leftover_since: None,
    };
    assert_eq!(action(&wish(true, false), seen, at(1_000)), Action::Delete);
    let mut deleted = wish(true, false);
    deleted.is_deleted = true;
    assert_eq!(next(&deleted, PartStatus::Absent), Action::Erase);
    assert_eq!(next(&deleted, running()), Action::Stop);
}

#[test]
fn a_part_broke_off_if_it_ended_before_it_was_told_to() {
    assert!(broke_off(&wish(false, true), false, at(50)));
    assert!(!broke_off(&wish(false, true), true, at(50)), "it had become too long");
    assert!(broke_off(&wish(true, true), false, at(50)));
    assert!(!broke_off(&wish(true, true), false, at(98)));
}
