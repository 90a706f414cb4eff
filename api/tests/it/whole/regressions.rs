//! Stories that broke a law once.

use super::act::{Act, CardKind, Plan, Post, Story, Wish};
use super::play;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// A room at 10.00.
fn room(seats: u8) -> Plan {
    Plan {
        price_minor: 1_000,
        capacity: seats,
        tickets_per_buyer: 1,
        tier_quota: 0,
        is_shared: false,
    }
}

const fn hold(buyer: u8) -> Act {
    Act::Hold {
        room: 0,
        buyer,
        wish: Wish::Plain,
        waits_if_late: false,
    }
}

const fn pay(buyer: u8, card: CardKind) -> Act {
    Act::Pay { buyer, pick: 0, card }
}

async fn keeps_the_laws(options: PgConnectOptions, seats: u8, acts: Vec<Act>) {
    let story = Story {
        earnings_wait: false,
        rooms: vec![room(seats)],
        acts,
    };
    play(options, &story).await.unwrap_or_else(|broken| panic!("{broken}"));
}

/// None: an ordinary evening.
#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_is_sold_and_earned(_: PgPoolOptions, options: PgConnectOptions) {
    let acts = vec![
        hold(0),
        pay(0, CardKind::Pays),
        Act::Open { room: 0 },
        Act::End {
            room: 0,
            is_heard: true,
        },
        Act::RequestPayout {
            by_host: true,
            minor: None,
        },
    ];
    keeps_the_laws(options, 2, acts).await;
}

/// The bank had the money when it was to go back to who came too late; it stayed in clearing when the bank gave in.
#[sqlx::test(migrations = "../migrations")]
async fn a_dispute_is_won_for_a_seat_that_was_gone(_: PgPoolOptions, options: PgConnectOptions) {
    let acts = vec![
        hold(0),
        pay(0, CardKind::Unused),
        Act::Later { seconds: 90 },
        hold(1),
        Act::Confirm {
            pick: 0,
            card: CardKind::Pays,
        },
        Act::Dispute { pick: 0 },
        Act::Webhooks(Post::ComesBackwards),
        Act::CloseDispute { pick: 0, is_won: true },
        Act::Webhooks(Post::Comes),
    ];
    keeps_the_laws(options, 1, acts).await;
}
