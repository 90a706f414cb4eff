//! Sealing days: one after the other, each once, none before it is over, and none while lines are overdue unless somebody says
//! why.

use chrono::{Days, NaiveDate, TimeDelta};

use crate::shop::command::SealDay;
use crate::shop::event::DaySealed;
use crate::{Shop, ShopError, ShopEvent, Timestamp};

/// How long after midnight an event of the day before may still be on its way to the log.
pub const DAY_SETTLES_WITHIN: TimeDelta = TimeDelta::minutes(1);
const REASON_CHARS_MAX: usize = 64;

/// When a day is over: the first moment that is no longer in it.
pub fn end_of_day(date: NaiveDate) -> Option<Timestamp> {
    let next = date.checked_add_days(Days::new(1))?;
    next.and_hms_opt(0, 0, 0).map(|midnight| midnight.and_utc())
}

impl Shop {
    pub(super) fn seal_day(&self, seal: SealDay) -> Result<Vec<ShopEvent>, ShopError> {
        let SealDay { date, position, .. } = seal;
        if self.is_sealed(date) {
            return Ok(vec![]);
        }
        let days = self.sealed();
        let next = days.and_then(|days| days.last.succ_opt());
        if let Some(next) = next.filter(|next| *next != date) {
            return Err(ShopError::DayOutOfOrder { next });
        }
        let is_over = end_of_day(date)
            .and_then(|end| end.checked_add_signed(DAY_SETTLES_WITHIN))
            .is_some_and(|settled| seal.at >= settled);
        if !is_over {
            return Err(ShopError::DayNotOver { date });
        }
        if position == 0 {
            return Err(ShopError::NothingToSeal { date });
        }
        if !seal.force.as_deref().is_none_or(is_reason) {
            return Err(ShopError::InvalidReason);
        }
        if seal.overdue > 0 && seal.force.is_none() {
            return Err(ShopError::Unreconciled { overdue: seal.overdue });
        }
        let before = days.map_or(0, |days| days.position);
        Ok(vec![ShopEvent::DaySealed(DaySealed {
            date,
            position,
            hash: seal.hash,
            events: position.saturating_sub(before),
            totals: seal.totals,
            unreconciled: seal.unreconciled,
            forced: seal.force.filter(|_| seal.overdue > 0),
            by: seal.by,
            sealed_at: seal.at,
        })])
    }
}

/// Free text has no place in the log.
fn is_reason(word: &str) -> bool {
    let is_word_char = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=REASON_CHARS_MAX).contains(&word.len()) && word.bytes().all(is_word_char)
}
