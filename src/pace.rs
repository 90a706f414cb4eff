//! How fast a long piece of work goes, and how long it will take: for those who wait for it.

use std::io::IsTerminal as _;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::lifecycle::Signals;
use crate::output;

/// How often a terminal, and a file, is told how far it is.
const SHOWN_EVERY: Duration = Duration::from_millis(200);
const NOTED_EVERY: Duration = Duration::from_secs(5);
/// What a shell sees of a command that was told to stop.
pub(crate) const EXIT_STOPPED: u8 = 130;

/// Cells of the bar.
const WIDTH: u64 = 24;

/// The way from one position to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    from: u64,
    up_to: u64,
}

impl Pace {
    pub(crate) const fn new(from: u64, up_to: u64) -> Self {
        Self { from, up_to }
    }

    /// A line that says how far it is, at which speed, and what is left.
    pub(crate) fn at(&self, position: u64, elapsed: Duration) -> String {
        let (whole, done) = (self.up_to.saturating_sub(self.from), position.saturating_sub(self.from));
        let part = |of: u64| (u128::from(done) * u128::from(of) / u128::from(whole.max(1))).min(of.into());
        let per_second = u128::from(done) * 1_000_000 / elapsed.as_micros().max(1);
        let left = u128::from(whole.saturating_sub(done)).checked_div(per_second);
        let left = left.map_or_else(|| "?".to_owned(), clock);
        let filled = usize::try_from(part(WIDTH)).unwrap_or_default();
        let empty = usize::try_from(WIDTH).unwrap_or_default() - filled;
        format!(
            "[{}{}] {:>3} %  {position} of {}  {per_second} events/s  {left} left",
            "#".repeat(filled),
            ".".repeat(empty),
            part(100),
            self.up_to,
        )
    }
}

/// Waits for a piece of work and shows how far it is. The first signal cancels it; then it ends as soon as it can. A second one
/// does not wait for that: what was committed is committed.
pub(crate) async fn watched<T>(
    work: impl Future<Output = T>,
    pace: Pace,
    position: impl Fn() -> u64,
    cancel: &CancellationToken,
) -> anyhow::Result<(T, Duration)> {
    let mut signals = Signals::catch()?;
    let started = Instant::now();
    let every = if std::io::stderr().is_terminal() {
        SHOWN_EVERY
    } else {
        NOTED_EVERY
    };
    let mut work = pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            () = signals.next() => {
                if cancel.is_cancelled() {
                    output::remark("stopped at once");
                    std::process::exit(EXIT_STOPPED.into());
                }
                cancel.cancel();
            }
            () = tokio::time::sleep(every) => output::progress(pace.at(position(), started.elapsed())),
        }
    };
    output::progress_ends();
    Ok((done, started.elapsed()))
}

/// Events a second.
pub(crate) fn per_second(events: u64, elapsed: Duration) -> u64 {
    let per_second = u128::from(events) * 1_000_000 / elapsed.as_micros().max(1);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

/// `1:02:03`, or `2:03` within the hour.
fn clock(seconds: u128) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_far_how_fast_and_how_long() {
        let pace = Pace::new(1_000, 9_000);
        assert_eq!(
            pace.at(3_000, Duration::from_secs(2)),
            "[######..................]  25 %  3000 of 9000  1000 events/s  0:06 left"
        );
        assert_eq!(
            pace.at(1_000, Duration::ZERO),
            "[........................]   0 %  1000 of 9000  0 events/s  ? left"
        );
        assert!(
            pace.at(9_000, Duration::from_secs(1))
                .starts_with("[########################] 100 %")
        );
        assert!(Pace::new(5, 5).at(5, Duration::ZERO).contains("0 %"), "nothing to do");
        assert_eq!([clock(59), clock(3_723)], ["0:59", "1:02:03"]);
    }
}
