//! Stretches of positions, worked on side by side.

use futures::stream::{self, Stream, StreamExt as _};
use tokio_util::task::TaskTracker;

/// How many stretches are in work at once: a reader each, while PostgreSQL sends the next.
const SIDE_BY_SIDE: usize = 2;

/// Cuts the positions after `after` and up to `up_to` into stretches of `length`, `(after, up_to)` each.
fn cut(after: u64, up_to: u64, length: u64) -> impl Iterator<Item = (u64, u64)> {
    let starts = std::iter::successors(Some(after), move |start| start.checked_add(length));
    starts
        .take_while(move |start| *start < up_to)
        .map(move |start| (start, start.saturating_add(length).min(up_to)))
}

/// Works on each stretch in a task of its own, a few at once, and gives the results in order; `None` for a task that
/// panicked. What is not asked for is not begun.
pub(crate) fn in_order<T, W>(
    (after, up_to, length): (u64, u64, u64),
    work: impl FnMut((u64, u64)) -> W + Send,
) -> impl Stream<Item = Option<T>> + Send
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    let mut work = work;
    let tracker = TaskTracker::new();
    stream::iter(cut(after, up_to, length))
        .map(move |stretch| tracker.spawn(work(stretch)))
        .buffered(SIDE_BY_SIDE)
        .map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_everything_once() {
        let stretches: Vec<_> = cut(3, 10, 3).collect();
        assert_eq!(stretches, [(3, 6), (6, 9), (9, 10)]);
        assert_eq!(cut(3, 3, 3).count(), 0);
        assert_eq!(cut(0, 4, 2).collect::<Vec<_>>(), [(0, 2), (2, 4)]);
    }

    #[tokio::test]
    async fn results_come_in_order_and_a_panic_is_seen() {
        let doubled = in_order((0, 5, 1), async |(after, _)| {
            tokio::time::sleep(std::time::Duration::from_millis(5 - after)).await;
            assert_ne!(after, 4, "a panic");
            after * 2
        });
        assert_eq!(
            doubled.collect::<Vec<_>>().await,
            [Some(0), Some(2), Some(4), Some(6), None]
        );
    }
}
