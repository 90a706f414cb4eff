//! Text from outside that goes into an event as it is: kept short, and without what no database can hold.

/// Characters kept of a provider's reason.
pub(crate) const REASON_CHARS_MAX: usize = 500;

/// A provider's words, fit to be recorded: no control characters, at most [`REASON_CHARS_MAX`] characters.
pub(crate) fn recordable(reason: &str) -> String {
    let plain = reason.chars().filter(|char| !char.is_control());
    plain.take(REASON_CHARS_MAX).collect()
}
