//! How often, how much, how long.

use std::time::Duration;

/// Every bound of the notary. The defaults are for production; tests tighten them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotaryLimits {
    /// A checkpoint is signed no sooner than this after the last one, …
    pub interval: Duration,
    /// … unless so many events wait for one, …
    pub events: u64,
    /// … and then no sooner than this.
    pub interval_least: Duration,
    /// Events that are read and signed at once while it is behind.
    pub stretch: u64,
    /// An idle notary looks at the log's end so often: whether it is still what was signed.
    pub look: Duration,
    /// How often it makes sure that [`NotaryLimits::patrol_events`] of the old events are still what they were.
    pub patrol: Duration,
    pub patrol_events: u64,
    /// How long it waits after something was wrong, before it looks again.
    pub pause: Duration,
    /// How often a checkpoint leaves for buckets, webhooks and witnesses.
    pub publish: Duration,
    /// How long a place may take to answer.
    pub answer: Duration,
    /// The longest wait before a place that failed is tried again.
    pub back_off: Duration,
    /// How often checkpoints are thinned out.
    pub thin_out: Duration,
    /// Checkpoints older than this are thinned out: the last one of each minute stays.
    pub keep_all: Duration,
}

impl Default for NotaryLimits {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            events: 1_000,
            interval_least: Duration::from_millis(250),
            stretch: 51_200,
            look: Duration::from_secs(5),
            patrol: Duration::from_secs(2),
            patrol_events: 8_192,
            pause: Duration::from_secs(10),
            publish: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            back_off: Duration::from_mins(1),
            thin_out: Duration::from_mins(1),
            keep_all: Duration::from_hours(1),
        }
    }
}
