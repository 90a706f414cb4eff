//! The line at the doors: when each ticket's turn is.

use chrono::{SubsecRound, TimeDelta};
use domain::Timestamp;

const SECOND: TimeDelta = TimeDelta::seconds(1);
/// As exact as the table keeps it, so that a turn does not depend on where a page ends.
const DIGITS: u16 = 6;

/// The turn of somebody who comes at `at`: at once, or as far behind the one before as the doors' pace says. Doors without a
/// pace let everybody in at once.
pub(super) fn turn_after(last: Option<Timestamp>, at: Timestamp, per_second: u32) -> Timestamp {
    let pause = i32::try_from(per_second)
        .ok()
        .and_then(|count| SECOND.checked_div(count));
    let free = last.zip(pause).and_then(|(last, pause)| last.checked_add_signed(pause));
    free.map_or(at, |free| free.max(at)).trunc_subsecs(DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(1_800_000_000_000 + millis).expect("a time")
    }

    #[test]
    fn the_doors_take_in_so_many_a_second_and_nobody_waits_at_doors_that_are_free() {
        let mut last = None;
        let come = [0, 0, 1, 90, 5_000, 5_000];
        let turns = come.map(|millis| {
            let turn = turn_after(last, at(millis), 10);
            last = Some(turn);
            turn
        });
        assert_eq!(turns, [0, 100, 200, 300, 5_000, 5_100].map(at));
    }

    #[test]
    fn doors_without_a_pace_are_never_busy() {
        assert_eq!(turn_after(Some(at(9_000)), at(1), 0), at(1));
    }
}
