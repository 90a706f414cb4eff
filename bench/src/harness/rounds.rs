//! Ours and the peer's in turn, so that both meet the same weather.

use anyhow::Result;

use super::stats::{Sample, median};

/// The samples of one row, a round each.
#[derive(Clone, Default, Debug)]
pub(crate) struct Rounds {
    pub(crate) ours: Vec<Sample>,
    pub(crate) peer: Vec<Sample>,
}

impl Rounds {
    pub(crate) fn single(sample: Sample) -> Self {
        Self {
            ours: vec![sample],
            peer: vec![],
        }
    }

    pub(crate) fn ours_median(&self) -> Sample {
        medians(&self.ours)
    }

    pub(crate) fn peer_median(&self) -> Option<f64> {
        (!self.peer.is_empty()).then(|| medians(&self.peer).value)
    }
}

/// `count` rounds; the side that begins changes with each.
pub(crate) async fn alternate(
    count: usize,
    mut ours: impl AsyncFnMut(usize) -> Result<Sample>,
    mut peer: impl AsyncFnMut(usize) -> Result<Sample>,
) -> Result<Rounds> {
    let mut rounds = Rounds::default();
    for round in 0..count {
        if round % 2 == 0 {
            rounds.ours.push(ours(round).await?);
            rounds.peer.push(peer(round).await?);
        } else {
            rounds.peer.push(peer(round).await?);
            rounds.ours.push(ours(round).await?);
        }
    }
    Ok(rounds)
}

fn medians(samples: &[Sample]) -> Sample {
    let part = |pick: fn(&Sample) -> Option<f64>| {
        let known: Vec<f64> = samples.iter().filter_map(pick).collect();
        (!known.is_empty()).then(|| median(known))
    };
    Sample {
        value: median(samples.iter().map(|sample| sample.value)),
        p50_ms: part(|sample| sample.p50_ms),
        p99_ms: part(|sample| sample.p99_ms),
    }
}
