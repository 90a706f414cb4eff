//! Bad days: ours, Stripe's, and the bank's.

use chrono::TimeDelta;
use domain::RoomCommand;
use stripe_fake::Fault;

use super::*;
use crate::job::later;

/// Nobody paid in time.
async fn lapse(world: &World) {
    let at = later(world.now(), Duration::from_secs(301));
    world.tell_room(ROOM, RoomCommand::ReleaseLapsed { at }).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_server_killed_between_call_and_record_finds_the_same_intent(pool: PgPool) {
    let settings = ProcessSettings {
        payment_check_delay: Duration::from_secs(1),
        ..hasty()
    };
    let (mut world, fake) = world_with(pool, settings).await;
    world.hold(1).await;
    // Carried out at Stripe, and the request that asked for it is gone before it hears so.
    fake.script("POST", "/v1/payment_intents", Fault::LoseAnswer, 1);
    let killed = tokio::select! {
        _ = world.begin_payment(1, payment(1)) => false,
        () = until("Stripe has made it", || async { fake.intents().len() == 1 }) => true,
    };
    assert!(killed);
    world.stop().await;
    assert_eq!(world.events("payment_accepted").await, 0);
    world.deps.provider = Arc::new(stripe(&fake));
    world.run();
    until("the payment is asked for again", || async {
        world.events("payment_accepted").await == 1
    })
    .await;
    let secret = begin(&world, 1, 1).await;
    assert_eq!(fake.intents().len(), 1);
    assert!(fake.confirm(&secret.provider_ref, &secret.client_secret, Card::Pays));
    world.until_phase(ticket(1), TicketPhase::Issued).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stripe_that_is_away_costs_time_and_no_money(pool: PgPool) {
    let (world, fake) = world(pool).await;
    for number in 1..=2 {
        buy(&world, &fake, number).await;
        world.until_phase(ticket(number), TicketPhase::Issued).await;
    }
    fake.set_down(true);
    world.cancel_room(ROOM).await;
    until("the refunds are owed", || async {
        world.events("refund_owed").await == 2
    })
    .await;
    fake.set_down(false);
    for fault in [
        Fault::LoseAnswer,
        Fault::RateLimit { retry_after: None },
        Fault::Garble,
        Fault::Fail,
        Fault::FailAndRemember { is_carried_out: true },
    ] {
        fake.script("POST", "/v1/refunds", fault, 1);
    }
    for number in 1..=2 {
        until(&format!("refund {number} is completed"), || async {
            refunds(&world, ticket(number)).await == [RefundState::Completed]
        })
        .await;
    }
    assert_eq!(fake.refunds().len(), 2);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_lapsed_cannot_be_paid_any_more(pool: PgPool) {
    let (world, fake) = world(pool).await;
    world.hold(1).await;
    let secret = begin(&world, 1, 1).await;
    lapse(&world).await;
    until("the intent is called off", || async {
        fake.intents()[0]["status"] == "canceled"
    })
    .await;
    assert!(!fake.confirm(&secret.provider_ref, &secret.client_secret, Card::Pays));
    world.until_phase(ticket(1), TicketPhase::Lapsed).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_that_beats_its_cancellation_gets_one_verdict(pool: PgPool) {
    let (world, fake) = world_with(pool, without_sweep()).await;
    buy(&world, &fake, 1).await;
    // Nobody has told us. The cancellation finds out, and the seat is still free.
    lapse(&world).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    deliver(&world, &fake).await;
    world.until_quiet().await;
    assert_eq!(world.events("payment_captured").await, 1);
    assert_eq!(fake.refunds().len(), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refund_that_fails_is_sent_once_more(pool: PgPool) {
    let (world, fake) = world(pool).await;
    buy(&world, &fake, 1).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    fake.set_refunds_wait(true);
    world.cancel_room(ROOM).await;
    until("it is sent", || async {
        refunds(&world, ticket(1)).await == [RefundState::Sent]
    })
    .await;
    let first = fake.refunds()[0]["id"].as_str().unwrap().to_owned();
    fake.end_refund(&first, Some("expired_or_canceled_card"));
    until("it is sent once more", || async { fake.refunds().len() == 2 }).await;
    let second = fake.refunds()[1]["id"].as_str().unwrap().to_owned();
    fake.end_refund(&second, None);
    until("it is completed", || async {
        refunds(&world, ticket(1)).await == [RefundState::Completed]
    })
    .await;
    // What comes late of the first try is old news.
    deliver(&world, &fake).await;
    world.until_quiet().await;
    assert_eq!(notice_kinds(&world).await, [""; 0]);
    // And then the bank sends it back after all: nobody may overlook that.
    fake.end_refund(&second, Some("lost_or_stolen_card"));
    deliver(&world, &fake).await;
    until("it is told", || async {
        notice_kinds(&world).await.contains(&"refund_failed_late".to_owned())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn disputes_and_returned_transfers_are_kept_for_people_once(pool: PgPool) {
    let (world, fake) = world(pool).await;
    let secret = buy(&world, &fake, 1).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    world.hold_session(1_000).await;
    until("the sale is earned", || async {
        world.events("earning_credited").await == 1
    })
    .await;
    fake.script("POST", "/v1/transfers", Fault::LoseAnswer, 2);
    request_payout(&world).await;
    until_payout(&world, PayoutPhase::Paid).await;
    assert_eq!(fake.transfers().len(), 1);
    let transfer = fake.transfers()[0]["id"].as_str().unwrap().to_owned();
    fake.reverse_transfer(&transfer, 100);
    let dispute = fake.dispute(&secret.provider_ref).unwrap();
    fake.close_dispute(&dispute, false);
    for _ in 0..2 {
        deliver(&world, &fake).await;
    }
    until("all is told", || async { notice_kinds(&world).await.len() == 3 }).await;
    world.until_quiet().await;
    let mut kinds = notice_kinds(&world).await;
    kinds.sort();
    assert_eq!(kinds, ["dispute_lost", "dispute_opened", "transfer_returned"]);
    let notices = list_notices(&world.deps.pool, 10).await.unwrap();
    let opened = notices.iter().find(|notice| notice.kind == "dispute_opened").unwrap();
    assert_eq!(opened.ticket_id, Some(ticket(1).as_uuid()));
    assert_eq!(opened.detail["amount"]["amount_minor"], 1_000);
    let returned = notices
        .iter()
        .find(|notice| notice.kind == "transfer_returned")
        .unwrap();
    assert_eq!(returned.payout_id, Some(PAYOUT.as_uuid()));
    assert_eq!(world.events("payout_returned").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_transfer_that_stripe_refuses_fails_and_the_money_stays(pool: PgPool) {
    let (world, fake) = world(pool).await;
    buy(&world, &fake, 1).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    world.hold_session(1_000).await;
    until("the sale is earned", || async {
        world.events("earning_credited").await == 1
    })
    .await;
    let link = PayoutCommand::LinkDestination {
        destination: "acct_of_nobody".to_owned(),
        at: world.now(),
    };
    let payouts = &world.deps.aggregates.payouts;
    payouts.execute(HOST.as_uuid(), link, metadata()).await.unwrap();
    request_payout(&world).await;
    until_payout(&world, PayoutPhase::Failed).await;
    let available = |account: &Payout| account.available(Currency::USD).is_positive();
    assert!(payouts.read(HOST.as_uuid(), available).await.unwrap().0);
    assert_eq!(fake.transfers().len(), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_capture_waits_for_its_fee_but_not_for_ever(pool: PgPool) {
    let (world, fake) = world(pool).await;
    fake.set_books_late(true);
    let secret = buy(&world, &fake, 1).await;
    deliver(&world, &fake).await;
    until("the fee is asked for", || async {
        fake.call_count("GET", "/v1/payment_intents/") > 0
    })
    .await;
    assert_eq!(world.events("payment_captured").await, 0);
    fake.book(&secret.provider_ref);
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    assert_eq!(notice_kinds(&world).await, [""; 0]);
    // A minute ago another buyer paid, and Stripe has still not booked it: the ticket comes first.
    fake.set_now((world.now() - TimeDelta::minutes(1)).timestamp());
    buy(&world, &fake, 2).await;
    world.until_phase(ticket(2), TicketPhase::Issued).await;
    assert_eq!(notice_kinds(&world).await, ["fee_unknown"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_of_another_provider_is_not_refunded_through_this_one(pool: PgPool) {
    let (mut world, fake) = world(pool).await;
    buy(&world, &fake, 1).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    world.stop().await;
    world.deps.provider = Arc::clone(&world.provider) as _;
    world.run();
    world.cancel_room(ROOM).await;
    until("it is put aside", || async { world.dead_jobs().await == 1 }).await;
    assert_eq!(refunds(&world, ticket(1)).await, [RefundState::Owed]);
    assert_eq!(world.provider.refunds().len() + fake.refunds().len(), 0);
}
