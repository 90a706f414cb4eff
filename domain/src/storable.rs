//! States that may be kept beside their events.

use cqrs_es::Aggregate;
use uuid::Uuid;

use crate::AnyEvent;

/// An aggregate whose state may be stored, and taken up again by a program that folds events the same way.
pub trait Storable: Aggregate {
    /// The format of the stored state. It is raised whenever the stored form changes, or what an event does to the state: a
    /// state of another format is not read, and its stream is folded from the start.
    const STATE_FORMAT: u32;

    /// The aggregate's id and the event, if it is of this kind.
    fn pick(event: &AnyEvent) -> Option<(Uuid, &Self::Event)>;
}
