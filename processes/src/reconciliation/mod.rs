//! Reconciliation: each line of the provider's statement finds its line in the books, or is shown with its age and reason.
//!
//! Both sides are read from a cursor on, written down, and matched by what they are about and their amount. Everything may
//! run twice: a line is kept once, a pair is made once, and a cursor moves with what it has read.

mod books;
mod report;
mod run;
mod store;

pub use books::{BookLine, Books, BooksError};
pub use report::{
    BookLineReason, Matched, OpenBookLine, OpenCounts, OpenProviderLine, ProviderLineReason, REPORTED_MAX, Report,
    SETTLES_WITHIN, book_position, count_open, report,
};
pub use run::{INTERVAL, reconcile, start};
