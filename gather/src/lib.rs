//! Group commit: calls that come while a batch is being written go together into the next one.
//!
//! - A call is answered after its batch was written, or told that nobody knows whether it was.
//! - A caller who goes away cancels nothing: the call was handed over.
//! - Whoever comes alone waits for nobody.

mod gather;
#[cfg(test)]
mod tests;

pub use gather::{Gather, GatherError, Limits, WriteBatch};
