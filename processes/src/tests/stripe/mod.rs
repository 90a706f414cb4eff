//! The same with Stripe: the real client, against a fake with a memory and bad days.

mod reconciling;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use domain::payout::{PayoutPhase, RequestPayout};
use domain::ticket::{RefundState, TicketPhase};
use domain::{Currency, Fingerprint, Payout, PayoutCommand, PayoutId, Ticket, TicketId};
use event_log::{Clock, SystemClock};
use payments::stripe::{Stripe, StripeConfig};
use sqlx::PgPool;
use stripe_fake::{Card, FakeStripe, SECRET_KEY};
use uuid::Uuid;

use super::provider::ScriptedProvider;
use super::world::{HOST, ROOM, RoomPlan, World, hasty, metadata, payment, ticket, until};
use crate::inbox::{Replay, list_notices, replay};
use crate::{Begun, ProcessSettings, Processes};

const PAYOUT: PayoutId = PayoutId::from_uuid(Uuid::from_u128(0xf201));

/// A world whose payments go to Stripe, and where the fake's clock shows the time of day.
async fn world_with(pool: PgPool, settings: ProcessSettings) -> (World, FakeStripe) {
    let fake = FakeStripe::start(SystemClock.now().timestamp()).await.unwrap();
    fake.add_account("acct_host");
    let scripted = Arc::new(ScriptedProvider::new(SystemClock.now()));
    let mut world = World::around(pool, settings, scripted, Arc::new(SystemClock)).await;
    world.deps.provider = Arc::new(stripe(&fake));
    world.processes = Processes::idle(world.deps.clone());
    world.schedule(ROOM, RoomPlan::default()).await;
    world.run();
    (world, fake)
}

async fn world(pool: PgPool) -> (World, FakeStripe) {
    world_with(pool, hasty()).await
}

fn stripe(fake: &FakeStripe) -> Stripe {
    let config = StripeConfig {
        api_base: fake.url().to_owned(),
        attempt_timeout: Duration::from_millis(300),
        call_limit: Duration::from_secs(2),
        back_off_first: Duration::from_millis(5),
        ..StripeConfig::new(SECRET_KEY.into(), Arc::new(|| SystemClock.now()))
    };
    Stripe::new(config).unwrap()
}

fn without_sweep() -> ProcessSettings {
    ProcessSettings {
        sweep_interval: Duration::from_hours(1),
        ..hasty()
    }
}

/// What the buyer's browser knows of a payment.
struct Secret {
    provider_ref: String,
    client_secret: String,
}

/// Buyer `number` starts payment `attempt` of ticket `number`.
async fn begin(world: &World, number: u128, attempt: u128) -> Secret {
    match world.begin_payment(number, payment(attempt)).await.unwrap() {
        Begun::Intent {
            provider_ref,
            client_secret,
            ..
        } => Secret {
            provider_ref,
            client_secret,
        },
        begun @ (Begun::Issued { .. } | Begun::Store { .. }) => panic!("a card pays: {begun:?}"),
    }
}

/// Buyer `number` holds a seat, and the card pays.
async fn buy(world: &World, fake: &FakeStripe, number: u128) -> Secret {
    world.hold(number).await;
    let secret = begin(world, number, number).await;
    assert!(fake.confirm(&secret.provider_ref, &secret.client_secret, Card::Pays));
    secret
}

async fn deliver(world: &World, fake: &FakeStripe) {
    for body in fake.take_webhooks() {
        world.processes.receive_webhook(body.as_bytes()).await.unwrap();
    }
}

async fn refunds(world: &World, ticket: TicketId) -> Vec<RefundState> {
    let look = |ticket: &Ticket| ticket.refunds().map(|refund| refund.state).collect();
    world.look_at_ticket(ticket, look).await
}

async fn notice_kinds(world: &World) -> Vec<String> {
    let mut notices = list_notices(&world.deps.pool, 100).await.unwrap();
    notices.reverse();
    notices.into_iter().map(|notice| notice.kind).collect()
}

async fn until_payout(world: &World, phase: PayoutPhase) {
    until(&format!("the payout is {phase:?}"), || async {
        let look = |account: &Payout| account.payout(PAYOUT).map(|payout| payout.state);
        let payouts = &world.deps.aggregates.payouts;
        payouts.read(HOST.as_uuid(), look).await.unwrap().0 == Some(phase)
    })
    .await;
}

