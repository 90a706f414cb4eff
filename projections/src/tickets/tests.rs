//! Tickets, from events.

use domain::AnyEvent;
use domain::room::ReleaseReason;
use sqlx::PgPool;

use super::{
    PaymentState, RefundState, TicketRow, TicketState, find_ticket, is_about, list_sales_of_room, list_tickets_of,
    past_ticket,
};
use crate::View;
use crate::tests::stage::project;
use crate::tests::story::{
    FEE, PRICE, Story, at, charged_twice, host, in_part, on_request, payment, room, seat_gone, terms, ticket, usd,
    user, whole_story,
};

/// By the view, and the same by its events alone.
async fn ticket_after(pool: &PgPool, story: &Story) -> TicketRow {
    project(pool, View::Tickets, story).await;
    let row = find_ticket(pool, ticket(10)).await.expect("a query").expect("a ticket");
    let recorded = story.recorded().into_iter();
    let events = recorded.map(|recorded| (recorded.position, recorded.event.clone()));
    let of_ticket = events.filter(|(_, event)| match event {
        AnyEvent::Room(..) => is_about(event, ticket(10)),
        AnyEvent::Ticket(id, _) => *id == ticket(10),
        AnyEvent::Payout(..) | AnyEvent::Shop(..) => false,
    });
    let past = past_ticket(ticket(10), &of_ticket.collect::<Vec<_>>()).expect("a story");
    assert_eq!(past.as_ref(), Some(&row), "as it was is as it is");
    row
}

