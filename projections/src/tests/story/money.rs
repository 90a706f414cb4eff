//! Why money goes back, and a story in which all that can happen to money happens.

use domain::room::ReleaseReason;
use domain::ticket::RefundReason;

use super::{PRICE, Story};

/// Why a refund is owed.
#[derive(Clone, Copy)]
pub(crate) struct Owed {
    pub(crate) reason: RefundReason,
    pub(crate) in_full: bool,
    pub(crate) was_issued: bool,
}

pub(crate) const fn charged_twice() -> Owed {
    Owed {
        reason: RefundReason::ChargedTwice,
        in_full: false,
        was_issued: false,
    }
}

pub(crate) const fn seat_gone() -> Owed {
    Owed {
        reason: RefundReason::SeatGone,
        in_full: true,
        was_issued: false,
    }
}

pub(crate) const fn on_request() -> Owed {
    Owed {
        reason: RefundReason::Requested,
        in_full: true,
        was_issued: true,
    }
}

pub(crate) const fn in_part() -> Owed {
    Owed {
        reason: RefundReason::Requested,
        in_full: false,
        was_issued: true,
    }
}

/// Everything that can happen to money, in one room: five tickets sold, one lapsed and paid too late, one declined first
/// and charged twice, one refunded in full and one in part, a payout that fails and one that arrives.
pub(crate) fn whole_story() -> Story {
    let first_half = Story::new()
        .approve_host()
        .schedule(1)
        .buy(1, 10)
        .buy(1, 11)
        .hold(1, 12)
        .order(1, 12)
        .start_payment(12, 12, 1)
        .decline(12, 12)
        .start_payment(12, 112, 2)
        .capture(12, 112)
        .sell(1, 12, false)
        .issue(12)
        .capture(12, 12)
        .owe_refund(12, (12, 12), PRICE, charged_twice())
        .complete_refund(12, 12, PRICE)
        .hold(1, 13)
        .order(1, 13)
        .start_payment(13, 13, 1)
        .release(1, 13, ReleaseReason::Lapsed)
        .lapse(13)
        .call_off(13, 13)
        .buy(1, 14)
        .capture(13, 13)
        .deny(1, 13)
        .owe_refund(13, (13, 13), PRICE, seat_gone())
        .complete_refund(13, 13, PRICE);
    first_half
        .owe_refund(11, (11, 11), PRICE, on_request())
        .release(1, 11, ReleaseReason::Refunded)
        .complete_refund(11, 11, PRICE)
        .owe_refund(14, (14, 14), 300, in_part())
        .complete_refund(14, 14, 300)
        .open(1)
        .admit(10)
        .admit(12)
        .end(1)
        .deliver(1, &[10, 12])
        .settle(1, 10, PRICE)
        .settle(1, 12, PRICE)
        .settle(1, 14, PRICE - 300)
        .request_payout(1, 1_000)
        .fail_payout(1, 1_000)
        .request_payout(2, 2_000)
        .pay_out(2, 2_000)
}
