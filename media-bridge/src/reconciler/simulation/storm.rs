//! Bad weather: what may become of calls, and when it is over.

use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::time::Duration;

/// What becomes of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Answered,
    /// Not carried out.
    Fails,
    /// Carried out, and the answer is lost.
    LosesAnswer,
    /// Never carried out, never answered.
    Hangs,
    /// Carried out, never answered.
    HangsAfterwards,
    /// Never answered, and carried out when the caller has long given up.
    Late(Duration),
}

#[derive(Debug, Default)]
pub(super) struct Storm {
    pub(super) rages: bool,
    pub(super) server_is_down: bool,
    pub(super) reconciler_is_down: bool,
    /// Calls that are carried out later.
    pub(super) late: usize,
}

impl Storm {
    pub(super) const fn is_anything_wrong(&self) -> bool {
        self.rages || self.server_is_down || self.reconciler_is_down || self.late > 0
    }

    pub(super) fn fate(&self, random: &mut StdRng) -> Fate {
        if !self.rages {
            return Fate::Answered;
        }
        match random.random_range(0..100) {
            0..=7 => Fate::Fails,
            8..=15 => Fate::LosesAnswer,
            16..=17 => Fate::Hangs,
            18..=20 => Fate::HangsAfterwards,
            21..=24 => Fate::Late(Duration::from_millis(random.random_range(100..8_000))),
            _ => Fate::Answered,
        }
    }

    /// Whether the wish can be read, and if not, whether that is said.
    pub(super) fn reading(&self, random: &mut StdRng) -> Fate {
        match random.random_range(0..100) {
            0..=9 if self.rages => Fate::Fails,
            10 if self.rages => Fate::Hangs,
            _ => Fate::Answered,
        }
    }
}
