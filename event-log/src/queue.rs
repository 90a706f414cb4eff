//! The bounded queue in front of a log: back-pressure instead of memory, and an answer at once instead of a wait.

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::AppendError;
use crate::pipeline::{Permit, Request};

/// What a log reserves places of, whatever reads at its other end.
#[derive(Clone, Debug)]
pub struct Queue(mpsc::Sender<Request>);

impl Queue {
    /// A queue of so many places, and its other end.
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self(sender), receiver)
    }

    /// A place to be enqueued in, once, by whoever appends.
    pub fn permit(&self) -> Result<Permit, AppendError> {
        self.reserve().map(Permit::new)
    }

    /// A place, if there is one now: what waits in a full queue would only make its caller wait longer.
    pub(crate) fn reserve(&self) -> Result<mpsc::OwnedPermit<Request>, AppendError> {
        self.0.clone().try_reserve_owned().map_err(|refused| match refused {
            TrySendError::Full(_) => AppendError::Overloaded,
            TrySendError::Closed(_) => AppendError::Unavailable("the log stopped".to_owned()),
        })
    }
}
