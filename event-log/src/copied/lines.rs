//! Answers come in the order of the queue, as far as a stream is concerned: whoever loads an aggregate again waits for the last
//! one alone.

use std::collections::HashMap;

use tokio::sync::oneshot;

use crate::StreamId;

/// The last of each stream that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Lines(HashMap<StreamId, Line>);

#[derive(Debug)]
struct Line {
    waiting: usize,
    last: oneshot::Receiver<()>,
}

/// A place in the line of a stream. Whoever is behind it comes when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _answered: oneshot::Sender<()>,
}

impl Lines {
    pub(super) fn join(&mut self, stream: &StreamId) -> Turn {
        let (answered, last) = oneshot::channel();
        let before = if let Some(line) = self.0.get_mut(stream) {
            line.waiting += 1;
            Some(std::mem::replace(&mut line.last, last))
        } else {
            self.0.insert(stream.clone(), Line { waiting: 1, last });
            None
        };
        Turn {
            before,
            _answered: answered,
        }
    }

    pub(super) fn leave(&mut self, stream: &StreamId) {
        if let Some(line) = self.0.get_mut(stream) {
            line.waiting -= 1;
            if line.waiting == 0 {
                self.0.remove(stream);
            }
        }
    }
}

impl Turn {
    /// Returns when those before it are answered.
    pub(super) async fn comes(&mut self) {
        if let Some(before) = self.before.take() {
            // It is dropped, nothing is sent.
            let _ = before.await;
        }
    }
}
