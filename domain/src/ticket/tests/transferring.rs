//! Tickets that change hands, and holders who decline another time.

use super::*;

fn bought() -> Given<Ticket> {
    given([ordered(), started(1, 1), accepted(1), captured(1), issued()])
}

fn transfer(by: UserId, to: UserId) -> TicketCommand {
    TicketCommand::Transfer { by, to, at: at(20) }
}

fn transferred(from: UserId, to: UserId) -> TicketEvent {
    TicketEvent::TicketTransferred {
        from,
        to,
        transferred_at: at(20),
    }
}

#[test]
fn a_ticket_goes_to_somebody_else_once() {
    let given_away = bought().when(transfer(ANN, BOB)).then([transferred(ANN, BOB)]);
    assert_eq!(given_away.state.holder(), Some(BOB));
    assert!(given_away.state.was_held_by(ANN) && !given_away.state.was_held_by(BOB));
    given_away.clone().when(transfer(ANN, BOB)).then_nothing();
    given_away
        .clone()
        .when(transfer(ANN, HOST))
        .then_err(TicketError::NotHolder);
    let admit = |holder| TicketCommand::Admit { holder, at: at(30) };
    given_away.clone().when(admit(ANN)).then_err(TicketError::NotHolder);
    given_away
        .when(admit(BOB))
        .then([TicketEvent::TicketAdmitted { admitted_at: at(30) }]);
}

#[test]
fn only_an_issued_ticket_that_admitted_nobody_changes_hands() {
    given([ordered()])
        .when(transfer(ANN, BOB))
        .then_err(TicketError::NotIssued);
    bought()
        .and([admitted()])
        .when(transfer(ANN, BOB))
        .then_err(TicketError::NotTransferable);
    bought()
        .and([TicketEvent::RefundOwed(owed(1, 1_000, true, true))])
        .when(transfer(ANN, BOB))
        .then_err(TicketError::Refunded);
    bought().when(transfer(BOB, HOST)).then_err(TicketError::NotHolder);
}

#[test]
fn a_ticket_does_not_wander_without_end() {
    let pairs = [(ANN, BOB), (BOB, ANN)];
    let wandering = pairs
        .into_iter()
        .cycle()
        .take(10)
        .map(|(from, to)| transferred(from, to));
    bought()
        .and(wandering)
        .when(transfer(ANN, BOB))
        .then_err(TicketError::NotTransferable);
}

fn decline(by: UserId, held_second: i64, second: i64) -> TicketCommand {
    TicketCommand::DeclineReschedule(DeclineReschedule {
        refund_id: refund(7),
        by,
        held_at: at(held_second),
        rescheduled_at: at(10),
        decline_until: at(100),
        at: at(second),
    })
}

#[test]
fn a_holder_who_declines_has_everything_back_whatever_the_policy() {
    let no_refunds = ordered_on(terms(1_000, RefundPolicy::None));
    let bought = || given([no_refunds.clone(), started(1, 1), accepted(1), captured(1), issued()]);
    let declined = RefundOwed {
        refund_id: refund(7),
        reason: RefundReason::RescheduleDeclined,
        initiated_by: RefundInitiator::Buyer,
        request: None,
        owed_at: at(50),
        ..owed(7, 1_000, true, true)
    };
    bought()
        .when(decline(ANN, 0, 50))
        .then([TicketEvent::RefundOwed(declined)]);
    bought().when(decline(BOB, 0, 50)).then_err(TicketError::NotHolder);
    bought().when(decline(ANN, 0, 100)).then_err(TicketError::NotRefundable);
    bought().when(decline(ANN, 10, 50)).then_err(TicketError::NotRefundable);
}

#[test]
fn a_free_ticket_is_given_back_when_its_holder_declines() {
    let free = || given([ordered_free(), issued()]);
    let returned = TicketEvent::TicketReturned {
        by: ANN,
        returned_at: at(50),
    };
    let state = free().when(decline(ANN, 0, 50)).then([returned]).state;
    assert_eq!(state.phase(), TicketPhase::Refunded);
    free().when(decline(BOB, 0, 50)).then_err(TicketError::NotHolder);
    free().when(decline(ANN, 10, 50)).then_err(TicketError::NotRefundable);
    free()
        .and([admitted()])
        .when(decline(ANN, 0, 50))
        .then_err(TicketError::NotRefundable);
    given([ordered_free()])
        .when(decline(ANN, 0, 50))
        .then_err(TicketError::NotIssued);
}
