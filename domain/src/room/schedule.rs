//! Scheduling a room: every field is judged, and the first that is wrong is named by its path in the request.

use std::ops::RangeInclusive;

use chrono::{Datelike, TimeDelta};

use crate::money::Money;
use crate::room::command::ScheduleRoom;
use crate::room::decide::Decision;
use crate::room::event::{RoomScheduled, SaleOptions};
use crate::room::{pricing, recording};
use crate::terms::RefundPolicy;
use crate::{Preset, Room, RoomError, RoomEvent, Timestamp};

const TITLE_CHARS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 5_000;
const LANGUAGE_CHARS: RangeInclusive<usize> = 2..=8;
const PLANNED_MINUTES: RangeInclusive<u32> = 1..=1_440;
/// A day at most: the others in line wait as well.
const OFFER_SECONDS: RangeInclusive<u32> = 1..=86_400;
const NO_SHOW_MINUTES: RangeInclusive<u32> = 1..=120;
/// A year: no refund policy looks further ahead.
const REFUND_HOURS: RangeInclusive<u32> = 0..=8_784;
/// RFC 3339 has four digits for the year.
const YEAR_MAX: i32 = 9_999;

impl Room {
    pub(super) fn schedule(&self, schedule: ScheduleRoom) -> Decision {
        match self.facts() {
            Some(facts) if facts.request == schedule.request && facts.host == schedule.host => Ok(vec![]),
            Some(_) => Err(RoomError::KeyReused),
            None => {
                let scheduled = check(schedule)?;
                Ok(vec![RoomEvent::RoomScheduled(scheduled)])
            }
        }
    }
}

fn check(schedule: ScheduleRoom) -> Result<RoomScheduled, RoomError> {
    let title = title(&schedule.title)?;
    description(&schedule.description)?;
    language(&schedule.language)?;
    planned_minutes(schedule.planned_minutes)?;
    let planned_end = planned_end(schedule.starts_at, schedule.planned_minutes, schedule.at)?;
    price(schedule.price, &schedule.preset)?;
    capacity(schedule.capacity, &schedule.preset)?;
    tickets_per_buyer(schedule.tickets_per_buyer, &schedule.preset)?;
    hold_seconds(schedule.hold_seconds, &schedule.preset)?;
    no_show_minutes(schedule.no_show_minutes)?;
    refund_policy(schedule.refund_policy)?;
    sale_options(&schedule.sale)?;
    let (tiers, codes) = (&schedule.sale.tiers, &schedule.sale.promo_codes);
    pricing::check(tiers, codes, None, schedule.price, &schedule.preset)?;
    let sales_open_at = schedule.sales_open_at.unwrap_or(schedule.at);
    let sales_close_at = schedule.sales_close_at.unwrap_or(planned_end);
    sales_window(sales_open_at, sales_close_at)?;
    let is_priced = schedule.price.is_positive() || tiers.iter().any(|tier| tier.price.is_positive());
    schedule.permit.require(is_priced)?;
    Ok(RoomScheduled {
        room_id: schedule.room_id,
        host: schedule.host,
        title,
        description: schedule.description,
        language: schedule.language,
        starts_at: schedule.starts_at,
        planned_minutes: schedule.planned_minutes,
        price: schedule.price,
        capacity: schedule.capacity,
        sales_open_at,
        sales_close_at,
        tickets_per_buyer: schedule.tickets_per_buyer,
        hold_seconds: schedule.hold_seconds,
        refund_policy: schedule.refund_policy,
        no_show_minutes: schedule.no_show_minutes,
        preset: schedule.preset.name,
        preset_version: schedule.preset.version,
        platform_fee: schedule.preset.platform_fee,
        sale: schedule.sale,
        fees: schedule.preset.fees,
        request: schedule.request,
        scheduled_at: schedule.at,
    })
}

pub(super) fn title(title: &str) -> Result<String, RoomError> {
    let title = title.trim();
    if title.is_empty() || title.chars().count() > TITLE_CHARS_MAX {
        return Err(invalid("title", format!("must have 1 to {TITLE_CHARS_MAX} characters")));
    }
    if title.chars().any(char::is_control) {
        return Err(invalid("title", "must not have control characters"));
    }
    Ok(title.to_owned())
}

