//! What can be said of a while from what the audio clients reported.

use std::time::Duration;

use media_bridge::rehearsal::{AudioClients, AudioEvent};
use tokio::time::Instant;

/// The longest time in which a client heard nothing of this tone, between two moments.
pub(super) fn longest_gap(
    audio: &AudioClients,
    client: &str,
    (speaker, hz): (&str, u32),
    (from, until): (Instant, Instant),
) -> Duration {
    let (mut last, mut longest) = (from, Duration::ZERO);
    let heard = audio.events_since(client, from);
    let heard = heard.iter().filter(|reported| reported.event.is_tone(speaker, hz));
    for at in heard.map(|reported| reported.at).chain([until]) {
        longest = longest.max(at.min(until).saturating_duration_since(last));
        last = last.max(at);
    }
    longest
}

/// Whether a client has ever heard anybody.
pub(super) fn heard_anything(audio: &AudioClients, client: &str) -> bool {
    let events = audio.events_of(client);
    events
        .iter()
        .any(|reported| matches!(reported.event, AudioEvent::Heard { .. }))
}

/// The value below which this share of the sorted values lies.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len());
    sorted[rank - 1]
}
