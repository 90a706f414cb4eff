//! The bounded queue in front of a log: back-pressure instead of memory, and an answer at once instead of a wait.

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::AppendError;
use crate::pipeline::Request;

#[derive(Clone, Debug)]
pub(crate) struct Queue(mpsc::Sender<Request>);

impl Queue {
    pub(crate) fn new(capacity: usize) -> (Self, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self(sender), receiver)
    }

    /// A place, if there is one now: what waits in a full queue would only make its caller wait longer.
    pub(crate) fn reserve(&self) -> Result<mpsc::OwnedPermit<Request>, AppendError> {
        self.0.clone().try_reserve_owned().map_err(|refused| match refused {
            TrySendError::Full(_) => AppendError::Overloaded,
            TrySendError::Closed(_) => AppendError::Unavailable("the log stopped".to_owned()),
        })
    }
}
