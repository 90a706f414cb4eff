//! The one place that writes to the terminal. Logs go to stderr by `tracing`; results of a command go to stdout from here.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _, stderr};

/// A line of a command's result.
#[expect(clippy::print_stdout, reason = "results belong on stdout")]
pub fn line(text: impl Display) {
    println!("{text}");
}

/// A line about a command's result, for people: it stays on the terminal when the result is piped.
#[expect(clippy::print_stderr, reason = "remarks belong on stderr")]
pub fn remark(text: impl Display) {
    eprintln!("{text}");
}

/// How far something is, on stderr: a terminal shows the newest word alone, a file keeps them all.
pub(crate) fn progress(text: impl Display) {
    let mut stderr = stderr();
    // Whoever does not listen misses nothing of the result.
    let _ = if stderr.is_terminal() {
        write!(stderr, "\r{text}\x1b[K")
    } else {
        writeln!(stderr, "{text}")
    };
    let _ = stderr.flush();
}

/// Clears what [`progress`] has left on a terminal.
pub(crate) fn progress_ends() {
    let mut stderr = stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[K");
        let _ = stderr.flush();
    }
}
