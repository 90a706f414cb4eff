//! Rules 10 and 11 as pure functions: what a room comes to, from when it was opened and ended, who of the host's side was
//! there and heard, and when nobody could be.
//!
//! An interruption is to blame for silence if the host's side was there when it began, or came back when it was over, or
//! if the room had just opened. Whoever was away anyhow was not cut off by it.

use std::cmp::{max, min};

use crate::Timestamp;
use crate::room::evidence::{Interruption, InterruptionCause, Missing, PresenceInterval, Verdict, VoidReason};

/// So close to an interruption the host's side must have been there. Clients take up to half of it to give up or come back.
const NEAR_MS: i64 = 60_000;
const MINUTE_MS: i64 = 60_000;

/// What buyers rely on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Promise {
    pub starts_at: Timestamp,
    pub planned_minutes: u32,
    pub no_show_minutes: u32,
}

/// What is known of the host's side of an opening.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostSide {
    present: Vec<Span>,
    heard: Vec<Span>,
}

/// Whether the host's side failed to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coming {
    /// They were heard: whatever comes, it is no no-show.
    Heard,
    /// Not before this.
    Awaited {
        until: Timestamp,
    },
    NoShow,
}

/// Milliseconds since 1970, from the first to the one after the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Span {
    from: i64,
    until: i64,
}

impl Span {
    fn new(from: Timestamp, until: Timestamp) -> Self {
        Self {
            from: from.timestamp_millis(),
            until: until.timestamp_millis(),
        }
    }

    const fn length(self) -> i64 {
        let length = self.until.saturating_sub(self.from);
        if length > 0 { length } else { 0 }
    }

    fn common(self, other: Self) -> Self {
        Self {
            from: max(self.from, other.from),
            until: min(self.until, other.until),
        }
    }
}

fn total(spans: &[Span]) -> i64 {
    spans.iter().fold(0, |sum, span| sum.saturating_add(span.length()))
}

/// In order and apart.
fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut apart: Vec<Span> = Vec::new();
    for span in spans.into_iter().filter(|span| span.length() > 0) {
        match apart.last_mut() {
            Some(last) if span.from <= last.until => last.until = max(last.until, span.until),
            _ => apart.push(span),
        }
    }
    apart
}

impl HostSide {
    /// Who speaks at the same time as somebody else adds nothing to how long the host's side is heard.
    pub fn of<'a>(stays: impl IntoIterator<Item = &'a PresenceInterval>) -> Self {
        let (mut present, mut heard) = (Vec::new(), Vec::new());
        for stay in stays {
            present.push(Span::new(stay.joined_at, stay.left_at));
            heard.extend(stay.speaking.iter().map(|span| Span::new(span.from, span.until)));
        }
        Self {
            present: union(present),
            heard: union(heard),
        }
    }

    pub fn heard_ms(&self) -> u64 {
        u64::try_from(total(&self.heard)).unwrap_or(0)
    }

    /// Whether this stay was at a time at which the host's side was heard.
    pub fn is_heard_in(&self, stay: &PresenceInterval) -> bool {
        let stay = Span::new(stay.joined_at, stay.left_at);
        self.heard.iter().any(|span| span.common(stay).length() > 0)
    }

    /// How long it was heard during these stays.
    pub fn heard_in_ms<'a>(&self, stays: impl IntoIterator<Item = &'a PresenceInterval>) -> u64 {
        let stays = stays.into_iter().map(|stay| Span::new(stay.joined_at, stay.left_at));
        let stays = union(stays.collect());
        let common = self
            .heard
            .iter()
            .flat_map(|heard| stays.iter().map(|stay| heard.common(*stay)));
        u64::try_from(total(&common.collect::<Vec<_>>())).unwrap_or(0)
    }

    fn is_near(&self, moment: i64) -> bool {
        let near = Span {
            from: moment.saturating_sub(NEAR_MS),
            until: moment.saturating_add(NEAR_MS),
        };
        self.present.iter().any(|span| span.common(near).length() > 0)
    }

    /// When they are heard again after a moment.
    fn heard_after(&self, moment: i64) -> Option<i64> {
        let after = self.heard.iter().find(|span| span.until > moment)?;
        Some(max(after.from, moment))
    }
}

