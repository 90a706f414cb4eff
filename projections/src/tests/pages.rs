//! Where a page ends changes nothing: any cut of the same events gives the same rows.

use std::sync::Arc;

use event_log::Recorded;
use sqlx::PgPool;

use super::rebuild::long_story;
use super::stage::{contents, feed};
use crate::view::Side;
use crate::{View, schema};

const ROUNDS: u64 = 12;

/// Cuts somewhere else for each seed; pages of one event and long ones among them.
fn cut(mut events: &[Arc<Recorded>], seed: u64) -> Vec<&[Arc<Recorded>]> {
    let mut state = seed;
    let mut pages = vec![];
    while !events.is_empty() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let longest = [1, 3, 7, 40, 200][usize::try_from(state >> 61).expect("three bits") % 5];
        let length = 1 + usize::try_from(state >> 33).expect("31 bits") % longest;
        let (page, rest) = events.split_at(length.min(events.len()));
        pages.push(page);
        events = rest;
    }
    pages
}

async fn anew(pool: &PgPool, view: View) {
    let mut transaction = pooling::begin(pool).await.expect("a transaction");
    schema::create(view, Side::Live, &mut transaction)
        .await
        .expect("tables");
    transaction.commit().await.expect("commit");
}

#[sqlx::test(migrations = "../migrations")]
async fn any_cut_into_pages_gives_the_same_rows(pool: PgPool) {
    let events = long_story().recorded();
    for &view in View::ALL {
        anew(&pool, view).await;
        feed(&pool, view, Side::Live, &events).await;
        let at_once = contents(&pool, view).await;
        for seed in 0..ROUNDS {
            anew(&pool, view).await;
            for page in cut(&events, seed) {
                feed(&pool, view, Side::Live, page).await;
            }
            assert_eq!(contents(&pool, view).await, at_once, "{view}, seed {seed}");
        }
    }
}
