//! Stripe's statement beside the books.

use async_trait::async_trait;
use domain::{AnyEvent, Money, PayoutEvent, TicketEvent};
use event_log::EventLog;

use super::*;
use crate::reconciliation::{
    BookLine, BookLineReason, Books, BooksError, ProviderLineReason, Report, count_open, reconcile, report,
};

/// The cash account, off the log: as much of the ledger as this needs.
#[derive(Debug)]
struct LogBooks(Arc<dyn EventLog>);

fn cash_of(event: &AnyEvent) -> Option<Money> {
    let negative = |amount: &Money| Money::new(-amount.amount_minor(), amount.currency());
    if let AnyEvent::Payout(_, PayoutEvent::PayoutPaid { amount, .. }) = event {
        return Some(negative(amount));
    }
    let AnyEvent::Ticket(_, event) = event else {
        return None;
    };
    if let TicketEvent::PaymentCaptured {
        amount, provider_fee, ..
    } = event
    {
        return Some(amount.checked_sub(*provider_fee).unwrap());
    }
    if let TicketEvent::RefundCompleted { amount, .. } = event {
        return Some(negative(amount));
    }
    if let TicketEvent::DisputeOpened(opened) = event {
        return Some(negative(&opened.amount));
    }
    if let TicketEvent::DisputeLost(lost) = event {
        return Some(negative(&lost.fee));
    }
    None
}

#[async_trait]
impl Books for LogBooks {
    async fn cash_lines(&self, _provider: &str, after: u64, limit: u32) -> Result<Vec<BookLine>, BooksError> {
        let events = self.0.read_all(after, 10_000).await;
        let events = events.map_err(|error| BooksError(Box::new(error)))?;
        let lines = events.into_iter().filter_map(|event| {
            let amount = cash_of(&AnyEvent::decode(event.to_serialized().unwrap()).unwrap())?;
            Some(BookLine {
                position: event.position,
                event_type: event.event_type,
                amount,
                booked_at: event.recorded_at,
            })
        });
        Ok(lines.take(limit as usize).collect())
    }
}

async fn round(world: &World) -> u64 {
    let books = LogBooks(Arc::clone(&world.deps.log));
    reconcile(&world.deps, &books).await.unwrap()
}

async fn reported(world: &World) -> Report {
    report(&world.deps.pool, "stripe", world.now()).await.unwrap()
}

async fn sold(world: &World, fake: &FakeStripe, number: u128) -> Secret {
    let secret = buy(world, fake, number).await;
    deliver(world, fake).await;
    world.until_phase(ticket(number), TicketPhase::Issued).await;
    secret
}

