//! From order to admission: a ticket needs its money, is issued once, and admits its holder only.

use super::*;

#[test]
fn an_order_begins_the_sale_once() {
    let order = || order_of(terms(1_000, RefundPolicy::UntilStart));
    given([])
        .when(TicketCommand::Order(Box::new(order())))
        .then([ordered()]);
    let mut again = order();
    again.at = at(50);
    given([ordered()])
        .when(TicketCommand::Order(Box::new(again)))
        .then_nothing();
    let mut other = order();
    other.buyer = BOB;
    given([ordered()])
        .when(TicketCommand::Order(Box::new(other)))
        .then_err(TicketError::KeyReused);
}

#[test]
fn nothing_else_happens_to_a_ticket_that_was_not_ordered() {
    let commands = [
        start(1),
        accept(1),
        capture(1),
        decline(1),
        issue(),
        lapse(),
        present(ANN),
        admit(ANN),
        host_refunds(1, None),
    ];
    for command in commands {
        given([]).when(command).then_err(TicketError::NotOrdered);
    }
    given([]).when(settle()).then_nothing();
}

#[test]
fn a_paid_ticket_is_issued_once() {
    given(paid())
        .when(issue())
        .then([issued()])
        .when(issue())
        .then_nothing();
}

#[test]
fn an_unpaid_ticket_is_not_issued() {
    given([ordered(), started(1, 1)])
        .when(issue())
        .then_err(TicketError::NotPaid);
}

#[test]
fn a_free_ticket_is_issued_without_a_payment() {
    given([ordered_free()]).when(issue()).then([issued()]);
    given([ordered_free(), lapsed()]).when(issue()).then([issued()]);
    given([ordered_free()])
        .when(start(1))
        .then_err(TicketError::AlreadyPaid);
}

#[test]
fn a_late_payment_is_issued_when_the_room_found_a_seat() {
    given([ordered(), started(1, 1), lapsed()])
        .then_do(capture(1))
        .when(issue())
        .then([issued()]);
}

#[test]
fn nothing_is_issued_once_everything_is_owed_back() {
    given(paid())
        .and([TicketEvent::RefundOwed(owed(1, 1_000, true, false))])
        .when(issue())
        .then_nothing();
}

#[test]
fn an_unpaid_ticket_lapses_once() {
    given([ordered(), started(1, 1)])
        .when(lapse())
        .then([lapsed()])
        .when(lapse())
        .then_nothing();
}

#[test]
fn a_ticket_with_money_in_it_does_not_lapse() {
    given(paid()).when(lapse()).then_nothing();
    given(paid_and_issued()).when(lapse()).then_nothing();
    given(fully_refunded()).when(lapse()).then_nothing();
}

#[test]
fn the_holder_is_admitted_once() {
    given(paid_and_issued())
        .when(admit(ANN))
        .then([admitted()])
        .when(admit(ANN))
        .then_nothing();
}

#[test]
fn a_ticket_has_one_place_in_line_whoever_holds_it() {
    let given_away = TicketEvent::TicketTransferred {
        from: ANN,
        to: BOB,
        transferred_at: at(6),
    };
    given(paid_and_issued())
        .when(present(ANN))
        .then([presented()])
        .when(present(ANN))
        .then_nothing()
        .and([given_away])
        .when(present(BOB))
        .then_nothing()
        .when(admit(BOB))
        .then([admitted()]);
    given(paid_and_issued())
        .when(present(BOB))
        .then_err(TicketError::NotHolder);
    given(paid()).when(present(ANN)).then_err(TicketError::NotIssued);
    given(fully_refunded())
        .when(present(ANN))
        .then_err(TicketError::Refunded);
}

#[test]
fn nobody_else_is_admitted() {
    given(paid_and_issued())
        .when(admit(BOB))
        .then_err(TicketError::NotHolder);
    given(paid_and_issued())
        .and([admitted()])
        .when(admit(BOB))
        .then_err(TicketError::NotHolder);
}

#[test]
fn only_an_issued_ticket_admits() {
    given(paid()).when(admit(ANN)).then_err(TicketError::NotIssued);
    given([ordered(), lapsed()])
        .when(admit(ANN))
        .then_err(TicketError::NotIssued);
    given(fully_refunded()).when(admit(ANN)).then_err(TicketError::Refunded);
    given(paid_and_issued())
        .and([settled(1_000, 59)])
        .when(admit(ANN))
        .then_err(TicketError::NotIssued);
}

#[test]
fn others_can_ask_where_a_ticket_is_in_its_life() {
    let phases = [
        (vec![], TicketPhase::Unordered),
        (paid(), TicketPhase::Ordered),
        (paid_and_issued(), TicketPhase::Issued),
        (vec![ordered(), lapsed()], TicketPhase::Lapsed),
        (fully_refunded(), TicketPhase::Refunded),
    ];
    for (past, phase) in phases {
        let is_known = !past.is_empty();
        let state = given(past).state;
        assert_eq!(state.phase(), phase);
        assert_eq!(state.holder(), is_known.then_some(ANN));
        assert_eq!(state.sale().map(|sale| sale.host), is_known.then_some(HOST));
    }
}
