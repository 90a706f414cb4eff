//! Payouts by the month (`rules.md` 28): once for each host, currency and month; what is too little rolls over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::payout::command::{MonthlyPayout, RequestPayout};
use crate::payout::decide::Decision;
use crate::{Fingerprint, Money, Payout, PayoutEvent, Timestamp};

/// When a host is paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayoutSchedule {
    /// When the host asks.
    #[default]
    OnRequest,
    /// On the first of each month (UTC) all that is available then; and when the host asks.
    Monthly,
}

/// Why nothing was paid on the first of a month.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollOverReason {
    BelowMinimum,
    NotApproved,
    Suspended,
    NoDestination,
}

impl Payout {
    /// What the host chose, if they did.
    pub const fn schedule(&self) -> Option<PayoutSchedule> {
        self.schedule
    }

    pub(super) fn choose_schedule(&self, schedule: PayoutSchedule, at: Timestamp) -> Vec<PayoutEvent> {
        if self.schedule == Some(schedule) {
            return vec![];
        }
        vec![PayoutEvent::PayoutScheduleChosen {
            schedule,
            chosen_at: at,
        }]
    }

    /// A month is over with its payout or its roll-over: whoever asks again is late.
    pub(super) fn request_monthly(&self, month: &MonthlyPayout) -> Decision {
        let is_monthly = self.schedule.unwrap_or(month.default) == PayoutSchedule::Monthly;
        let is_over = self.payout(month.payout_id).is_some()
            || self
                .rolled_over
                .get(&month.currency)
                .is_some_and(|due_at| *due_at >= month.due_at);
        let available = self.available(month.currency);
        if !is_monthly || is_over || !available.is_positive() {
            return Ok(vec![]);
        }
        let minimum = Money::new(month.minimum_minor.max(1), month.currency);
        let reason = if self.is_suspended() {
            RollOverReason::Suspended
        } else if !self.is_approved() {
            RollOverReason::NotApproved
        } else if self.destination().is_none() {
            RollOverReason::NoDestination
        } else if available.amount_minor() < minimum.amount_minor() {
            RollOverReason::BelowMinimum
        } else {
            return self.request_payout(&RequestPayout {
                payout_id: month.payout_id,
                currency: month.currency,
                amount: None,
                minimum_minor: month.minimum_minor,
                provider: month.provider.clone(),
                request: Fingerprint::of(b"monthly"),
                at: month.at,
            });
        };
        Ok(vec![PayoutEvent::PayoutRolledOver {
            available,
            minimum,
            reason,
            due_at: month.due_at,
            rolled_over_at: month.at,
        }])
    }
}
