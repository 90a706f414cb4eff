//! Which of the provider's events this process has applied lately, so that the sweep passes over them.
//!
//! A head start and nothing more: an event that is forgotten, or was applied by another process, is applied again, and
//! records nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// At least half as many are remembered.
const REMEMBERED_MAX: usize = 400_000;

/// Cheap to clone; clones share what they know.
#[derive(Clone, Debug)]
pub(crate) struct Applied(Arc<Mutex<Halves>>);

/// When the young half is full, the old one is forgotten.
#[derive(Debug, Default)]
struct Halves {
    young: HashSet<Uuid>,
    old: HashSet<Uuid>,
}

impl Applied {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn note(&self, event_id: &str) {
        let mut halves = self.halves();
        if halves.young.len() >= REMEMBERED_MAX / 2 {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(digest(event_id));
    }

    pub(crate) fn contains(&self, event_id: &str) -> bool {
        let (halves, digest) = (self.halves(), digest(event_id));
        halves.young.contains(&digest) || halves.old.contains(&digest)
    }

    fn halves(&self) -> MutexGuard<'_, Halves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(event_id: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, event_id.as_bytes())
}
