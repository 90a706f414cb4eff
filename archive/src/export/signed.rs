//! What the notary has signed of the log, for the bundle.

use std::io;

use notary::{SignedCheckpoint, VerifierKey};
use sqlx::PgPool;

use crate::ArchiveError;
use crate::format::{CHECKPOINTS, CHECKPOINTS_MAX, KEY, NoteLine, write_notes};

/// Checkpoints that are read at once.
const PAGE: u32 = 1_000;

/// Checkpoints, and what they are verified with. They are copied as they are: whoever verifies judges them.
#[derive(Clone, Default, Debug)]
pub(crate) struct Signed {
    key: Option<VerifierKey>,
    /// The smallest first.
    notes: Vec<NoteLine>,
}

impl Signed {
    /// What is stored of the first `until` events; of all of them without it, also if the log does not reach so far any more.
    pub(super) async fn read(
        pool: &PgPool,
        until: Option<u64>,
        key: Option<VerifierKey>,
    ) -> Result<Self, ArchiveError> {
        let newest = notary::latest_checkpoint(pool).await?.map_or(0, |newest| newest.size);
        let last = until.map_or(newest, |until| until.min(newest));
        let mut spread = Spread::over(last);
        let mut after = 0;
        while after < last {
            let page = notary::list_checkpoints(pool, after, PAGE).await?;
            let Some(end) = page.last() else { break };
            after = end.size;
            for signed in page {
                spread.push(signed);
            }
        }
        Ok(Self::new(key, spread.kept))
    }

    pub(crate) const fn new(key: Option<VerifierKey>, notes: Vec<NoteLine>) -> Self {
        Self { key, notes }
    }

    pub(super) const fn count(&self) -> usize {
        self.notes.len()
    }

    /// The files of the bundle: none, if nothing was signed.
    pub(super) fn files(&self) -> Vec<(&'static str, io::Result<Vec<u8>>)> {
        if self.notes.is_empty() {
            return vec![];
        }
        let key = self.key.as_ref();
        let key = key.map(|key| (KEY, Ok(format!("{key}\n").into_bytes())));
        key.into_iter()
            .chain([(CHECKPOINTS, write_notes(&self.notes))])
            .collect()
    }
}

/// The last checkpoint of each stretch, of which there are [`CHECKPOINTS_MAX`] at most.
struct Spread {
    last: u64,
    stretch: u64,
    kept: Vec<NoteLine>,
}

impl Spread {
    fn over(last: u64) -> Self {
        Self {
            last,
            stretch: last.div_ceil(CHECKPOINTS_MAX).max(1),
            kept: vec![],
        }
    }

    fn push(&mut self, signed: SignedCheckpoint) {
        let SignedCheckpoint { size, note, .. } = signed;
        if size > self.last {
            return;
        }
        let nth = |size: u64| size.div_ceil(self.stretch);
        if self.kept.last().is_some_and(|before| nth(before.size) == nth(size)) {
            self.kept.pop();
        }
        self.kept.push(NoteLine { size, note });
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn kept(sizes: impl Iterator<Item = u64>, last: u64) -> Vec<u64> {
        let mut spread = Spread::over(last);
        for size in sizes {
            spread.push(SignedCheckpoint {
                size,
                root: [0; 32],
                chain_hash: [0; 32],
                signed_at: Timestamp::UNIX_EPOCH,
                note: String::new(),
            });
        }
        spread.kept.iter().map(|line| line.size).collect()
    }

    #[test]
    fn checkpoints_are_spread_over_the_log_and_the_last_one_stays() {
        assert_eq!(kept(1..=5, 4), [1, 2, 3, 4]);
        let last = CHECKPOINTS_MAX * 3 - 1;
        let spread = kept(1..=last, last);
        assert_eq!(spread.len() as u64, CHECKPOINTS_MAX);
        assert_eq!((spread[0], spread[1], spread.last()), (3, 6, Some(&last)));
        assert!(kept(std::iter::empty(), 0).is_empty());
    }
}
