//! Rates, medians and percentiles: the only arithmetic with fractions.
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "figures for people; no money is computed here"
)]

use std::time::Duration;

/// Stands for an answer that never came: `results.json` has no infinity.
pub(crate) const NEVER_MS: f64 = 1e9;

/// How long each operation of a run took, in microseconds.
#[derive(Clone, Default, Debug)]
pub(crate) struct Latencies {
    sorted_us: Vec<u32>,
}

impl Latencies {
    pub(crate) fn new(mut samples_us: Vec<u32>) -> Self {
        samples_us.sort_unstable();
        Self { sorted_us: samples_us }
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted_us.len()
    }

    /// The smallest latency that `percent` of the operations did not exceed.
    pub(crate) fn percentile_ms(&self, percent: usize) -> Option<f64> {
        self.percentile(percent).map(millis)
    }

    /// The same in microseconds; 0 of none.
    pub(crate) fn percentile_us(&self, percent: usize) -> u32 {
        self.percentile(percent).unwrap_or(0)
    }

    fn percentile(&self, percent: usize) -> Option<u32> {
        let rank = (self.sorted_us.len() * percent).div_ceil(100);
        let nth = rank.max(1) - 1;
        self.sorted_us.get(nth).copied()
    }
}

/// What one round of one side came to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Sample {
    pub(crate) value: f64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

impl Sample {
    pub(crate) const fn plain(value: f64) -> Self {
        Self {
            value,
            p50_ms: None,
            p99_ms: None,
        }
    }

    /// Operations per second, with their latencies.
    pub(crate) fn rate(latencies: &Latencies, elapsed: Duration) -> Self {
        Self {
            value: per_second(latencies.count(), elapsed),
            p50_ms: latencies.percentile_ms(50),
            p99_ms: latencies.percentile_ms(99),
        }
    }
}

pub(crate) fn per_second(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(1e-9)
}

pub(crate) fn seconds(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64()
}

pub(crate) fn millis(us: u32) -> f64 {
    f64::from(us) / 1000.0
}

pub(crate) fn ratio(ours: f64, peer: f64) -> Option<f64> {
    (peer > 0.0).then(|| ours / peer)
}

/// Of an even number the mean of the two in the middle; 0 of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.as_slice() {
        [] => 0.0,
        odd if odd.len() % 2 == 1 => odd[middle],
        even => f64::midpoint(even[middle - 1], even[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_latency_that_occurred() {
        let latencies = Latencies::new((1..=200).rev().map(|ms| ms * 1000).collect());
        assert_eq!(latencies.percentile_ms(50), Some(100.0));
        assert_eq!(latencies.percentile_ms(99), Some(198.0));
        assert_eq!(latencies.percentile_ms(100), Some(200.0));
        assert_eq!(Latencies::new(vec![7_000]).percentile_ms(50), Some(7.0));
        assert_eq!(Latencies::default().percentile_ms(99), None);
    }

    #[test]
    fn the_median_ignores_one_bad_round() {
        assert_eq!(median([3.0, 1.0, 100.0]).to_string(), "3");
        assert_eq!(median([4.0, 1.0, 2.0, 100.0]).to_string(), "3");
        assert_eq!(median([]).to_string(), "0");
    }

    #[test]
    fn nothing_is_compared_with_nothing() {
        assert_eq!(ratio(10.0, 4.0), Some(2.5));
        assert_eq!(ratio(10.0, 0.0), None);
    }
}