/// What an opening that ended comes to.
pub fn judge(
    promise: &Promise,
    opened_at: Timestamp,
    ended_at: Timestamp,
    host_side: &HostSide,
    interruptions: &[Interruption],
) -> Verdict {
    let promised = promise.length_ms();
    let heard = total(&host_side.heard);
    let is_half = |part: i64| part.saturating_mul(2) >= promised;
    if is_half(heard) {
        return Verdict::Delivered;
    }
    let show = Span::new(opened_at, ended_at);
    let begins = max(opened_at, promise.starts_at).timestamp_millis();
    let planned_end = begins.saturating_add(promised);
    let lost = lost_ms(show, planned_end, host_side, interruptions);
    let is_ours = lost > 0 && is_half(heard.saturating_add(lost));
    match (heard > 0, is_ours) {
        (true, true) => Verdict::Crashed(missing(heard, promised)),
        (true, false) => Verdict::Delivered,
        (false, true) => Verdict::Void {
            reason: VoidReason::Crash,
        },
        (false, false) => Verdict::Void {
            reason: VoidReason::NoShow,
        },
    }
}

/// Whether a room that is live should be given up: nobody of the host's side was heard until so many minutes after the
/// start. What an interruption took of that time is given to them.
pub fn coming(
    promise: &Promise,
    opened_at: Timestamp,
    host_side: &HostSide,
    interruptions: &[Interruption],
    now: Timestamp,
) -> Coming {
    if total(&host_side.heard) > 0 {
        return Coming::Heard;
    }
    let show = Span::new(opened_at, now);
    let waiting = Span::new(promise.starts_at, now);
    let cut_off = blamed(show, host_side, interruptions).map(|span| span.common(waiting));
    let given = total(&union(cut_off.collect()));
    let deadline = promise.no_show_at().timestamp_millis().saturating_add(given);
    if now.timestamp_millis() >= deadline {
        return Coming::NoShow;
    }
    let until = Timestamp::from_timestamp_millis(deadline).unwrap_or(Timestamp::MAX_UTC);
    Coming::Awaited { until }
}

fn missing(heard: i64, promised: i64) -> Missing {
    let count = |ms: i64| u64::try_from(ms).unwrap_or(0);
    Missing {
        missing_ms: count(promised.saturating_sub(heard)),
        promised_ms: count(promised),
    }
}

/// What interruptions took of the show: their own time as far as the host's side was not heard all the same, and what was
/// still to come of it when the room was ended because of one.
fn lost_ms(show: Span, planned_end: i64, host_side: &HostSide, interruptions: &[Interruption]) -> i64 {
    let spans = union(blamed(show, host_side, interruptions).collect());
    let heard = |span: &Span| {
        let common: Vec<Span> = host_side.heard.iter().map(|heard| heard.common(*span)).collect();
        total(&common)
    };
    let silent = |span: &Span| span.length().saturating_sub(heard(span));
    let cut = spans.iter().fold(0_i64, |sum, span| sum.saturating_add(silent(span)));
    let rest = if ended_by_one(show, host_side, interruptions) {
        planned_end.saturating_sub(show.until)
    } else {
        0
    };
    cut.saturating_add(max(rest, 0))
}

/// The media server had failed shortly before the end, and the host's side was not heard after that.
fn ended_by_one(show: Span, host_side: &HostSide, interruptions: &[Interruption]) -> bool {
    interruptions
        .iter()
        .filter(|interruption| interruption.cause == InterruptionCause::MediaServer)
        .filter(|interruption| is_to_blame(interruption, show, host_side))
        .map(|interruption| Span::new(interruption.from, interruption.until))
        .any(|span| show.until <= span.until.saturating_add(NEAR_MS) && host_side.heard_after(span.from).is_none())
}

fn is_to_blame(interruption: &Interruption, show: Span, host_side: &HostSide) -> bool {
    let span = Span::new(interruption.from, interruption.until);
    let just_opened = span.from <= show.from.saturating_add(NEAR_MS);
    just_opened || host_side.is_near(span.from) || host_side.is_near(span.until)
}

/// The interruptions that are to blame, within the show. After one of the media server's, people need a moment to come back.
fn blamed(show: Span, host_side: &HostSide, interruptions: &[Interruption]) -> impl Iterator<Item = Span> {
    interruptions
        .iter()
        .filter(move |interruption| is_to_blame(interruption, show, host_side))
        .map(move |interruption| {
            let span = Span::new(interruption.from, interruption.until);
            let until = match interruption.cause {
                InterruptionCause::Unwatched => span.until,
                InterruptionCause::MediaServer => {
                    let grace = span.until.saturating_add(NEAR_MS);
                    let is_back = host_side.heard_after(span.until);
                    is_back.map_or(span.until, |back| min(back, grace))
                }
            };
            Span { until, ..span }.common(show)
        })
}

impl Promise {
    fn length_ms(&self) -> i64 {
        i64::from(self.planned_minutes).saturating_mul(MINUTE_MS)
    }

    /// By then somebody of the host's side has to be heard.
    pub fn no_show_at(&self) -> Timestamp {
        let minutes = chrono::TimeDelta::minutes(i64::from(self.no_show_minutes));
        self.starts_at.checked_add_signed(minutes).unwrap_or(Timestamp::MAX_UTC)
    }
}
