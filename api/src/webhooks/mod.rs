//! What others tell us. Verified, stored raw, answered; read afterwards.

mod livekit;
mod provider;

pub(crate) use livekit::*;
pub(crate) use provider::*;

/// Webhooks may be larger than clients' requests.
pub(crate) const WEBHOOK_BYTES_MAX: usize = 1024 * 1024;
