//! Round after round on one cluster and one growing log: a crowd, a random moment, a blow, and the checker.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::arena::Arena;
use super::blow::Blow;
use crate::support::setting;

/// Each blow once.
const ROUNDS: u64 = 12;
/// The blow falls within this time of the first sale.
const MOMENT: std::ops::Range<u64> = 0..800;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_whatever_is_killed() -> Result<()> {
    let rounds = setting("FAULT_ROUNDS")?.unwrap_or(ROUNDS);
    let seed = match setting("FAULT_SEED")? {
        Some(seed) => seed,
        None => rand::random(),
    };
    println!("{rounds} rounds of faults, FAULT_SEED={seed}");
    let started = tokio::time::Instant::now();
    let (mut arena, mut survived) = (Arena::open(Vec::new()).await?, BTreeMap::<Blow, u64>::new());
    for number in 0..rounds {
        let round_seed = seed.wrapping_add(number);
        // The first of the seed, then in turn: so a short run has them all, and two runs differ.
        let turn = usize::try_from(round_seed % Blow::ALL.len() as u64)?;
        let blow = Blow::ALL[turn];
        println!("round {number}: {blow:?} (FAULT_SEED={round_seed} FAULT_ROUNDS=1 plays it alone)");
        let report = round(&mut arena, blow, round_seed).await.with_context(|| {
            let log = arena.last_words();
            format!("round {number}, {blow:?}, FAULT_SEED={round_seed}; the server's log ends:\n{log}")
        })?;
        println!("  {report}");
        *survived.entry(blow).or_default() += 1;
    }
    println!(
        "{rounds} rounds in {} s, all survived: {survived:?}",
        started.elapsed().as_secs()
    );
    Ok(())
}

async fn round(arena: &mut Arena, blow: Blow, seed: u64) -> Result<checker::Report> {
    let mut random = StdRng::seed_from_u64(seed);
    arena.open_rooms().await?;
    let crowd = arena.send_crowd(seed).await?;
    tokio::time::sleep(Duration::from_millis(random.random_range(MOMENT))).await;
    blow.fall(arena, &mut random).await?;
    arena.wait_for_sales(arena.lines()).await?;
    arena.judge(crowd).await
}
