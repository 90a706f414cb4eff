//! Stories that broke a law once.

use super::act::{Act, CardKind, Plan, Story};
use super::play;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// A room of two seats at 10.00.
fn room() -> Plan {
    Plan {
        price_minor: 1_000,
        capacity: 2,
        tickets_per_buyer: 1,
    }
}

async fn keeps_the_laws(options: PgConnectOptions, acts: Vec<Act>) {
    let story = Story {
        rooms: vec![room()],
        acts,
    };
    play(options, &story).await.unwrap_or_else(|broken| panic!("{broken}"));
}

/// None: an ordinary evening.
#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_is_sold_and_earned(_: PgPoolOptions, options: PgConnectOptions) {
    let acts = vec![
        Act::Hold {
            room: 0,
            buyer: 0,
            waits_if_late: false,
        },
        Act::Pay {
            buyer: 0,
            pick: 0,
            card: CardKind::Pays,
        },
        Act::Open { room: 0 },
        Act::End {
            room: 0,
            is_heard: true,
        },
        Act::RequestPayout { minor: None },
    ];
    keeps_the_laws(options, acts).await;
}
