//! Stretches of the log as they are stored, holes and all: for whoever exports what is there, and leaves the judging to others.

use futures::{Stream, StreamExt as _};
use sqlx::PgPool;

pub use crate::postgres::copy::{RawEvent, stretch};
use crate::ranges;
use crate::replay::ReplayError;

/// Folds each stretch of at most `length` positions after `after` and up to `up_to`, which the log has reached, into a value
/// of its own. A hole is an error. The values come in order; a few are made ahead, in tasks of their own, and no more until they are taken. No
/// connection is held between two stretches.
pub fn fold<T, B, S>(
    pool: PgPool,
    (after, up_to): (u64, u64),
    length: u64,
    begin: B,
    show: S,
) -> impl Stream<Item = Result<T, ReplayError>> + Send
where
    T: Send + 'static,
    B: Fn() -> T + Send + 'static,
    S: Fn(&mut T, &RawEvent<'_>) + Clone + Send + Sync + 'static,
{
    let folded = ranges::in_order((after, up_to, length), move |range| {
        fold_one(pool.clone(), range, begin(), show.clone())
    });
    folded.map(|value| value.unwrap_or(Err(ReplayError::Panicked)))
}

async fn fold_one<T: Send>(
    pool: PgPool,
    (after, up_to): (u64, u64),
    mut value: T,
    show: impl Fn(&mut T, &RawEvent<'_>) + Send + Sync,
) -> Result<T, ReplayError> {
    let mut at = after;
    stretch(&pool, (after, up_to), |event| {
        // After a hole nothing fits any more.
        if event.leaf.position == at + 1 {
            at += 1;
            show(&mut value, event);
        }
    })
    .await?;
    if at < up_to {
        return Err(ReplayError::Gap(at + 1));
    }
    Ok(value)
}
