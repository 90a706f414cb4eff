//! What the third act measured.

use serde::Serialize;

#[derive(Debug, Default, Serialize)]
pub(in crate::demo) struct Figures {
    pub(super) inside: usize,
    /// From the co-host's approval until her client is told.
    pub(super) approved_ms: u64,
    /// From the co-host's call until her client is told.
    pub(super) muted_ms: u64,
    pub(super) taken_over: u64,
    pub(super) banned_out_ms: u64,
    /// From the kill until everybody hears everybody again.
    pub(super) back_ms: u64,
    /// The media server's death breaks one off, and another one goes on.
    pub(super) recorded_parts: usize,
    /// The last part's.
    pub(super) recorded_ms: i64,
    pub(super) host_heard_ms: i64,
    pub(super) stays: usize,
    pub(super) delivered: bool,
}
