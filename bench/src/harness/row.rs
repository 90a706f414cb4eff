//! One line of the table, and of `results.json`.

use serde::{Deserialize, Serialize};

use super::goal::Goal;
use super::rounds::Rounds;
use super::stats::{Sample, ratio};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) ours: f64,
    pub(crate) peer: Option<f64>,
    pub(crate) peer_name: Option<String>,
    pub(crate) ratio: Option<f64>,
    pub(crate) goal: Option<String>,
    /// `None` where the issue asks to show the figure and names no goal.
    pub(crate) met: Option<bool>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) rounds: usize,
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn new(name: &str, unit: &str, rounds: &Rounds, goals: &[Goal]) -> Self {
        let Sample { value, p50_ms, p99_ms } = rounds.ours_median();
        let peer = rounds.peer_median();
        let ratio = peer.and_then(|peer| ratio(value, peer));
        let met = goals.iter().all(|goal| goal.is_met(value, ratio, p99_ms));
        let texts: Vec<String> = goals.iter().map(|goal| goal.text()).collect();
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            ours: value,
            peer,
            peer_name: None,
            ratio,
            goal: (!goals.is_empty()).then(|| texts.join(", ")),
            met: (!goals.is_empty()).then_some(met),
            p50_ms,
            p99_ms,
            rounds: rounds.ours.len(),
            note: String::new(),
        }
    }

    /// A measure that could not be taken: a goal that is not met, and why.
    pub(crate) fn broken(name: &str, error: &anyhow::Error) -> Self {
        let mut row = Self::new(name, "", &Rounds::default(), &[Goal::AtLeast(f64::INFINITY)]);
        row.goal = None;
        row.note = format!("NOT MEASURED: {error:#}");
        row
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.met == Some(false) && self.goal.is_none()
    }

    #[must_use]
    pub(crate) fn beside(mut self, peer_name: &str) -> Self {
        self.peer_name = Some(peer_name.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}
