//! Tokens whose signature was checked a moment ago. In a rush the same few thousand people ask again and again, and a
//! signature costs more than everything else that is done to refuse them.
//!
//! Invariants: only what was found good is kept, under the whole token; the time of a token is judged at every use; an
//! entry is good for a minute, so that a key that is withdrawn stops working; two generations of a limited number of
//! entries are kept, and who is not seen for one of them is forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::claims::Bearer;

/// How long a signature that was good is taken for good.
const AGE_MAX: Duration = Duration::from_mins(1);
/// Longer tokens are checked each time: they would make the memory that this needs hard to name.
const TOKEN_BYTES_MAX: usize = 2 * 1024;
/// Of its end, that choose a lock. The very last has only some of its bits.
const SIGNATURE_BYTES: usize = 8;
/// Locks, so that requests on different cores seldom wait for each other.
const SHARDS: usize = 16;
/// Of one generation in one shard: 32,768 tokens in all.
const ENTRIES_MAX: usize = 1024;

#[derive(Default)]
pub(super) struct CheckedTokens {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    young: HashMap<Box<str>, Entry>,
    old: HashMap<Box<str>, Entry>,
}

#[derive(Clone)]
struct Entry {
    bearer: Arc<Bearer>,
    checked_at: Instant,
}

impl CheckedTokens {
    pub(super) fn find(&self, token: &str, now: Instant) -> Option<Arc<Bearer>> {
        let mut shard = self.shard(token);
        let entry = if let Some(entry) = shard.young.get(token) {
            entry.clone()
        } else {
            let (token, entry) = shard.old.remove_entry(token)?;
            shard.keep(token, entry.clone());
            entry
        };
        let is_good = now.saturating_duration_since(entry.checked_at) < AGE_MAX;
        is_good.then_some(entry.bearer)
    }

    pub(super) fn keep(&self, token: &str, bearer: Arc<Bearer>, checked_at: Instant) {
        if token.len() <= TOKEN_BYTES_MAX {
            self.shard(token).keep(token.into(), Entry { bearer, checked_at });
        }
    }

    /// The end of a token is its signature, as good as chance.
    fn shard(&self, token: &str) -> std::sync::MutexGuard<'_, Shard> {
        let end = token.as_bytes().iter().rev().skip(1).take(SIGNATURE_BYTES);
        let number = end.fold(0_usize, |number, byte| {
            number.wrapping_mul(31).wrapping_add(usize::from(*byte))
        });
        self.shards[number % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn keep(&mut self, token: Box<str>, entry: Entry) {
        if self.young.len() >= ENTRIES_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, entry);
    }
}

#[cfg(test)]
mod tests {
    use domain::UserId;
    use processes::people::Subject;
    use uuid::Uuid;

    use super::*;
    use crate::auth::{Identity, Roles};

    fn bearer(number: u128) -> Arc<Bearer> {
        Arc::new(Bearer {
            identity: Identity {
                subject: Subject {
                    key: [0; 32],
                    own_id: None,
                    derived_id: UserId::from_uuid(Uuid::from_u128(number)),
                },
                roles: Roles::default(),
                contact: None,
                claimed: None,
            },
            expires_at: i64::MAX,
            starts_at: None,
        })
    }

    #[test]
    fn a_good_signature_is_good_for_a_minute() {
        let (tokens, now) = (CheckedTokens::default(), Instant::now());
        tokens.keep("token", bearer(1), now);
        let young = now + AGE_MAX.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(tokens.find("token", young).is_some());
        assert!(tokens.find("token", now + AGE_MAX).is_none());
        assert!(tokens.find("token2", now).is_none());
    }

    #[test]
    fn memory_is_bounded_and_who_comes_back_stays() {
        let (tokens, now) = (CheckedTokens::default(), Instant::now());
        tokens.keep("regular", bearer(0), now);
        for number in 1..=100_000_u128 {
            tokens.keep(&format!("once-{number}"), bearer(number), now);
            assert!(tokens.find("regular", now).is_some(), "forgotten after {number}");
        }
        let kept = tokens.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap();
            shard.young.len() + shard.old.len()
        });
        assert!(kept.sum::<usize>() <= SHARDS * 2 * ENTRIES_MAX);
        let long = "x".repeat(TOKEN_BYTES_MAX + 1);
        tokens.keep(&long, bearer(1), now);
        assert!(tokens.find(&long, now).is_none());
    }
}
