//! Money that has to wait: earnings of a preset with pending days, and its rolling reserve (`rules.md` 26).
//!
//! What is earned on one day becomes available at one moment, the midnight (UTC) after its days are over: so a room of
//! ten thousand seats is one event here, and not ten thousand.

use chrono::{Days, NaiveTime};

use crate::payout::disputing::{least, some};
use crate::payout::event::Later;
use crate::{Currency, EarningRules, Money, MoneyError, Payout, PayoutEvent, Timestamp};

impl Payout {
    /// When something of this account becomes available by itself.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self
            .balances()
            .flat_map(|(_, balance)| [&balance.maturing, &balance.rolling]);
        waiting.filter_map(|waiting| waiting.next_due(now)).min()
    }

    /// Everything whose time has come, in every currency.
    pub(super) fn mature(&self, at: Timestamp) -> Vec<PayoutEvent> {
        let mut events = vec![];
        for (currency, balance) in self.balances() {
            let [matured, released] =
                [&balance.maturing, &balance.rolling].map(|waiting| Money::new(waiting.is_due(at), currency));
            let mut moved = vec![];
            if matured.is_positive() {
                moved.push(PayoutEvent::EarningsMatured {
                    amount: matured,
                    matured_at: at,
                });
            }
            if released.is_positive() {
                moved.push(PayoutEvent::ReserveReleased {
                    amount: released,
                    released_at: at,
                });
            }
            events.extend(self.with_netting(moved, currency, at));
        }
        events
    }

    /// What comes back to a host who owes pays that first.
    pub(super) fn with_netting(
        &self,
        mut events: Vec<PayoutEvent>,
        currency: Currency,
        at: Timestamp,
    ) -> Vec<PayoutEvent> {
        if events.is_empty() || self.receivable(currency).is_zero() {
            return events;
        }
        let mut after = self.clone();
        for event in &events {
            after.evolve(event.clone());
        }
        let amount = least(after.available(currency), after.receivable(currency));
        if amount.is_positive() {
            events.push(PayoutEvent::ReceivableNetted { amount, netted_at: at });
        }
        events
    }
}

/// Where the parts of an earning go; what is in none of them is available.
pub(super) struct Places {
    pub(super) netted: Option<Money>,
    pub(super) reserved: Option<Later>,
    pub(super) pending: Option<Later>,
}

impl Payout {
    /// What is owed comes first, then the reserve; the rest is pending, where a preset has pending days.
    pub(super) fn place(&self, share: Money, rules: &EarningRules, at: Timestamp) -> Result<Places, MoneyError> {
        let netted = least(self.receivable(share.currency()), share);
        let kept = share.checked_sub(netted)?;
        let reserved = least(share.share_floor(rules.reserve)?, kept);
        let pending = if rules.pending_days == 0 {
            Money::zero(share.currency())
        } else {
            kept.checked_sub(reserved)?
        };
        Ok(Places {
            netted: some(netted),
            reserved: later(reserved, at, rules.reserve_days)?,
            pending: later(pending, at, rules.pending_days)?,
        })
    }
}

/// `amount` from `at` for so many days.
fn later(amount: Money, at: Timestamp, days: u32) -> Result<Option<Later>, MoneyError> {
    if !amount.is_positive() {
        return Ok(None);
    }
    let last_day = at.date_naive().checked_add_days(Days::new(u64::from(days)));
    let midnight = last_day
        .and_then(|day| day.succ_opt())
        .map(|day| day.and_time(NaiveTime::MIN));
    let until = midnight.ok_or(MoneyError::Overflow)?.and_utc();
    Ok(Some(Later { amount, until }))
}
