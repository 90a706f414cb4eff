//! What a delivered sale earns, and what goes back of one that was delivered in part.

use uuid::Uuid;

use super::*;
use crate::room::Missing;

#[test]
fn a_delivered_sale_is_split_between_provider_platform_and_host() {
    // 5 % of 941 is 47.05: the rest of the cent is the host's.
    for past in [vec![], vec![admitted()]] {
        given(paid_and_issued())
            .and(past)
            .when(settle())
            .then([settled(1_000, 59)])
            .when(settle())
            .then_nothing();
    }
}

#[test]
fn what_was_refunded_is_not_earned() {
    given(paid_and_issued())
        .and([TicketEvent::RefundOwed(owed(1, 400, false, true))])
        .when(settle())
        .then([settled(600, 59)]);
}

#[test]
fn a_fee_above_what_is_left_takes_all_of_it_and_no_more() {
    given(paid_and_issued())
        .and([TicketEvent::RefundOwed(owed(1, 960, false, true))])
        .when(settle())
        .then([settled(40, 40)]);
}

#[test]
fn a_second_charge_is_not_earned() {
    given([ordered(), started(1, 1), started(2, 2), captured(1), captured(2)])
        .and([second_charge(false), issued()])
        .when(settle())
        .then([settled(1_000, 59)]);
}

#[test]
fn there_is_nothing_to_settle_without_an_issued_paid_ticket() {
    given(paid()).when(settle()).then_nothing();
    given(fully_refunded()).when(settle()).then_nothing();
    given([ordered(), lapsed()]).when(settle()).then_nothing();
    given([ordered_free(), issued()]).when(settle()).then_nothing();
}

/// Three quarters of the room were not heard.
const MISSING: Missing = Missing {
    missing_ms: 2_700_000,
    promised_ms: 3_600_000,
};

fn settle_without(missing: Missing) -> TicketCommand {
    TicketCommand::Settle {
        missing: Some(missing),
        at: at(9),
    }
}

fn missing_share(amount: i64, in_full: bool) -> TicketEvent {
    let payment_id = payment(1);
    TicketEvent::RefundOwed(RefundOwed {
        refund_id: RefundId::from_uuid(Uuid::new_v5(&payment_id.as_uuid(), b"missing-share")),
        reason: RefundReason::Crashed,
        initiated_by: RefundInitiator::System,
        request: None,
        owed_at: at(9),
        ..owed(1, amount, in_full, true)
    })
}

#[test]
fn the_missing_share_goes_back_and_the_rest_is_earned() {
    given(paid_and_issued())
        .when(settle_without(MISSING))
        .then([missing_share(750, false), settled(250, 59)])
        .when(settle_without(MISSING))
        .then_nothing();
}

#[test]
fn the_share_is_of_what_is_left_and_rounded_up_to_a_whole_cent() {
    // Three quarters of 5.97 are 4.4775.
    given(paid_and_issued())
        .and([TicketEvent::RefundOwed(owed(1, 403, false, true))])
        .when(settle_without(MISSING))
        .then([missing_share(448, false), settled(149, 59)]);
}

#[test]
fn a_share_of_the_last_cent_is_all_of_it() {
    given(paid_and_issued())
        .and([TicketEvent::RefundOwed(owed(1, 999, false, true))])
        .when(settle_without(MISSING))
        .then([missing_share(1, true)])
        .when(settle_without(MISSING))
        .then_nothing();
}

#[test]
fn who_has_everything_back_or_paid_nothing_is_owed_no_share() {
    given(fully_refunded()).when(settle_without(MISSING)).then_nothing();
    given([ordered_free(), issued()])
        .when(settle_without(MISSING))
        .then_nothing();
}
