//! How many commands of one aggregate may be under way: a hot room never takes all the places from the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::AppendError;

/// Counts the commands of one aggregate, from their check-out until they are answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Door(Arc<AtomicUsize>);

impl Door {
    /// Lets a command in, unless `share` others are in already.
    pub(super) fn admit(&self, share: usize) -> Result<Admission, AppendError> {
        let admission = Admission(Arc::clone(&self.0));
        let others = admission.0.fetch_add(1, Ordering::AcqRel);
        // Dropped on refusal, it gives its place back.
        if others < share {
            Ok(admission)
        } else {
            Err(AppendError::Overloaded)
        }
    }
}

/// One command inside. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Admission(Arc<AtomicUsize>);

impl Drop for Admission {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
