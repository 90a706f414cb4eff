//! The versions of the streams that were written lately: bounded, and never wrong while one process writes.

use std::collections::HashMap;

use crate::StreamId;

/// Two halves: when the young one is full, the old one is forgotten. What is used survives.
#[derive(Debug)]
pub(crate) struct Versions {
    half: usize,
    young: HashMap<StreamId, u64>,
    old: HashMap<StreamId, u64>,
}

impl Versions {
    /// Remembers at least `limit / 2` streams and at most about `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            half: (limit / 2).max(1),
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    /// Uses the version: it is young from then on.
    pub(crate) fn get(&mut self, stream: &StreamId) -> Option<u64> {
        if let Some(version) = self.young.get(stream) {
            return Some(*version);
        }
        let (stream, version) = self.old.remove_entry(stream)?;
        self.young.insert(stream, version);
        Some(version)
    }

    pub(crate) fn set(&mut self, stream: &StreamId, version: u64) {
        match self.young.get_mut(stream) {
            Some(known) => *known = version,
            None => {
                self.young.insert(stream.clone(), version);
            }
        }
    }

    /// Makes room. Between batches only, so that a batch finds every version that was looked up for it.
    pub(crate) fn age(&mut self) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn stream(number: usize) -> StreamId {
        StreamId {
            aggregate_type: "counter",
            aggregate_id: Arc::from(number.to_string()),
        }
    }

    #[test]
    fn forgets_what_was_not_used_for_long_and_nothing_newer() {
        let mut versions = Versions::new(4);
        for number in 0..100 {
            versions.age();
            versions.set(&stream(number), 7);
            assert!(versions.young.len() + versions.old.len() <= 4);
        }
        assert_eq!(versions.get(&stream(0)), None);
        assert_eq!(versions.get(&stream(99)), Some(7));
        assert_eq!(versions.get(&stream(98)), Some(7));
    }
}
