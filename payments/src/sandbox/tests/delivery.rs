//! Webhooks against a real HTTP server: once, twice, never, late, retried, given up.

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::receiver::Receiver;
use super::*;
use crate::sandbox::store::deliveries;
use crate::sandbox::worker::{ATTEMPTS_MAX, LEASE};

struct Setup {
    clock: HandClock,
    receiver: Receiver,
    sandbox: Arc<Sandbox>,
}

/// A sandbox that knows the receiver; its worker is not running yet.
async fn setup(pool: &PgPool) -> Setup {
    let clock = HandClock::at_noon();
    let receiver = Receiver::start().await;
    let config = SandboxConfig {
        webhook_url: Some(receiver.url()),
        ..config(&clock)
    };
    let sandbox = Arc::new(Sandbox::new(pool.clone(), config));
    Setup {
        clock,
        receiver,
        sandbox,
    }
}

impl Setup {
    /// The payments that webhooks were received for, in the order they came.
    fn payments(&self) -> Vec<PaymentId> {
        let received = self.receiver.received();
        let parse = |body: &[u8]| self.sandbox.parse_webhook(body).unwrap();
        let events = received.iter().map(|received| parse(&received.body));
        events
            .map(|event| match event.kind {
                ProviderEventKind::PaymentCaptured { payment_id, .. } => payment_id,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    async fn received(&self, count: usize) {
        eventually("webhooks arrive", async || self.receiver.received().len() >= count).await;
    }
}

async fn undelivered(pool: &PgPool) -> i64 {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM sandbox.deliveries WHERE abandoned_at IS NULL"#)
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn all_delivered(pool: &PgPool) {
    eventually("nothing is left to deliver", async || undelivered(pool).await == 0).await;
}

async fn abandoned(pool: &PgPool) -> i64 {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM sandbox.deliveries WHERE abandoned_at IS NOT NULL"#)
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_webhook_is_the_event_of_the_list_and_signed(pool: PgPool) {
    let setup = setup(&pool).await;
    setup.receiver.run(&setup.sandbox);
    let intent = captured(&setup.sandbox, 1, 1_000).await;
    setup.sandbox.refund(refund_request(1, 1, &intent, 400)).await.unwrap();
    setup
        .sandbox
        .create_transfer(transfer_request(1, "acct_1", 500))
        .await
        .unwrap();
    setup
        .sandbox
        .create_transfer(transfer_request(2, "acct_fail", 500))
        .await
        .unwrap();
    all_delivered(&pool).await;
    let mut received = Vec::new();
    for webhook in setup.receiver.received() {
        let verified = setup
            .sandbox
            .verify_webhook(&webhook.signature, &webhook.body, setup.clock.now());
        assert_eq!(verified, Ok(()));
        received.push(setup.sandbox.parse_webhook(&webhook.body).unwrap());
    }
    let mut listed = all_events(&setup.sandbox).await;
    received.sort_by(|a, b| a.id.cmp(&b.id));
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(received, listed);
    assert_eq!(received.len(), 4);
}

#[sqlx::test(migrations = "../migrations")]
async fn once_twice_and_never(pool: PgPool) {
    let setup = setup(&pool).await;
    confirmed(&setup.sandbox, 1, 1_000, with_webhook(Delivery::Never)).await;
    confirmed(&setup.sandbox, 2, 1_000, with_webhook(Delivery::Twice)).await;
    confirmed(&setup.sandbox, 3, 1_000, with_webhook(Delivery::Once)).await;
    setup.receiver.run(&setup.sandbox);
    all_delivered(&pool).await;
    let mut payments = setup.payments();
    payments.sort();
    assert_eq!(payments, [payment_id(2), payment_id(2), payment_id(3)]);
    assert_eq!(all_events(&setup.sandbox).await.len(), 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_delay_holds_back_the_webhook_and_nothing_else(pool: PgPool) {
    let setup = setup(&pool).await;
    setup.receiver.run(&setup.sandbox);
    let late = Confirmation {
        delay_ms: 60_000,
        ..Confirmation::ok()
    };
    confirmed(&setup.sandbox, 1, 1_000, late).await;
    assert_eq!(all_events(&setup.sandbox).await.len(), 1);
    captured(&setup.sandbox, 2, 1_000).await;
    setup.received(1).await;
    setup.clock.advance_ms(59_999);
    captured(&setup.sandbox, 3, 1_000).await;
    setup.received(2).await;
    setup.clock.advance_ms(1);
    setup.received(3).await;
    assert_eq!(setup.payments(), [payment_id(2), payment_id(3), payment_id(1)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refused_webhook_is_tried_again_with_a_fresh_signature(pool: PgPool) {
    let setup = setup(&pool).await;
    setup.receiver.refuse(2);
    setup.receiver.run(&setup.sandbox);
    captured(&setup.sandbox, 1, 1_000).await;
    // The clock goes on while we look: when the worker plans the next try, it has seen the leap, or it has not.
    for left in [1, 0] {
        eventually("it is refused", async || {
            setup.clock.advance_ms(1_000);
            setup.receiver.refusals_left() == left
        })
        .await;
        assert_eq!(setup.receiver.received(), []);
        setup.clock.advance_ms(600_000);
    }
    eventually("it is taken", async || {
        setup.clock.advance_ms(1_000);
        setup.receiver.received().len() == 1
    })
    .await;
    all_delivered(&pool).await;
    let [webhook] = setup.receiver.received().try_into().unwrap();
    let verified = setup
        .sandbox
        .verify_webhook(&webhook.signature, &webhook.body, setup.clock.now());
    assert_eq!(verified, Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn after_the_limit_a_webhook_is_given_up_but_listed(pool: PgPool) {
    let setup = setup(&pool).await;
    let attempts = usize::try_from(ATTEMPTS_MAX).unwrap();
    setup.receiver.refuse(attempts);
    setup.receiver.run(&setup.sandbox);
    captured(&setup.sandbox, 1, 1_000).await;
    eventually("it is given up", async || {
        setup.clock.advance_ms(60_000);
        abandoned(&pool).await == 1
    })
    .await;
    assert_eq!(setup.receiver.refusals_left(), 0);
    captured(&setup.sandbox, 2, 1_000).await;
    setup.received(1).await;
    assert_eq!(setup.payments(), [payment_id(2)]);
    assert_eq!(all_events(&setup.sandbox).await.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_redirect_is_not_followed(pool: PgPool) {
    let setup = setup(&pool).await;
    setup.sandbox.set_webhook_url(setup.receiver.moved_url());
    setup.receiver.run(&setup.sandbox);
    captured(&setup.sandbox, 1, 1_000).await;
    eventually("it is given up", async || {
        setup.clock.advance_ms(60_000);
        abandoned(&pool).await == 1
    })
    .await;
    assert_eq!(setup.receiver.received(), []);
}

#[sqlx::test(migrations = "../migrations")]
async fn webhooks_wait_for_the_url_to_be_known(pool: PgPool) {
    let setup = setup(&pool).await;
    let sandbox = Arc::new(Sandbox::new(pool.clone(), config(&setup.clock)));
    setup.receiver.run(&sandbox);
    captured(&sandbox, 1, 1_000).await;
    let attempts = sqlx::query_scalar!("SELECT attempts FROM sandbox.deliveries");
    assert_eq!(
        attempts.fetch_all(&pool).await.unwrap(),
        [0],
        "waiting costs no attempt"
    );
    sandbox.set_webhook_url(setup.receiver.url());
    setup.received(1).await;
    all_delivered(&pool).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_restarted_sandbox_delivers_what_the_old_one_did_not(pool: PgPool) {
    let setup = setup(&pool).await;
    captured(&setup.sandbox, 1, 1_000).await;
    // The old one died after it had taken the delivery and before it said what became of it.
    let claimed = deliveries::claim(&pool, setup.clock.now(), LEASE, 10).await;
    assert_eq!(claimed.unwrap().len(), 1);
    let config = SandboxConfig::clone(&setup.sandbox.config);
    let restarted = Arc::new(Sandbox::new(pool.clone(), config));
    setup.receiver.run(&restarted);
    captured(&restarted, 2, 1_000).await;
    setup.received(1).await;
    assert_eq!(setup.payments(), [payment_id(2)], "the lease still holds");
    setup.clock.advance_ms(LEASE.num_milliseconds());
    setup.received(2).await;
    assert_eq!(setup.payments(), [payment_id(2), payment_id(1)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn two_workers_share_the_work(pool: PgPool) {
    let setup = setup(&pool).await;
    for n in 1..=50 {
        captured(&setup.sandbox, n, 1_000).await;
    }
    setup.receiver.run(&setup.sandbox);
    setup.receiver.run(&setup.sandbox);
    all_delivered(&pool).await;
    let mut payments = setup.payments();
    payments.sort();
    assert_eq!(payments, (1..=50).map(payment_id).collect::<Vec<_>>());
}

#[sqlx::test(migrations = "../migrations")]
async fn the_worker_stops_when_told(pool: PgPool) {
    let setup = setup(&pool).await;
    setup.receiver.run(&setup.sandbox);
    let stopped = tokio::time::timeout(WAIT_MAX, setup.receiver.stop()).await;
    assert!(stopped.is_ok());
    captured(&setup.sandbox, 1, 1_000).await;
    assert_eq!(undelivered(&pool).await, 1, "what comes later waits for the next start");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_that_dies_is_noticed(pool: PgPool) {
    let config = SandboxConfig {
        webhook_url: Some("http://127.0.0.1:9/".to_owned()),
        now: Arc::new(|| panic!("the clock is broken")),
        ..config(&HandClock::at_noon())
    };
    let sandbox = Sandbox::new(pool, config);
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let worker = TaskTracker::new().spawn(async move { sandbox.run(token).await });
    assert!(worker.await.unwrap_err().is_panic());
    assert!(cancel.is_cancelled());
}