async fn request_payout(world: &World) {
    let request = RequestPayout {
        payout_id: PAYOUT,
        currency: Currency::USD,
        amount: None,
        minimum_minor: 1,
        provider: "stripe".to_owned(),
        request: Fingerprint::of(b"payout"),
        at: world.now(),
    };
    let payouts = &world.deps.aggregates.payouts;
    let command = PayoutCommand::RequestPayout(request);
    payouts.execute(HOST.as_uuid(), command, metadata()).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_is_bought_refunded_and_its_host_paid(pool: PgPool) {
    let (world, fake) = world_with(pool, without_sweep()).await;
    for number in 1..=2 {
        buy(&world, &fake, number).await;
        deliver(&world, &fake).await;
        world.until_phase(ticket(number), TicketPhase::Issued).await;
    }
    let secret = begin(&world, 1, 1).await;
    assert_eq!(fake.intents().len(), 2, "a repeat finds {}", secret.provider_ref);
    let owe = domain::ticket::OweRefund {
        refund_id: domain::RefundId::from_uuid(Uuid::from_u128(0xf301)),
        amount: None,
        reason: domain::ticket::RefundReason::Requested,
        by: domain::ticket::RefundInitiator::Buyer,
        room_starts_at: world.now() + chrono::TimeDelta::hours(1),
        room_has_opened: false,
        request: None,
        at: world.now(),
    };
    let tickets = &world.deps.aggregates.tickets;
    let command = domain::TicketCommand::OweRefund(owe);
    tickets.execute(ticket(1).as_uuid(), command, metadata()).await.unwrap();
    until("the refund is completed", || async {
        refunds(&world, ticket(1)).await == [RefundState::Completed]
    })
    .await;
    world.hold_session(1_000).await;
    until("the sale is earned", || async {
        world.events("earning_credited").await == 1
    })
    .await;
    request_payout(&world).await;
    until_payout(&world, PayoutPhase::Paid).await;
    deliver(&world, &fake).await;
    world.until_quiet().await;
    assert_eq!((fake.refunds().len(), fake.transfers().len()), (1, 1));
    let paid = fake.transfers()[0].clone();
    assert_eq!(paid["destination"], "acct_host");
    // 10.00 less Stripe's 0.59; the open preset takes its share of the rest.
    assert!(paid["amount"].as_i64().unwrap() <= 941, "{paid}");
    for (event_type, count) in [("ticket_issued", 2), ("refund_completed", 1), ("payout_paid", 1)] {
        assert_eq!(world.events(event_type).await, count, "{event_type}");
    }
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_webhook_that_never_comes_is_made_up_for_by_the_event_list(pool: PgPool) {
    let (world, fake) = world(pool).await;
    buy(&world, &fake, 1).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    world.cancel_room(ROOM).await;
    until("the refund is completed", || async {
        refunds(&world, ticket(1)).await == [RefundState::Completed]
    })
    .await;
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn webhooks_that_come_twice_and_backwards_issue_one_ticket_each(pool: PgPool) {
    let (world, fake) = world(pool).await;
    for number in 1..=3 {
        world.hold(number).await;
        let secret = begin(&world, number, number).await;
        let confirm = |card| fake.confirm(&secret.provider_ref, &secret.client_secret, card);
        assert!(confirm(Card::Declined("insufficient_funds")) && confirm(Card::Pays));
    }
    let bodies = fake.take_webhooks();
    for body in bodies.iter().rev().chain(&bodies) {
        world.processes.receive_webhook(body.as_bytes()).await.unwrap();
    }
    for number in 1..=3 {
        world.until_phase(ticket(number), TicketPhase::Issued).await;
    }
    world.until_quiet().await;
    for event_type in ["payment_captured", "seat_sold", "ticket_issued"] {
        assert_eq!(world.events(event_type).await, 3, "{event_type}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn stored_webhooks_can_be_read_once_more_and_change_nothing(pool: PgPool) {
    let (world, fake) = world(pool).await;
    buy(&world, &fake, 1).await;
    deliver(&world, &fake).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    world.until_quiet().await;
    let head = world.deps.log.head().await.unwrap().position;
    let everything = Replay {
        provider: Some("stripe".to_owned()),
        id: None,
        since: None,
        until: None,
    };
    let count = replay(&world.deps.pool, &everything, world.now()).await.unwrap();
    assert_eq!(count, 2, "the intent's creation and its success");
    world.until_quiet().await;
    assert_eq!(world.deps.log.head().await.unwrap().position, head);
    let of_another = Replay {
        provider: Some("sandbox".to_owned()),
        ..everything
    };
    assert_eq!(replay(&world.deps.pool, &of_another, world.now()).await.unwrap(), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_bank_that_asks_the_buyer_decides_nothing_until_it_is_answered(pool: PgPool) {
    let (world, fake) = world(pool).await;
    world.hold(1).await;
    let first = begin(&world, 1, 1).await;
    assert!(fake.confirm(&first.provider_ref, &first.client_secret, Card::Asks));
    deliver(&world, &fake).await;
    world.until_quiet().await;
    assert_eq!(world.phase(ticket(1)).await, TicketPhase::Ordered);
    assert!(fake.authenticate(&first.provider_ref, false));
    deliver(&world, &fake).await;
    until("the decline is recorded", || async {
        world.events("payment_declined").await == 1
    })
    .await;
    // The next attempt is a payment of its own.
    let second = begin(&world, 1, 2).await;
    assert_ne!(second.provider_ref, first.provider_ref);
    assert!(fake.confirm(&second.provider_ref, &second.client_secret, Card::Asks));
    assert!(fake.authenticate(&second.provider_ref, true));
    deliver(&world, &fake).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
}
