//! The money of an account in one currency: every unit of it is in one place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Minor units. What is not pending, held, in the reserve, on its way or paid is available.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Balance {
    /// Not given back.
    pub(super) earned: i64,
    /// Payouts on their way.
    pub(super) pending: i64,
    pub(super) paid: i64,
    /// Held for disputes.
    pub(super) reserved: i64,
    /// What the host owes.
    pub(super) receivable: i64,
    /// What others have of the host's own sales, less what the host has of theirs. Together with what was earned, all that
    /// the host's own sales brought.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) shared: i64,
    /// Earnings whose days are not over.
    #[serde(default, skip_serializing_if = "Waiting::is_none")]
    pub(super) maturing: Waiting,
    /// The rolling reserve.
    #[serde(default, skip_serializing_if = "Waiting::is_none")]
    pub(super) rolling: Waiting,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(minor: &i64) -> bool {
    *minor == 0
}

impl Balance {
    pub(super) fn available(&self) -> i64 {
        let spent = [
            self.pending,
            self.paid,
            self.reserved,
            self.maturing.total,
            self.rolling.total,
        ];
        let had = self.earned.saturating_add(self.receivable);
        spent.into_iter().fold(had, i64::saturating_sub)
    }
}

/// Money that becomes available later. It is one pot with a timetable: what is taken out of the pot is missing where it
/// would have become available first, and what is put back fills that gap.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) total: i64,
    /// What was put in, by when it is due.
    due: BTreeMap<Timestamp, i64>,
}

impl Waiting {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add(&mut self, minor: i64, until: Timestamp) {
        self.total = self.total.saturating_add(minor);
        let due = self.due.entry(until).or_default();
        *due = due.saturating_add(minor);
    }

    pub(super) fn take(&mut self, minor: i64) {
        self.total = self.total.saturating_sub(minor);
    }

    pub(super) fn put_back(&mut self, minor: i64) {
        self.total = self.total.saturating_add(minor);
    }

    /// What was due by then has gone.
    pub(super) fn let_go(&mut self, minor: i64, at: Timestamp) {
        self.take(minor);
        self.due.retain(|until, _| *until > at);
    }

    /// What need not wait any longer.
    pub(super) fn is_due(&self, at: Timestamp) -> i64 {
        self.total.saturating_sub(self.later_than(at)).max(0)
    }

    /// How much can be put back and still has to wait.
    pub(super) fn gap(&self, at: Timestamp) -> i64 {
        self.later_than(at).saturating_sub(self.total).max(0)
    }

    /// When there is something to let go. At once, if there is.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_due(now) > 0 {
            return Some(now);
        }
        self.due.keys().copied().find(|until| *until > now)
    }

    fn later_than(&self, at: Timestamp) -> i64 {
        let later = self.due.iter().filter(|(until, _)| **until > at);
        later.fold(0, |sum, (_, minor)| sum.saturating_add(*minor))
    }
}
