//! The one place that writes to the terminal.

use std::fmt::Display;

/// A line of the result.
#[expect(clippy::print_stdout, reason = "results belong on stdout")]
pub(crate) fn line(text: impl Display) {
    println!("{text}");
}

/// A line for who watches.
#[expect(clippy::print_stderr, reason = "remarks belong on stderr")]
pub(crate) fn remark(text: impl Display) {
    eprintln!("{text}");
}
