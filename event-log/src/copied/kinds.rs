//! The kinds of streams, which are few: their names are kept for as long as the process lives.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// More are no log of ours.
const KINDS_MAX: usize = 64;

static KINDS: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

/// The kind of this name; `None` if there are too many.
pub(super) fn kind(name: &str) -> Option<&'static str> {
    let mut kinds = KINDS.lock().unwrap_or_else(PoisonError::into_inner);
    let kinds = kinds.get_or_insert_default();
    if let Some(known) = kinds.get(name) {
        return Some(known);
    }
    if kinds.len() >= KINDS_MAX {
        return None;
    }
    let kept: &'static str = Box::leak(name.into());
    kinds.insert(kept);
    Some(kept)
}
