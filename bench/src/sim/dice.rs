//! Chance, from a seed: the same seed throws the same.
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples of times and sizes; no money is computed here"
)]

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rand_distr::{Distribution as _, Exp1, Geometric};

pub(super) const SECOND: u64 = 1_000_000_000;

pub(super) struct Dice(StdRng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A time from the exponential distribution with that mean.
    pub(super) fn exponential(&mut self, mean: u64) -> u64 {
        let sample: f64 = Exp1.sample(&mut self.0);
        (sample * mean as f64) as u64
    }

    /// Until the next of a Poisson stream of `per_hour` arrivals.
    pub(super) fn next_arrival(&mut self, per_hour: u64) -> u64 {
        let sample: f64 = Exp1.sample(&mut self.0);
        (sample * (3_600 * SECOND) as f64 / per_hour as f64) as u64
    }

    /// At least one, with that mean: most are small, some are large.
    pub(super) fn count(&mut self, mean: u64) -> u64 {
        let distribution = Geometric::new(1.0 / mean.max(1) as f64).expect("a probability");
        1 + distribution.sample(&mut self.0)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.random_range(0..end.max(1))
    }
}