fn held() -> Story {
    Story::new().schedule(1).hold(1, 10)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_is_a_ticket_from_the_rooms_event_alone(pool: PgPool) {
    let row = ticket_after(&pool, &held()).await;
    let expected = TicketRow {
        id: ticket(10),
        room_id: room(1),
        host: host(),
        holder: user(10),
        state: TicketState::Held,
        was_admitted: false,
        expires_at: Some(at(302)),
        terms: terms(usd(PRICE)),
        payments: vec![],
        refunds: vec![],
        created_at: at(2),
        created_position: 2,
        position: 2,
    };
    assert_eq!(row, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_under_way_keeps_the_deadline(pool: PgPool) {
    let row = ticket_after(&pool, &held().order(1, 10).start_payment(10, 10, 1)).await;
    assert_eq!(row.state, TicketState::PaymentPending);
    assert_eq!(row.expires_at, Some(at(302)));
    assert_eq!(row.payments[0].state, PaymentState::Accepted);
    assert_eq!(row.payments[0].provider_ref.as_deref(), Some("pi_10"));
    assert_eq!(row.payments[0].amount, usd(PRICE));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_declined_payment_leaves_the_seat_held(pool: PgPool) {
    let story = held().order(1, 10).start_payment(10, 10, 1).decline(10, 10);
    let row = ticket_after(&pool, &story).await;
    assert_eq!((row.state, row.expires_at), (TicketState::Held, Some(at(302))));
    assert_eq!(row.payments[0].state, PaymentState::Declined);
    assert_eq!(row.payments[0].reason.as_deref(), Some("card_declined"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_decline_beside_an_open_attempt_is_still_being_paid(pool: PgPool) {
    let story = held()
        .order(1, 10)
        .start_payment(10, 10, 1)
        .start_payment(10, 11, 2)
        .decline(10, 10);
    let row = ticket_after(&pool, &story).await;
    assert_eq!(row.state, TicketState::PaymentPending);
    let states: Vec<_> = row.payments.iter().map(|payment| payment.state).collect();
    assert_eq!(states, [PaymentState::Declined, PaymentState::Accepted]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_called_off_is_cancelled_and_the_lapsed_ticket_stays_lapsed(pool: PgPool) {
    let story = held()
        .order(1, 10)
        .start_payment(10, 10, 1)
        .release(1, 10, ReleaseReason::Lapsed)
        .lapse(10)
        .call_off(10, 10);
    let row = ticket_after(&pool, &story).await;
    assert_eq!(row.state, TicketState::Lapsed);
    assert_eq!(row.payments[0].state, PaymentState::Cancelled);
    assert_eq!((row.payments[0].reason.as_deref(), row.position), (None, 8));
}

#[sqlx::test(migrations = "../migrations")]
async fn with_no_attempt_left_open_the_seat_is_merely_held(pool: PgPool) {
    let story = held()
        .order(1, 10)
        .start_payment(10, 10, 1)
        .start_payment(10, 11, 2)
        .decline(10, 10)
        .call_off(10, 11);
    assert_eq!(ticket_after(&pool, &story).await.state, TicketState::Held);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_called_off_that_was_captured_after_all_is_captured(pool: PgPool) {
    let paying = held().order(1, 10).start_payment(10, 10, 1);
    let row = ticket_after(&pool, &paying.call_off(10, 10).capture(10, 10).issue(10)).await;
    assert_eq!(row.payments[0].state, PaymentState::Captured);
    assert_eq!((row.payments[0].fee, row.state), (Some(usd(FEE)), TicketState::Issued));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_that_has_its_verdict_is_not_called_off(pool: PgPool) {
    let story = held()
        .order(1, 10)
        .start_payment(10, 10, 1)
        .decline(10, 10)
        .call_off(10, 10);
    let row = ticket_after(&pool, &story).await;
    assert_eq!(row.payments[0].state, PaymentState::Declined);
    assert_eq!(row.payments[0].reason.as_deref(), Some("card_declined"));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_issued_ticket_has_no_deadline(pool: PgPool) {
    let row = ticket_after(&pool, &Story::new().schedule(1).buy(1, 10)).await;
    assert_eq!((row.state, row.expires_at), (TicketState::Issued, None));
    assert_eq!(row.payments[0].state, PaymentState::Captured);
    assert_eq!(row.payments[0].fee, Some(usd(FEE)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_lapses_or_is_given_back(pool: PgPool) {
    let row = ticket_after(&pool, &held().release(1, 10, ReleaseReason::Lapsed)).await;
    assert_eq!((row.state, row.expires_at), (TicketState::Lapsed, None));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_given_back_is_released(pool: PgPool) {
    let row = ticket_after(&pool, &held().release(1, 10, ReleaseReason::GivenBack)).await;
    assert_eq!((row.state, row.expires_at), (TicketState::Released, None));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_payment_revives_a_lapsed_ticket(pool: PgPool) {
    let story = held()
        .order(1, 10)
        .start_payment(10, 10, 1)
        .release(1, 10, ReleaseReason::Lapsed)
        .lapse(10)
        .capture(10, 10)
        .sell(1, 10, true)
        .issue(10);
    assert_eq!(ticket_after(&pool, &story).await.state, TicketState::Issued);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_late_payment_without_a_seat_ends_as_a_refund(pool: PgPool) {
    let story = held()
        .order(1, 10)
        .start_payment(10, 10, 1)
        .release(1, 10, ReleaseReason::Lapsed)
        .lapse(10)
        .capture(10, 10)
        .deny(1, 10)
        .owe_refund(10, (1, 10), PRICE, seat_gone())
        .complete_refund(10, 1, PRICE);
    let row = ticket_after(&pool, &story).await;
    assert_eq!(row.state, TicketState::Refunded);
    assert_eq!(row.refunds[0].state, RefundState::Completed);
    assert_eq!(row.refunds[0].payment_id, payment(10));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_full_refund_ends_the_ticket_at_once(pool: PgPool) {
    let story = Story::new()
        .schedule(1)
        .buy(1, 10)
        .owe_refund(10, (1, 10), PRICE, on_request())
        .release(1, 10, ReleaseReason::Refunded);
    let row = ticket_after(&pool, &story).await;
    assert_eq!(row.state, TicketState::Refunded);
    assert_eq!(row.refunds[0].state, RefundState::Owed);
    assert_eq!(row.position, 9, "the seat's release says nothing new about the ticket");
}

#[sqlx::test(migrations = "../migrations")]
async fn partial_and_doubled_charges_go_back_and_the_ticket_stays(pool: PgPool) {
    let story = Story::new()
        .schedule(1)
        .buy(1, 10)
        .start_payment(10, 11, 2)
        .capture(10, 11)
        .owe_refund(10, (1, 11), PRICE, charged_twice())
        .owe_refund(10, (2, 10), 300, in_part());
    let row = ticket_after(&pool, &story).await;
    assert_eq!(row.state, TicketState::Issued);
    let amounts: Vec<_> = row.refunds.iter().map(|refund| refund.amount).collect();
    assert_eq!(amounts, [usd(PRICE), usd(300)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_settled_ticket_remembers_whether_its_holder_came(pool: PgPool) {
    project(&pool, View::Tickets, &whole_story()).await;
    for (number, came) in [(10, true), (12, true), (14, false)] {
        let row = find_ticket(&pool, ticket(number))
            .await
            .expect("a query")
            .expect("a ticket");
        assert_eq!(
            (row.state, row.was_admitted),
            (TicketState::Settled, came),
            "ticket {number}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_acceptance_told_late_does_not_undo_the_capture(pool: PgPool) {
    let accepted = domain::TicketEvent::PaymentAccepted {
        payment_id: payment(10),
        provider_ref: "pi_late".to_owned(),
        accepted_at: at(60),
    };
    let story = Story::new().schedule(1).buy(1, 10).ticket(10, accepted);
    let row = ticket_after(&pool, &story).await;
    assert_eq!(row.payments[0].state, PaymentState::Captured);
    assert_eq!(row.payments[0].provider_ref.as_deref(), Some("pi_late"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_declined_payment_that_was_captured_after_all_has_no_reason(pool: PgPool) {
    let started = held().order(1, 10).start_payment(10, 10, 1);
    let row = ticket_after(&pool, &started.decline(10, 10).capture(10, 10)).await;
    assert_eq!(row.payments[0].state, PaymentState::Captured);
    assert_eq!(row.payments[0].reason, None);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hold_given_back_or_cancelled_stays_released_when_its_ticket_lapses(pool: PgPool) {
    let mut story = Story::new().schedule(1);
    for (number, reason) in [
        (10, ReleaseReason::GivenBack),
        (11, ReleaseReason::RoomCancelled),
        (12, ReleaseReason::Removed),
    ] {
        let paying = story.hold(1, number).order(1, number).start_payment(number, number, 1);
        story = paying.release(1, number, reason).lapse(number);
    }
    project(&pool, View::Tickets, &story).await;
    for number in [10, 11, 12] {
        let row = find_ticket(&pool, ticket(number))
            .await
            .expect("a query")
            .expect("a ticket");
        assert_eq!((row.state, row.expires_at), (TicketState::Released, None), "{number}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn holders_see_theirs_and_hosts_see_their_rooms(pool: PgPool) {
    let story = Story::new().schedule(1).schedule(2).hold(1, 10).hold(1, 11).hold(2, 12);
    project(&pool, View::Tickets, &story).await;
    let mine = list_tickets_of(&pool, user(11), None, 50).await.expect("a query");
    assert_eq!(mine.iter().map(|row| row.id).collect::<Vec<_>>(), [ticket(11)]);
    let first = list_sales_of_room(&pool, room(1), None, 1).await.expect("a query");
    assert_eq!(first.iter().map(|row| row.id).collect::<Vec<_>>(), [ticket(11)]);
    let after = first.last().map(|row| row.created_position);
    let rest = list_sales_of_room(&pool, room(1), after, 50).await.expect("a query");
    assert_eq!(rest.iter().map(|row| row.id).collect::<Vec<_>>(), [ticket(10)]);
}
