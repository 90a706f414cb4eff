//! The bounded queue in front of a log: back-pressure instead of memory.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::AppendError;
use crate::pipeline::{Permit, Request};

#[derive(Clone, Debug)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Request>,
    reserve_wait: Duration,
}

impl Queue {
    pub(crate) fn new(capacity: usize, reserve_wait: Duration) -> (Self, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self { sender, reserve_wait }, receiver)
    }

    pub(crate) async fn reserve(&self) -> Result<mpsc::OwnedPermit<Request>, AppendError> {
        match self.sender.clone().try_reserve_owned() {
            Ok(permit) => Ok(permit),
            Err(TrySendError::Closed(_)) => Err(stopped()),
            Err(TrySendError::Full(sender)) => tokio::time::timeout(self.reserve_wait, sender.reserve_owned())
                .await
                .map_err(|_| AppendError::Overloaded)?
                .map_err(|_| stopped()),
        }
    }

    pub(crate) async fn permit(&self) -> Result<Permit, AppendError> {
        let place = self.reserve().await?;
        Ok(Permit::new(move |request| {
            // A closed queue still takes what was promised a place; its reader answers it.
            drop(place.send(request));
        }))
    }
}

fn stopped() -> AppendError {
    AppendError::Unavailable("the log stopped".to_owned())
}
