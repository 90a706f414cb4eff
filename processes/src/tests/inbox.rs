//! Webhooks: lost, doubled, unreadable, and about things that are not so.

use domain::ticket::TicketPhase;
use payments::ProviderEventKind;
use sqlx::PgPool;

use super::world::{World, hasty, payment, ticket, until, usd};
use crate::ProcessSettings;
use crate::inbox::{list_put_aside, reread, reread_put_aside};

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_webhook_is_found_by_the_sweep(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = world.order(1).await;
    let _lost = world.provider.capture(payment(1));
    world.until_phase(ticket, TicketPhase::Issued).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_doubled_webhook_issues_one_ticket(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = world.order(1).await;
    let body = world.provider.capture(payment(1));
    for _ in 0..5 {
        world.processes.receive_webhook(&body).await.unwrap();
    }
    world.until_phase(ticket, TicketPhase::Issued).await;
    world.until_quiet().await;
    for event_type in ["payment_captured", "seat_sold", "ticket_issued"] {
        assert_eq!(world.events(event_type).await, 1, "{event_type}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn webhooks_stored_while_nothing_ran_are_read_at_the_start(pool: PgPool) {
    let mut world = World::idle(pool, without_sweep()).await;
    let ticket = world.order(1).await;
    let body = world.provider.capture(payment(1));
    world.processes.receive_webhook(&body).await.unwrap();
    assert_eq!(world.events("payment_captured").await, 0);
    world.run();
    world.until_phase(ticket, TicketPhase::Issued).await;
}

fn without_sweep() -> ProcessSettings {
    ProcessSettings {
        sweep_interval: std::time::Duration::from_hours(1),
        ..hasty()
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn alf_io_1159_an_unreadable_webhook_stays_and_can_be_read_again(pool: PgPool) {
    let world = World::start(pool).await;
    world.processes.receive_webhook(b"not what we know").await.unwrap();
    let pool = &world.deps.pool;
    until("it is put aside", || async {
        !list_put_aside(pool, 10).await.unwrap().is_empty()
    })
    .await;
    let aside = list_put_aside(pool, 10).await.unwrap();
    assert!(
        aside[0]
            .error
            .as_deref()
            .is_some_and(|error| error.contains("not understood")),
        "{aside:?}"
    );

    assert!(reread(pool, aside[0].id, world.now()).await.unwrap());
    assert!(!reread(pool, aside[0].id + 1, world.now()).await.unwrap());
    until("it is put aside again", || async {
        list_put_aside(pool, 10).await.unwrap().len() == 1
    })
    .await;
    // Others are not held up.
    let ticket = world.pay(1).await;
    world.until_phase(ticket, TicketPhase::Issued).await;
    assert_eq!(reread_put_aside(pool, world.now()).await.unwrap(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_capture_of_a_wrong_amount_waits_for_a_human(pool: PgPool) {
    let world = World::start(pool).await;
    let ticket = world.order(1).await;
    let body = world.provider.capture_amount(payment(1), usd(1));
    world.processes.receive_webhook(&body).await.unwrap();
    let pool = &world.deps.pool;
    until("it is put aside", || async {
        !list_put_aside(pool, 10).await.unwrap().is_empty()
    })
    .await;
    // The sweep found the same event, and does not stop at it.
    until("the sweep wrote it down", || async {
        crate::sweep::list_problems(pool, 10).await.unwrap().len() == 1
    })
    .await;
    assert_eq!(world.phase(ticket).await, TicketPhase::Ordered);
    assert_eq!(world.events("payment_captured").await, 0);
    let second = world.pay(2).await;
    world.until_phase(second, TicketPhase::Issued).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_event_about_an_unknown_ticket_is_tried_for_a_while_and_put_aside(pool: PgPool) {
    let world = World::start(pool).await;
    let body = world.provider.publish(ProviderEventKind::PaymentDeclined {
        payment_id: payment(9),
        ticket_id: ticket(9),
        reason: "whatever".to_owned(),
    });
    world.processes.receive_webhook(&body).await.unwrap();
    let pool = &world.deps.pool;
    until("it is put aside", || async {
        !list_put_aside(pool, 10).await.unwrap().is_empty()
    })
    .await;
    assert_eq!(list_put_aside(pool, 10).await.unwrap()[0].attempts, 8);
    until("the sweep wrote it down", || async {
        crate::sweep::list_problems(pool, 10).await.unwrap().len() == 1
    })
    .await;
}
