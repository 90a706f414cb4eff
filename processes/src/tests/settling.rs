//! A delivered room pays its host.

use domain::payout::{PayoutPhase, RequestPayout};
use domain::ticket::TicketPhase;
use domain::{Currency, Fingerprint, Money, Payout, PayoutCommand, PayoutId};
use payments::{MovementState, ProviderEventKind};
use sqlx::PgPool;
use uuid::Uuid;

use super::provider::FEE_MINOR;
use super::world::{HOST, PRICE_MINOR, World, metadata, ticket, until, usd};

const PAYOUT: PayoutId = PayoutId::from_uuid(Uuid::from_u128(0xf101));

/// What the host has of one ticket, after the provider's fee and the platform's 5 %.
const SHARE_MINOR: i64 = PRICE_MINOR - FEE_MINOR - (PRICE_MINOR - FEE_MINOR) / 20;

async fn available(world: &World) -> Money {
    let look = |account: &Payout| account.available(Currency::USD);
    world
        .deps
        .aggregates
        .payouts
        .read(HOST.as_uuid(), look)
        .await
        .unwrap()
        .0
}

async fn payout_phase(world: &World) -> Option<PayoutPhase> {
    let look = |account: &Payout| account.payout(PAYOUT).map(|payout| payout.state);
    world
        .deps
        .aggregates
        .payouts
        .read(HOST.as_uuid(), look)
        .await
        .unwrap()
        .0
}

async fn until_payout(world: &World, phase: PayoutPhase) {
    until(&format!("the payout is {phase:?}"), || async {
        payout_phase(world).await == Some(phase)
    })
    .await;
}

async fn delivered(pool: PgPool, tickets: u128) -> World {
    let world = World::start(pool).await;
    for number in 1..=tickets {
        world.pay(number).await;
    }
    for number in 1..=tickets {
        world.until_phase(ticket(number), TicketPhase::Issued).await;
    }
    world.hold_session(60_000).await;
    let earned = usd(SHARE_MINOR * i64::try_from(tickets).unwrap());
    until(&format!("the host has earned {earned}"), || async {
        available(&world).await == earned
    })
    .await;
    world
}

async fn request_payout(world: &World) {
    let request = RequestPayout {
        payout_id: PAYOUT,
        currency: Currency::USD,
        amount: None,
        minimum_minor: 1,
        provider: "sandbox".to_owned(),
        request: Fingerprint::of(b"payout"),
        at: world.now(),
    };
    let payouts = &world.deps.aggregates.payouts;
    let command = PayoutCommand::RequestPayout(request);
    payouts.execute(HOST.as_uuid(), command, metadata()).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_delivered_room_earns_and_is_paid_out(pool: PgPool) {
    let world = delivered(pool, 3).await;
    assert_eq!(world.events("ticket_settled").await, 3);
    request_payout(&world).await;
    until_payout(&world, PayoutPhase::Paid).await;
    world.until_quiet().await;
    assert_eq!(available(&world).await, usd(0));
    assert_eq!(world.provider.movement_count(), 1);
    assert_eq!(world.dead_jobs().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_pending_payout_is_paid_by_the_providers_event(pool: PgPool) {
    let world = delivered(pool, 1).await;
    world.provider.set_movements(MovementState::Pending);
    request_payout(&world).await;
    until_payout(&world, PayoutPhase::Sent).await;
    let paid = ProviderEventKind::TransferPaid { payout_id: PAYOUT };
    let body = world.provider.publish(paid);
    world.processes.receive_webhook(&body).await.unwrap();
    until_payout(&world, PayoutPhase::Paid).await;
    world.until_quiet().await;
    assert_eq!(world.events("payout_paid").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_failed_payout_is_available_again(pool: PgPool) {
    let world = delivered(pool, 1).await;
    let reason = "account_closed".to_owned();
    world.provider.set_movements(MovementState::Failed { reason });
    request_payout(&world).await;
    until_payout(&world, PayoutPhase::Failed).await;
    assert_eq!(available(&world).await, usd(SHARE_MINOR));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_waits_for_a_provider_that_is_down(pool: PgPool) {
    let world = delivered(pool, 1).await;
    world.provider.set_down(true);
    request_payout(&world).await;
    let pool = world.deps.pool.clone();
    until("the payout was tried in vain", || async {
        let jobs = crate::jobs::list(&pool, None, 100).await.unwrap();
        jobs.iter().any(|job| job.kind == "send_payout" && job.outages > 1)
    })
    .await;
    world.provider.set_down(false);
    until_payout(&world, PayoutPhase::Paid).await;
}
