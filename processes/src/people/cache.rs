//! Who was asked for lately: in a rush the same people ask again and again.
//!
//! Bounded: two generations in each of a number of shards; who is not seen for one of them is looked up again. What was read
//! before somebody was erased is not kept after it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::UserId;

const SHARDS: usize = 16;
/// Of one generation in one shard: 131,072 people in all.
const ENTRIES_MAX: usize = 4_096;

type Key = [u8; 32];

#[derive(Debug, Default)]
pub(super) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    erasures: AtomicU64,
}

#[derive(Debug, Default)]
struct Shard {
    young: HashMap<Key, UserId>,
    old: HashMap<Key, UserId>,
}

/// What was known of erasures when a look into the database began.
#[derive(Clone, Copy)]
pub(super) struct Era(u64);

impl Cache {
    pub(super) fn find(&self, key: &Key) -> Option<UserId> {
        let mut shard = self.shard(key);
        if let Some(user) = shard.young.get(key) {
            return Some(*user);
        }
        let user = shard.old.remove(key)?;
        shard.keep(*key, user);
        Some(user)
    }

    pub(super) fn era(&self) -> Era {
        Era(self.erasures.load(Ordering::SeqCst))
    }

    /// Keeps what was looked up, unless somebody was erased since the look began.
    pub(super) fn keep(&self, key: Key, user: UserId, era: Era) {
        let mut shard = self.shard(&key);
        if self.era().0 == era.0 {
            shard.keep(key, user);
        }
    }

    pub(super) fn forget(&self, erased: &HashSet<UserId>) {
        self.erasures.fetch_add(1, Ordering::SeqCst);
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.young.retain(|_, user| !erased.contains(user));
            shard.old.retain(|_, user| !erased.contains(user));
        }
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        let number = usize::from(key[0]) % SHARDS;
        self.shards[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn keep(&mut self, key: Key, user: UserId) {
        if self.young.len() >= ENTRIES_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, user);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    fn key(number: u32) -> Key {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_le_bytes());
        key
    }

    #[test]
    fn what_was_read_before_an_erasure_is_not_kept_after_it() {
        let cache = Cache::default();
        let era = cache.era();
        cache.keep(key(1), user(1), era);
        assert_eq!(cache.find(&key(1)), Some(user(1)));
        cache.forget(&HashSet::from([user(1)]));
        assert_eq!(cache.find(&key(1)), None);
        cache.keep(key(1), user(1), era);
        assert_eq!(cache.find(&key(1)), None);
        cache.keep(key(1), user(2), cache.era());
        assert_eq!(cache.find(&key(1)), Some(user(2)));
    }

    #[test]
    fn memory_is_bounded_and_who_comes_back_stays() {
        let cache = Cache::default();
        cache.keep(key(0), user(0), cache.era());
        for number in 1..=300_000 {
            cache.keep(key(number), user(number.into()), cache.era());
            assert!(cache.find(&key(0)).is_some(), "forgotten after {number}");
        }
        let kept = cache.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap();
            shard.young.len() + shard.old.len()
        });
        assert!(kept.sum::<usize>() <= SHARDS * 2 * ENTRIES_MAX);
    }
}
