//! The one place that writes to the terminal. Logs go to stderr by `tracing`; results of a command go to stdout from here.

use std::fmt::Display;

/// A line of a command's result.
#[expect(clippy::print_stdout, reason = "results belong on stdout")]
pub(crate) fn line(text: impl Display) {
    println!("{text}");
}

/// A line about a command's result, for people: it stays on the terminal when the result is piped.
#[expect(clippy::print_stderr, reason = "remarks belong on stderr")]
pub(crate) fn remark(text: impl Display) {
    eprintln!("{text}");
}
