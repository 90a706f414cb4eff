//! The figures an operator, or a test in a hurry, may change.

use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WebhookSettings {
    /// Receivers may be on this machine or in a private network, and without TLS.
    pub allow_private: bool,
    /// How long a receiver may take to answer, from the first packet to the last.
    pub timeout: Duration,
    /// The wait after a first failure; it doubles from there.
    pub backoff_first: Duration,
    /// No wait between two tries is longer, whatever the receiver asks for.
    pub backoff_max: Duration,
    /// A receiver that has not taken anything for so long is paused, and waits for an admin.
    pub give_up_after: Duration,
    /// How long a secret that was replaced still signs beside the new one.
    pub secret_overlap: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            allow_private: false,
            timeout: Duration::from_secs(10),
            backoff_first: Duration::from_secs(5),
            backoff_max: Duration::from_hours(1),
            give_up_after: Duration::from_hours(3 * 24),
            secret_overlap: Duration::from_hours(24),
        }
    }
}
