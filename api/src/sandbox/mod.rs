//! What a buyer's browser would do at a real payment provider. There only with the sandbox.

mod confirm;

pub(crate) use confirm::*;
