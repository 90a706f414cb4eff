//! What a figure should be.

/// A bound on a figure of ours, or on its ratio to the peer's.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Times the peer.
    RatioAtLeast(f64),
    P99AtMostMs(f64),
}

impl Goal {
    pub(crate) fn is_met(self, ours: f64, ratio: Option<f64>, p99_ms: Option<f64>) -> bool {
        match self {
            Self::AtLeast(least) => ours >= least,
            Self::AtMost(most) => ours <= most,
            Self::RatioAtLeast(least) => ratio.is_some_and(|ratio| ratio >= least),
            Self::P99AtMostMs(most) => p99_ms.is_some_and(|p99| p99 <= most),
        }
    }

    pub(crate) fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {}", super::table::figure(least)),
            Self::AtMost(most) => format!("≤ {}", super::table::figure(most)),
            Self::RatioAtLeast(least) => format!("≥ {least}× peer"),
            Self::P99AtMostMs(most) => format!("p99 ≤ {most} ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_about_a_peer_is_not_met_without_one() {
        assert!(Goal::RatioAtLeast(1.0).is_met(5.0, Some(1.0), None));
        assert!(!Goal::RatioAtLeast(1.0).is_met(5.0, None, None));
        assert!(!Goal::P99AtMostMs(10.0).is_met(5.0, None, None));
        assert!(Goal::AtMost(5.0).is_met(5.0, None, None));
        assert!(!Goal::AtLeast(5.1).is_met(5.0, None, None));
    }
}