pub(super) fn description(description: &str) -> Result<(), RoomError> {
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        let reason = format!("must have at most {DESCRIPTION_CHARS_MAX} characters");
        return Err(invalid("description", reason));
    }
    // Lines are welcome; a NUL is not, since no database text can hold it.
    if description
        .chars()
        .any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t'))
    {
        return Err(invalid(
            "description",
            "must not have control characters other than line breaks and tabs",
        ));
    }
    Ok(())
}

pub(super) fn language(language: &str) -> Result<(), RoomError> {
    let is_known_form = language.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if LANGUAGE_CHARS.contains(&language.len()) && is_known_form {
        return Ok(());
    }
    Err(invalid(
        "language",
        "must be a tag of 2 to 8 characters from a-z and -, such as en or pt-br",
    ))
}

pub(super) fn planned_minutes(minutes: u32) -> Result<(), RoomError> {
    within("planned_minutes", minutes, PLANNED_MINUTES)
}

pub(super) fn planned_end(starts_at: Timestamp, minutes: u32, at: Timestamp) -> Result<Timestamp, RoomError> {
    if starts_at <= at {
        return Err(invalid("starts_at", "must be in the future"));
    }
    let planned_end = starts_at.checked_add_signed(TimeDelta::minutes(i64::from(minutes)));
    planned_end
        .filter(|end| end.year() <= YEAR_MAX)
        .ok_or_else(|| invalid("starts_at", "is too far in the future"))
}

pub(super) fn price(price: Money, preset: &Preset) -> Result<(), RoomError> {
    let (least, most) = (preset.price_min_minor, preset.price_max_minor);
    if price.is_zero() || (least.max(1)..=most).contains(&price.amount_minor()) {
        return Ok(());
    }
    Err(invalid(
        "price.amount_minor",
        format!("must be 0, or {least} to {most}"),
    ))
}

pub(super) fn capacity(capacity: u32, preset: &Preset) -> Result<(), RoomError> {
    let Preset {
        capacity_max: most,
        capacity_source,
        ..
    } = preset;
    if (1..=*most).contains(&capacity) {
        return Ok(());
    }
    let source = capacity_source.as_deref().unwrap_or("as the rules of this shop say");
    let reason = format!("must be 1 to {most}: one media server node is sure to carry {most} listeners ({source})");
    Err(invalid("capacity", reason))
}

pub(super) fn tickets_per_buyer(limit: u32, preset: &Preset) -> Result<(), RoomError> {
    within("tickets_per_buyer", limit, 1..=preset.tickets_per_buyer_max)
}

pub(super) fn hold_seconds(seconds: u32, preset: &Preset) -> Result<(), RoomError> {
    within(
        "hold_seconds",
        seconds,
        preset.hold_seconds_min..=preset.hold_seconds_max,
    )
}

pub(super) fn no_show_minutes(minutes: u32) -> Result<(), RoomError> {
    within("no_show_minutes", minutes, NO_SHOW_MINUTES)
}

pub(super) fn offer_seconds(seconds: u32) -> Result<(), RoomError> {
    within("offer_seconds", seconds, OFFER_SECONDS)
}

fn sale_options(options: &SaleOptions) -> Result<(), RoomError> {
    options.recording.map_or(Ok(()), recording::terms)?;
    options.offer_seconds.map_or(Ok(()), offer_seconds)
}

pub(super) fn refund_policy(policy: RefundPolicy) -> Result<(), RoomError> {
    match policy {
        RefundPolicy::None | RefundPolicy::UntilStart => Ok(()),
        RefundPolicy::UntilHoursBefore { hours } => within("refund_policy.hours", hours, REFUND_HOURS),
    }
}

pub(super) fn sales_window(open_at: Timestamp, close_at: Timestamp) -> Result<(), RoomError> {
    // A stored time is written with a four-digit year; so both ends are kept within it.
    if !(0..=YEAR_MAX).contains(&open_at.year()) {
        return Err(invalid("sales_open_at", "is out of range"));
    }
    if close_at.year() > YEAR_MAX {
        return Err(invalid("sales_close_at", "is out of range"));
    }
    if close_at <= open_at {
        return Err(invalid("sales_close_at", "must be after the sales open"));
    }
    Ok(())
}

pub(super) fn within(field: &'static str, value: u32, range: RangeInclusive<u32>) -> Result<(), RoomError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(invalid(field, format!("must be {} to {}", range.start(), range.end())))
}

pub(super) fn invalid(field: &'static str, reason: impl Into<String>) -> RoomError {
    RoomError::InvalidField {
        field,
        reason: reason.into(),
    }
}
