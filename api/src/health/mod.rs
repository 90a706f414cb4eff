//! Whether the process lives, and whether it can serve.

mod healthz;
mod readyz;

pub(crate) use healthz::*;
pub(crate) use readyz::*;