/// Stripe may list a line a moment after a later one, so young lines are listed again: each is kept and paired once.
#[sqlx::test(migrations = "../migrations")]
async fn a_line_is_kept_and_paired_once_however_often_it_is_listed(pool: PgPool) {
    let (world, fake) = world_with(pool, without_sweep()).await;
    for number in 1..=3 {
        sold(&world, &fake, number).await;
    }
    assert_eq!(round(&world).await, 3);
    assert_eq!(round(&world).await, 0);
    let reported = reported(&world).await;
    assert_eq!((reported.provider_lines_open, reported.book_lines_open), (0, 0));
    let matched: Vec<_> = reported
        .matched
        .iter()
        .map(|matched| (matched.kind.as_str(), matched.lines, matched.net.amount_minor()))
        .collect();
    assert_eq!(matched, [("charge", 3, 3 * 941)]);
    sold(&world, &fake, 4).await;
    assert_eq!(round(&world).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn either_side_waits_for_the_other(pool: PgPool) {
    let (world, fake) = world_with(pool, without_sweep()).await;
    // Captured at Stripe, and its webhook has not come.
    buy(&world, &fake, 1).await;
    assert_eq!(round(&world).await, 0);
    let early = reported(&world).await;
    assert_eq!(early.provider_lines[0].reason, ProviderLineReason::NotBookedYet);
    let open = count_open(&world.deps.pool, "stripe", Some(world.now())).await.unwrap();
    assert_eq!((open.provider_lines, open.book_lines), (1, 0));
    deliver(&world, &fake).await;
    world.until_phase(ticket(1), TicketPhase::Issued).await;
    assert_eq!(round(&world).await, 1);
    // Booked here, and Stripe cannot be asked.
    sold(&world, &fake, 2).await;
    fake.set_down(true);
    let books = LogBooks(Arc::clone(&world.deps.log));
    assert!(reconcile(&world.deps, &books).await.is_err());
    fake.set_down(false);
    assert_eq!(round(&world).await, 1);
}

/// Stripe takes its fee when a dispute is opened; the books have it when it is lost.
#[sqlx::test(migrations = "../migrations")]
async fn the_fee_of_a_dispute_is_open_until_it_is_lost(pool: PgPool) {
    let (world, fake) = world_with(pool, without_sweep()).await;
    let secret = sold(&world, &fake, 1).await;
    let dispute = fake.dispute(&secret.provider_ref).unwrap();
    deliver(&world, &fake).await;
    until("the dispute is recorded", || async {
        world.events("dispute_opened").await == 1
    })
    .await;
    assert_eq!(round(&world).await, 2);
    let open = reported(&world).await;
    assert_eq!(open.provider_lines_open, 1);
    assert_eq!(
        (
            open.provider_lines[0].kind.as_str(),
            open.provider_lines[0].net.amount_minor()
        ),
        ("dispute_fee", -1_500)
    );
    fake.close_dispute(&dispute, false);
    deliver(&world, &fake).await;
    until("the dispute is lost", || async {
        world.events("dispute_lost").await == 1
    })
    .await;
    assert_eq!(round(&world).await, 1);
    assert_eq!(reported(&world).await.provider_lines_open, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_the_books_have_and_stripe_has_not_is_missing_there(pool: PgPool) {
    let (world, fake) = world_with(pool, without_sweep()).await;
    sold(&world, &fake, 1).await;
    round(&world).await;
    fake.enter_foreign(
        "payout",
        -5_000,
        "usd",
        &serde_json::json!({"id": "po_1", "object": "payout"}),
    );
    round(&world).await;
    let with_payout = reported(&world).await;
    assert_eq!(with_payout.provider_lines[0].reason, ProviderLineReason::NotOurs);
    // Other business holds no day open.
    let open = count_open(&world.deps.pool, "stripe", Some(world.now())).await.unwrap();
    assert_eq!((open.provider_lines, open.other_business), (0, 1));
    assert_eq!(with_payout.provider_lines_open, 1);
    sqlx::raw_sql(
        "INSERT INTO reconciliation_book_lines (provider, position, currency, kind, reference, amount_minor, booked_at)
         VALUES ('stripe', 1000, 'USD', 'refund_completed', 'refund:x', -5, now() - interval '2 days')",
    )
    .execute(&world.deps.pool)
    .await
    .unwrap();
    let missing = reported(&world).await;
    assert_eq!(missing.book_lines[0].reason, BookLineReason::MissingAtProvider);
}

/// An account that is settled in another currency than it sells in: both sides know of the sale, and neither has the other's
/// amount. Both hold their day open.
#[sqlx::test(migrations = "../migrations")]
async fn a_sale_that_is_settled_in_another_currency_differs_on_both_sides(pool: PgPool) {
    let (world, fake) = world_with(pool, without_sweep()).await;
    sold(&world, &fake, 1).await;
    assert_eq!(round(&world).await, 1);
    fake.settle_in("eur", 900);
    sold(&world, &fake, 2).await;
    assert_eq!(round(&world).await, 0);
    let reported = reported(&world).await;
    let [told] = &reported.provider_lines[..] else {
        panic!("one line of the statement is open: {reported:?}")
    };
    let [booked] = &reported.book_lines[..] else {
        panic!("one line of the books is open: {reported:?}")
    };
    // 9.00 EUR less 2.9 % and 0.30; of 10.00 USD the same share of the price is the fee.
    assert_eq!(
        (told.net, booked.amount),
        (Money::new(844, Currency::EUR), Money::new(938, Currency::USD))
    );
    assert_eq!(told.reference, booked.reference);
    assert_eq!(
        (told.reason, booked.reason),
        (ProviderLineReason::AmountDiffers, BookLineReason::AmountDiffers)
    );
    // However old they grow, and not because one of them is missing.
    let old = world.now() + chrono::TimeDelta::days(3);
    let later = report(&world.deps.pool, "stripe", old).await.unwrap();
    assert_eq!(later.provider_lines[0].reason, ProviderLineReason::AmountDiffers);
    assert_eq!(later.book_lines[0].reason, BookLineReason::AmountDiffers);
    let open = count_open(&world.deps.pool, "stripe", Some(old)).await.unwrap();
    assert_eq!((open.provider_lines, open.book_lines), (1, 1));
}
