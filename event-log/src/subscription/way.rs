//! How far a subscriber is, between two pages.

use tokio::time::Instant;

use super::source::Ahead;
use crate::Head;

/// How far a subscriber is.
pub(super) struct Way {
    /// Everything up to here was seen.
    pub(super) at: Head,
    /// Where the checkpoint is: behind, while nothing concerns the subscriber.
    pub(super) stored: Head,
    pub(super) stored_at: Instant,
    /// A page was read already.
    pub(super) has_begun: bool,
    /// Nobody woke us for a while: the log may have grown all the same.
    pub(super) is_doubtful: bool,
    pub(super) ahead: Option<Ahead>,
}

impl From<Head> for Way {
    fn from(at: Head) -> Self {
        Self {
            at,
            stored: at,
            stored_at: Instant::now(),
            has_begun: false,
            is_doubtful: false,
            ahead: None,
        }
    }
}

impl Way {
    pub(super) fn store(&mut self) {
        self.stored = self.at;
        self.stored_at = Instant::now();
    }

    pub(super) fn is_stored(&self) -> bool {
        self.stored == self.at
    }
}
