//! Short by default; `RECONCILER_STEPS=1000000` is the long form (`make faults`), `RECONCILER_SEED` where it begins.

use rand::Rng as _;
use tokio::time::Instant;

use super::play::{Report, play};

/// Of one episode, which its seed decides.
const EPISODE: u64 = 400;
const STEPS: u64 = 8_000;

/// Seeds that found something once, or nearly: played each time.
const KEPT: &[(u64, &str)] = &[
    (
        1,
        "finds a demotion that is not made, rooms that are not created, looks five seconds apart",
    ),
    (
        18_286_734_993_533_295_937,
        "webhooks about the last removals, when everything was over",
    ),
    (
        20_261_189,
        "an old room that turns up while none is live, and is found five seconds later",
    ),
    (20_261_155, "a look that is under way when nothing happens any more"),
];

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    Some(value.parse().expect("a number"))
}

fn play_or_panic(seed: u64) -> Report {
    play(seed, EPISODE)
        .unwrap_or_else(|wrong| panic!("{wrong}; RECONCILER_SEED={seed} RECONCILER_STEPS=1 plays it alone"))
}

#[test]
fn whatever_happens_the_media_server_is_as_the_log_says() {
    let steps = setting("RECONCILER_STEPS").unwrap_or(STEPS);
    let seed = setting("RECONCILER_SEED").unwrap_or_else(|| rand::rng().random());
    println!("{steps} steps, RECONCILER_SEED={seed}");
    let (started, mut total) = (Instant::now(), Report::default());
    for number in 0..steps.div_ceil(EPISODE) {
        total.add(&play_or_panic(seed.wrapping_add(number)));
    }
    println!("{total:#?}\nin {} s", started.elapsed().as_secs());
    assert!(total.changes > total.steps / 10, "something happened: {total:?}");
}

#[test]
fn what_was_found_once_stays_found() {
    for (seed, what) in KEPT {
        println!("{seed}: {what}");
        play_or_panic(*seed);
    }
}

#[test]
fn a_seed_decides_everything() {
    assert_eq!(play(7, EPISODE), play(7, EPISODE));
}
