//! Another time for a room that has not opened (`rules.md` 8). Who holds a ticket may decline it within a window.

use std::ops::RangeInclusive;

use chrono::TimeDelta;

use crate::room::command::RescheduleRoom;
use crate::room::decide::Decision;
use crate::room::event::RoomRescheduled;
use crate::room::schedule;
use crate::{Room, RoomEvent};

/// A month at most: until then the host cannot count on the sales.
const DECLINE_HOURS: RangeInclusive<u32> = 1..=720;

impl Room {
    pub(super) fn reschedule(&self, new: RescheduleRoom) -> Decision {
        self.require_authority(new.by)?;
        let Self::Scheduled { facts, .. } = self else {
            return Err(self.wrong_state());
        };
        let planned_minutes = new.planned_minutes.unwrap_or(facts.planned_minutes);
        if new.starts_at == facts.starts_at && planned_minutes == facts.planned_minutes {
            return Ok(vec![]);
        }
        schedule::planned_minutes(planned_minutes)?;
        schedule::within("decline_hours", new.decline_hours, DECLINE_HOURS)?;
        let planned_end = schedule::planned_end(new.starts_at, planned_minutes, new.at)?;
        let before = TimeDelta::minutes(i64::from(facts.planned_minutes));
        let sells_to_the_end = facts.starts_at.checked_add_signed(before) == Some(facts.sales_close_at);
        let sales_close_at = if sells_to_the_end {
            planned_end
        } else {
            facts.sales_close_at
        };
        schedule::sales_window(facts.sales_open_at, sales_close_at)?;
        let window = TimeDelta::hours(i64::from(new.decline_hours));
        let decline_until = new.at.checked_add_signed(window).unwrap_or(new.starts_at);
        Ok(vec![RoomEvent::RoomRescheduled(RoomRescheduled {
            starts_at: new.starts_at,
            planned_minutes,
            sales_close_at,
            decline_until: decline_until.min(new.starts_at),
            rescheduled_at: new.at,
        })])
    }
}
