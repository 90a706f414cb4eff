//! The words: text templates with a subject, and values to put in.

use chrono_tz::Tz;
use domain::Timestamp;

/// What a template may speak of. A letter that does not speak of something leaves it empty.
#[derive(Clone, Default, Debug)]
pub(super) struct Values {
    pub(super) room: String,
    pub(super) starts: String,
    pub(super) minutes: String,
    pub(super) ticket_url: String,
    pub(super) decline_until: String,
    pub(super) decline_url: String,
    pub(super) amount: String,
    pub(super) expires: String,
}

/// `(subject, text)`
pub(super) fn fill(template: &str, values: &Values) -> (String, String) {
    let (subject, text) = template.split_once("\n\n").unwrap_or(("", template));
    let subject = subject.strip_prefix("Subject: ").unwrap_or(subject);
    (put(subject, values), put(text, values))
}

/// In one pass: a title with braces in it is a title.
fn put(text: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        filled.push_str(match name {
            "room" => &values.room,
            "starts" => &values.starts,
            "minutes" => &values.minutes,
            "ticket_url" => &values.ticket_url,
            "decline_until" => &values.decline_until,
            "decline_url" => &values.decline_url,
            "amount" => &values.amount,
            "expires" => &values.expires,
            _ => "",
        });
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// A name of the time zone database, `Europe/Lisbon`.
pub fn is_timezone(name: &str) -> bool {
    name.parse::<Tz>().is_ok()
}

/// `Friday 1 January 2027, 21:00 CET`; in UTC where no time zone is known.
pub(super) fn time(at: Timestamp, timezone: Option<&str>) -> String {
    let zone: Tz = timezone.and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC);
    at.with_timezone(&zone).format("%A %-d %B %Y, %H:%M %Z").to_string()
}
