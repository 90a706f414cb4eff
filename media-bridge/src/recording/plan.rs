//! The pure part: what to do next about a recording.

use chrono::TimeDelta;
use domain::Timestamp;
use domain::room::PARTS_MAX;

use super::recorder::PartStatus;
use super::wishes::Wish;

/// A part that gets longer is ended and another one begun, so that no file grows beyond what its format can say.
const PART_MAX: TimeDelta = TimeDelta::hours(4);
/// The last sound of a part may be that much older than the stop that ended it.
const STOP_SLACK: TimeDelta = TimeDelta::seconds(5);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    Rest,
    /// It was kept long enough.
    Delete,
    Erase,
    Start,
    Stop,
    /// Sound is written since then, or was.
    NoteBegin {
        since: Timestamp,
    },
    /// The part is over: close its file and note it.
    Collect,
    /// Nothing came of an attempt.
    Forget,
    /// It was stopped, and everything of it is noted.
    Close,
}

/// What was seen of the part that is open, or would be next. `leftover_since` is when a file of a part began that the log
/// does not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    pub(super) status: PartStatus,
    pub(super) leftover_since: Option<Timestamp>,
}

pub(super) fn action(wish: &Wish, seen: Seen, now: Timestamp) -> Action {
    let runs = wish.stopped_at.is_none() && !wish.is_deleted;
    let is_over = matches!(seen.status, PartStatus::Absent | PartStatus::Ended { .. });
    if wish.is_deleted {
        return if is_over { Action::Erase } else { Action::Stop };
    }
    match (seen.status, wish.open.is_some()) {
        (PartStatus::Ending, _) => Action::Rest,
        (PartStatus::Starting, _) => {
            if runs {
                Action::Rest
            } else {
                Action::Stop
            }
        }
        (PartStatus::Running { since }, false) => Action::NoteBegin { since },
        (PartStatus::Running { since }, true) => {
            if runs && now - since < PART_MAX {
                Action::Rest
            } else {
                Action::Stop
            }
        }
        (PartStatus::Absent | PartStatus::Ended { .. }, true) => Action::Collect,
        (status @ (PartStatus::Absent | PartStatus::Ended { .. }), false) => match (seen.leftover_since, status) {
            (Some(since), _) => Action::NoteBegin { since },
            (None, PartStatus::Ended { .. }) => Action::Forget,
            (None, _) if runs && wish.parts < PARTS_MAX => Action::Start,
            (None, _) if wish.delete_at.is_some_and(|at| at <= now) => Action::Delete,
            (None, _) if runs => Action::Rest,
            (None, _) => Action::Close,
        },
    }
}

/// Whether a part ended before it should.
pub(super) fn broke_off(wish: &Wish, was_told_to_stop: bool, ended_at: Timestamp) -> bool {
    let is_short = wish
        .stopped_at
        .is_none_or(|stopped_at| ended_at + STOP_SLACK < stopped_at);
    is_short && !was_told_to_stop
}
