//! From a held seat to a ticket.

use domain::room::{HoldSeat, Seat};
use domain::ticket::{PAYMENT_ATTEMPTS_MAX, PaymentState, TicketPhase};
use domain::{Channel, Fingerprint, PaymentId, Room, RoomCommand, TicketId};
use payments::IntentState;
use sqlx::PgPool;

use super::world::{HOST, PRICE_MINOR, ROOM, RoomPlan, SESSION, World, hasty, payment, room, ticket, usd, user};
use crate::{BeginPaymentError, Begun};

async fn payment_state(world: &World, ticket: TicketId, payment: PaymentId) -> Option<PaymentState> {
    let look = move |ticket: &domain::Ticket| ticket.payment(payment).map(|payment| payment.state);
    world.look_at_ticket(ticket, look).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_captured_payment_becomes_a_ticket(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = world.pay(1).await;
    world.until_phase(ticket, TicketPhase::Issued).await;
    assert_eq!(
        world
            .look_at_room(ROOM, |room| (room.held_count(), room.sold_count()))
            .await,
        (0, 1)
    );
    world.until_quiet().await;
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn beginning_twice_gives_the_same_payment(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let ticket = world.hold(1).await;
    let first = world.begin_payment(1, payment(1)).await.unwrap();
    let again = world.begin_payment(1, payment(1)).await.unwrap();
    assert_eq!(first, again);
    assert!(
        matches!(first, Begun::Intent { attempt: 1, amount, state: IntentState::Pending, .. } if amount == usd(PRICE_MINOR))
    );
    assert_eq!(world.events("payment_started").await, 1);
    assert_eq!(
        payment_state(&world, ticket, payment(1)).await,
        Some(PaymentState::Accepted)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_key_of_another_request_is_refused(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    world.order(1).await;
    let mut other = world.begin(1, payment(1));
    other.request = Fingerprint::of(b"another request");
    let refused = world.processes.begin_payment(other).await;
    assert!(matches!(refused, Err(BeginPaymentError::KeyReused)), "{refused:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_pays_for_a_hold_that_is_not_theirs_or_not_there(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    world.hold(1).await;
    let mut foreign = world.begin(1, payment(1));
    foreign.buyer = user(2);
    let refused = world.processes.begin_payment(foreign.clone()).await;
    assert!(matches!(refused, Err(BeginPaymentError::NoSuchHold)), "{refused:?}");

    // The same once the ticket has a stream of its own.
    world.begin_payment(1, payment(1)).await.unwrap();
    let refused = world.processes.begin_payment(foreign).await;
    assert!(matches!(refused, Err(BeginPaymentError::NoSuchHold)), "{refused:?}");

    let mut elsewhere = world.begin(3, payment(3));
    elsewhere.room_id = room(99);
    let refused = world.processes.begin_payment(elsewhere).await;
    assert!(matches!(refused, Err(BeginPaymentError::NoSuchHold)), "{refused:?}");

    let refused = world.begin_payment(4, payment(4)).await;
    assert!(matches!(refused, Err(BeginPaymentError::HoldExpired)), "{refused:?}");
    assert_eq!(world.events("ticket_ordered").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paid_ticket_is_not_paid_again(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = world.pay(1).await;
    world.until_phase(ticket, TicketPhase::Issued).await;
    let refused = world.begin_payment(1, payment(2)).await;
    assert!(matches!(refused, Err(BeginPaymentError::AlreadyPaid)), "{refused:?}");
    // The first request, repeated, still has its answer.
    let repeat = world.begin_payment(1, payment(1)).await.unwrap();
    assert!(
        matches!(
            repeat,
            Begun::Intent {
                state: IntentState::Captured { .. },
                ..
            }
        ),
        "{repeat:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_declined_card_may_try_again(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = world.order(1).await;
    let body = world.provider.decline(payment(1));
    world.processes.receive_webhook(&body).await.unwrap();
    super::world::until("the decline is recorded", || async {
        payment_state(&world, ticket, payment(1)).await == Some(PaymentState::Declined)
    })
    .await;

    let second = world.begin_payment(1, payment(2)).await.unwrap();
    assert!(matches!(second, Begun::Intent { attempt: 2, .. }), "{second:?}");
    let body = world.provider.capture(payment(2));
    world.processes.receive_webhook(&body).await.unwrap();
    world.until_phase(ticket, TicketPhase::Issued).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_free_seat_is_issued_at_once(pool: PgPool) {
    let world = World::start(pool).await;
    let free = RoomPlan {
        price_minor: 0,
        ..RoomPlan::default()
    };
    world.schedule(room(2), free).await;
    let ticket = world.hold_in(room(2), 1).await;
    let mut request = world.begin(1, payment(1));
    request.room_id = room(2);
    let begun = world.processes.begin_payment(request.clone()).await.unwrap();
    assert!(matches!(begun, Begun::Issued { .. }));
    assert_eq!(world.phase(ticket).await, TicketPhase::Issued);
    let repeat = world.processes.begin_payment(request).await.unwrap();
    assert!(matches!(repeat, Begun::Issued { .. }));
    world.until_quiet().await;
    assert_eq!(world.events("ticket_issued").await, 1);
    assert_eq!(world.events("payment_started").await, 0);
    assert_eq!(world.dead_jobs().await, 0);
}

/// Buyer 1 orders a seat of the free room 2, and goes away.
async fn order_free_seat(world: &World) -> TicketId {
    let ordered = world.hold_in(room(2), 1).await;
    let look = move |room: &Room| match room.seat(ticket(1)) {
        Some(Seat::Held(hold)) => hold.terms.clone(),
        Some(Seat::Sold { .. }) | None => panic!("the seat is held"),
    };
    let terms = world.look_at_room(room(2), look).await;
    let order = domain::ticket::OrderTicket {
        ticket_id: ticket(1),
        room_id: room(2),
        host: HOST,
        buyer: user(1),
        terms,
        at: world.now(),
    };
    let order = domain::TicketCommand::Order(Box::new(order));
    let tickets = &world.deps.aggregates.tickets;
    tickets
        .execute(ordered.as_uuid(), order, super::world::metadata())
        .await
        .unwrap();
    ordered
}

#[sqlx::test(migrations = "../migrations")]
async fn a_free_order_that_was_cut_short_is_finished_by_itself(pool: PgPool) {
    let mut world = World::idle(pool, hasty()).await;
    let free = RoomPlan {
        price_minor: 0,
        ..RoomPlan::default()
    };
    world.schedule(room(2), free).await;
    let held = order_free_seat(&world).await;
    world.run();
    world.until_phase(held, TicketPhase::Issued).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_free_order_without_a_seat_is_never_issued(pool: PgPool) {
    let mut world = World::idle(pool, hasty()).await;
    let free = RoomPlan {
        price_minor: 0,
        ..RoomPlan::default()
    };
    world.schedule(room(2), free).await;
    let held = order_free_seat(&world).await;
    world.cancel_room(room(2)).await;
    for _ in 0..2 {
        let mut request = world.begin(1, payment(1));
        request.room_id = room(2);
        let refused = world.processes.begin_payment(request).await;
        assert!(matches!(refused, Err(BeginPaymentError::HoldExpired)), "{refused:?}");
    }
    world.run();
    world.until_phase(held, TicketPhase::Lapsed).await;
    world.until_quiet().await;
    assert_eq!(world.events("ticket_issued").await, 0);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_started_while_the_provider_is_down_is_asked_for_again(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = world.hold(1).await;
    world.provider.set_down(true);
    let begun = world.begin_payment(1, payment(1)).await;
    assert!(
        matches!(begun, Err(BeginPaymentError::ProviderUnavailable(_))),
        "{begun:?}"
    );
    assert_eq!(
        payment_state(&world, ticket, payment(1)).await,
        Some(PaymentState::Started)
    );

    world.provider.set_down(false);
    super::world::until("the provider knows the payment", || async {
        payment_state(&world, ticket, payment(1)).await == Some(PaymentState::Accepted)
    })
    .await;
    assert_eq!(world.provider.intent_state(payment(1)), Some(IntentState::Pending));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_that_the_provider_refuses_is_declined(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    let ticket = world.hold(1).await;
    world.provider.set_refuses(Some("country_not_supported"));
    let begun = world.begin_payment(1, payment(1)).await;
    assert!(
        matches!(begun, Err(BeginPaymentError::ProviderRefused { .. })),
        "{begun:?}"
    );
    assert_eq!(
        payment_state(&world, ticket, payment(1)).await,
        Some(PaymentState::Declined)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn every_buyer_of_a_full_room_gets_a_ticket_while_the_provider_comes_and_goes(pool: PgPool) {
    let world = World::start(pool).await;
    for number in 1..=5 {
        world.order(number).await;
    }
    world.provider.set_down(true);
    for number in 1..=5 {
        let body = world.provider.capture(payment(number));
        world.processes.receive_webhook(&body).await.unwrap();
    }
    world.provider.set_down(false);
    for number in 1..=5 {
        world.until_phase(ticket(number), TicketPhase::Issued).await;
    }
    assert_eq!(world.look_at_room(ROOM, Room::sold_count).await, 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_has_a_limited_number_of_attempts(pool: PgPool) {
    let world = World::idle(pool, hasty()).await;
    world.hold(1).await;
    for number in 0..PAYMENT_ATTEMPTS_MAX {
        world.begin_payment(1, payment(number.into())).await.unwrap();
    }
    let limit = PAYMENT_ATTEMPTS_MAX;
    let refused = world.begin_payment(1, payment(limit.into())).await;
    assert!(
        matches!(refused, Err(BeginPaymentError::TooManyAttempts { limit: told }) if told == limit),
        "{refused:?}"
    );
    assert_eq!(world.provider.intent_state(payment(limit.into())), None);
    // A repeat of the last one is no attempt.
    let last = payment((limit - 1).into());
    assert!(matches!(world.begin_payment(1, last).await, Ok(Begun::Intent { attempt, .. }) if attempt == limit));
}

#[sqlx::test(migrations = "../migrations")]
async fn who_was_sent_out_while_paying_for_another_seat_gets_the_money_back(pool: PgPool) {
    let mut world = World::idle(pool, hasty()).await;
    let plan = RoomPlan {
        tickets_per_buyer: 2,
        ..RoomPlan::default()
    };
    world.schedule(room(2), plan).await;
    world.run();
    let (session_id, at) = (SESSION, world.now());
    let mut tickets = vec![];
    for number in [1, 2] {
        let hold = HoldSeat {
            wish: None,
            rollout: None,
            ticket_id: ticket(number),
            buyer: user(2),
            channel: Channel::Web,
            options: None,
            request: Fingerprint::of(b"hold"),
            at,
            customer: domain::Customer::NotAsked,
        };
        world.tell_room(room(2), RoomCommand::HoldSeat(hold)).await;
        let mut begin = world.begin(2, payment(number));
        (begin.room_id, begin.ticket_id) = (room(2), ticket(number));
        world.processes.begin_payment(begin).await.unwrap();
        tickets.push(ticket(number));
    }
    let body = world.provider.capture(payment(1));
    world.processes.receive_webhook(&body).await.unwrap();
    world.until_phase(tickets[0], TicketPhase::Issued).await;
    let (by, user) = (HOST, user(2));
    world.tell_room(room(2), RoomCommand::Open { by, session_id, at }).await;
    world
        .tell_room(room(2), RoomCommand::RemovePerson { user, by, at })
        .await;

    let body = world.provider.capture(payment(2));
    world.processes.receive_webhook(&body).await.unwrap();
    world.until_phase(tickets[1], TicketPhase::Refunded).await;
    world.until_quiet().await;
    assert_eq!(world.provider.refunds().len(), 1);
    assert_eq!(world.events("refund_completed").await, 1);
    assert_eq!(world.events("ticket_issued").await, 1);
    let seats = |room: &Room| (room.held_count(), room.sold_count());
    assert_eq!(world.look_at_room(room(2), seats).await, (0, 1));
    assert_eq!(world.dead_jobs().await, 0);
}
