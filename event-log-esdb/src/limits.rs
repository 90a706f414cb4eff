//! How much the adapter holds and how long it waits.

use std::time::Duration;

/// Every bound of the adapter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EsdbLimits {
    /// Appends under way, each of another stream.
    pub in_flight: usize,
    /// Events that are sent to one stream at once, unless a single append has more.
    pub run: usize,
    /// How long the engine may take over one call.
    pub call_limit: Duration,
    /// The pause before a call is tried again; it doubles up to the second.
    pub retry: (Duration, Duration),
    /// How long a subscription may be silent before the end of the log is looked at.
    pub silence: Duration,
    /// Events that are asked for at once.
    pub page: usize,
    /// Pages of the engine's own events that one read passes over.
    pub pages_passed: usize,
}

impl Default for EsdbLimits {
    fn default() -> Self {
        Self {
            in_flight: 256,
            run: 500,
            call_limit: Duration::from_secs(2),
            retry: (Duration::from_millis(20), Duration::from_millis(500)),
            silence: Duration::from_secs(2),
            page: 1000,
            pages_passed: 1000,
        }
    }
}
