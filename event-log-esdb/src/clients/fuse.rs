//! Ends a subscription of the engine's clients that would not end.
//!
//! When the engine ends a subscription without an error, `next_subscription_event` of `eventstore` 4 and `kurrentdb` 1.2 asks
//! the stream that is over again and again, without a pause in which a timeout or an abort could reach it. All it does is
//! log a warning each time. So the task of a subscription has a subscriber of its own for what it logs; at the hundredth
//! warning in a row it unwinds the task, and the task ends as one that panicked does: what it held is dropped.

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Messages that the client does not know are warned of in the same words: so many of them may come in a row.
const WARNINGS_MAX: u32 = 100;

/// What the task unwinds with.
struct Ended;

/// Counts the warnings since the last sign of life.
#[derive(Clone, Debug, Default)]
pub(super) struct Fuse(Arc<AtomicU32>);

impl Fuse {
    /// The client came back with something.
    pub(super) fn mend(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Subscriber for Fuse {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() == Level::WARN && metadata.target().ends_with("::commands")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, _: &Event<'_>) {
        if self.0.fetch_add(1, Ordering::Relaxed) >= WARNINGS_MAX {
            panic::resume_unwind(Box::new(Ended));
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
