//! Who waits, as read last: once for all who ask.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use projections::entitlements::turns_after;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::{ApiError, ApiState};

/// What was read for one is good for the others for so long.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// The turns to come, in their order.
#[derive(Debug, Default)]
pub(crate) struct Line(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    read_at: Option<Instant>,
    turns: Arc<Vec<Timestamp>>,
}

impl Line {
    /// How many are let in until then, the one whose turn it is included.
    pub(crate) async fn place(&self, state: &ApiState, turn: Timestamp) -> Result<usize, ApiError> {
        Ok(place_of(&self.look(state, turn).await?, turn, state.now()))
    }

    /// At most a moment old, and not older than this turn.
    async fn look(&self, state: &ApiState, turn: Timestamp) -> Result<Arc<Vec<Timestamp>>, ApiError> {
        let mut seen = self.0.lock().await;
        let is_fresh = seen.read_at.is_some_and(|read_at| read_at.elapsed() < FRESH_FOR);
        let is_known = seen.turns.binary_search(&turn).is_ok();
        if !is_fresh || !is_known {
            seen.turns = Arc::new(turns_after(&state.pool, state.now()).await?);
            seen.read_at = Some(Instant::now());
        }
        Ok(Arc::clone(&seen.turns))
    }
}

fn place_of(turns: &[Timestamp], turn: Timestamp, now: Timestamp) -> usize {
    let before = turns.partition_point(|other| *other < turn);
    let past = turns.partition_point(|other| *other <= now);
    before.saturating_sub(past).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    #[test]
    fn a_place_is_counted_from_now_on() {
        let turns = [1, 2, 3, 4].map(at);
        assert_eq!(place_of(&turns, at(3), at(0)), 3);
        assert_eq!(place_of(&turns, at(3), at(2)), 1);
        assert_eq!(place_of(&turns, at(3), at(9)), 1);
        assert_eq!(place_of(&[], at(3), at(0)), 1);
    }
}
