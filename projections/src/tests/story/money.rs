//! Why money goes back, and a story in which all that can happen to money happens.

use domain::PayoutEvent;
use domain::payout::{EarningReversed, HeldEarning};
use domain::room::ReleaseReason;
use domain::ticket::RefundReason;

use super::{FEE, PRICE, Story, at, ticket, usd};

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

/// Everything that money of a host's does: it waits, is kept, held, given back, taken, paid, lost on the way and owed.
pub(crate) fn eventful_story() -> Story {
    let dispute = |dispute: &str, amount: i64, pending: i64| HeldEarning {
        ticket_id: ticket(12),
        dispute: dispute.to_owned(),
        amount: usd(amount),
        pending: Some(usd(pending)),
        co_hosts: vec![],
        at: at(80),
    };
    let share = PRICE - FEE - (PRICE - FEE) / 20;
    let (reserved, pending) = (share / 10, share - share / 10);
    whole_story()
        .settle_to_wait(1, 12, PRICE, at(90))
        .settle_to_wait(1, 13, PRICE, at(90))
        .account(PayoutEvent::EarningHeld(dispute("dp_1", pending + 10, pending)))
        .account(PayoutEvent::EarningReleased(dispute("dp_1", pending + 10, pending - 5)))
        .account(PayoutEvent::EarningHeld(dispute("dp_2", 100, 60)))
        .account(PayoutEvent::EarningReversed(EarningReversed {
            ticket_id: ticket(12),
            dispute: "dp_2".to_owned(),
            from_reserve: usd(100),
            from_pending: Some(usd(20)),
            from_available: usd(3),
            from_rolling_reserve: Some(usd(7)),
            receivable: usd(50),
            co_hosts: vec![],
            reversed_at: at(80),
        }))
        .account(PayoutEvent::EarningsMatured {
            amount: usd(2 * pending - 5 - 60 - 20),
            matured_at: at(90),
        })
        .account(PayoutEvent::ReserveReleased {
            amount: usd(2 * reserved - 7),
            released_at: at(91),
        })
        .account(PayoutEvent::ReceivableNetted {
            amount: usd(50),
            netted_at: at(91),
        })
        .request_payout(3, 500)
        .pay_out(3, 500)
        .return_payout(3, 120)
        .return_payout(3, 380)
}
