//! Letters, suspension, erasure.

use super::Step::{Erase, Later, Reach, Refund, Reinstate, RequestPayout, Reschedule, Rest, Suspend};
use super::{DELIVERED, FIRST, Flow, flow};

/// The room starts in an hour.
const A_QUARTER_OF_AN_HOUR_BEFORE: u64 = 45 * 60;

/// One for everybody who has a ticket, and one for a buyer alone.
pub(in super::super) static LETTERS: Flow = Flow {
    sends_mail: true,
    ..flow(
        "letters",
        &[&[Reach(1)], FIRST],
        &[Reschedule, Rest, Refund(1, None), Rest],
    )
};

pub(in super::super) static REMINDER: Flow = Flow {
    sends_mail: true,
    ..flow(
        "reminder",
        &[&[Reach(1)], FIRST],
        &[Later(A_QUARTER_OF_AN_HOUR_BEFORE), Rest],
    )
};

/// The rooms of a suspended host sell nothing, and sell again.
pub(in super::super) static SUSPENSION: Flow = flow("suspension", &[FIRST], &[Suspend, Rest, Reinstate, Rest]);

/// It waits until the host is reinstated.
pub(in super::super) static SUSPENSION_BEFORE_A_PAYOUT_WAS_SENT: Flow = flow(
    "suspension_before_a_payout_was_sent",
    &[FIRST, DELIVERED, &[RequestPayout, Suspend]],
    &[Rest, Reinstate, Rest],
);

/// Of somebody who has had the money back.
pub(in super::super) static ERASURE: Flow = flow(
    "erasure",
    &[&[Reach(1)], FIRST, &[Refund(1, None), Rest]],
    &[Erase(1), Rest],
);
