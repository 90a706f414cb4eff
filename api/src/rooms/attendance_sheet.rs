//! Attendance as a sheet: a row for each stay, each time of speaking and each interruption.

use axum::response::{IntoResponse, Response};
use domain::RoomId;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Serialize;

use super::attendance::AttendanceBody;
use crate::csv::{Cell, write_row};
use crate::extract::Moment;
use crate::shapes::{InterruptionBody, PresenceBody, SpeakingBody};

const COLUMNS: [&str; 8] = [
    "kind",
    "user_id",
    "ticket_id",
    "from",
    "until",
    "duration_ms",
    "from_source",
    "until_source",
];

pub(super) fn answer(room: RoomId, attendance: &AttendanceBody) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"attendance-{room}.csv\""),
        ),
    ];
    (headers, sheet(attendance)).into_response()
}

fn sheet(attendance: &AttendanceBody) -> String {
    let mut sheet = String::new();
    write_row(&mut sheet, &COLUMNS.map(Cell::text));
    for stay in &attendance.intervals {
        write_row(&mut sheet, &presence(stay));
        for speaking in &stay.speaking {
            write_row(&mut sheet, &speech(stay, speaking));
        }
    }
    for interruption in &attendance.interruptions {
        write_row(&mut sheet, &gap(interruption));
    }
    sheet
}

fn presence(stay: &PresenceBody) -> [Cell; 8] {
    let [from, until, duration] = times(stay.joined_at, stay.left_at);
    [
        Cell::text("presence"),
        Cell::text(stay.user_id),
        Cell::of(stay.ticket_id),
        from,
        until,
        duration,
        word(stay.joined_by),
        word(stay.left_by),
    ]
}

fn speech(stay: &PresenceBody, speaking: &SpeakingBody) -> [Cell; 8] {
    let [from, until, duration] = times(speaking.from, speaking.until);
    [
        Cell::text("speaking"),
        Cell::text(stay.user_id),
        Cell::of(stay.ticket_id),
        from,
        until,
        duration,
        Cell::text("poll"),
        word(Some(speaking.source)),
    ]
}

fn gap(interruption: &InterruptionBody) -> [Cell; 8] {
    let [from, until, duration] = times(interruption.from, interruption.until);
    let cause = word(Some(interruption.cause));
    [
        Cell::text("interruption"),
        Cell::Empty,
        Cell::Empty,
        from,
        until,
        duration,
        cause.clone(),
        cause,
    ]
}

fn times(from: Moment, until: Moment) -> [Cell; 3] {
    let duration = (until.0 - from.0).num_milliseconds();
    [
        word(Some(from)),
        word(Some(until)),
        Cell::Count(u64::try_from(duration).unwrap_or(0)),
    ]
}

/// As it is in JSON.
fn word<T: Serialize>(value: Option<T>) -> Cell {
    let json = value.and_then(|value| serde_json::to_value(value).ok());
    Cell::of(json.as_ref().and_then(serde_json::Value::as_str))
}
