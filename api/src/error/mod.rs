//! Errors and the answers they become.
//!
//! Invariants: each code belongs to one status; a 5xx body carries a trace id and nothing of its cause; the cause is
//! logged once, where the answer is made.

mod answer;
mod api_error;
mod problem;

#[cfg(test)]
mod tests;

pub use api_error::{ApiError, EntryRefusal, FieldError};
pub(crate) use problem::{FieldErrorBody, ProblemBody};
