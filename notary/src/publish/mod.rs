//! Where checkpoints go: places that whoever administers the database cannot rewrite.
//!
//! In a directory and in a bucket there is `checkpoint`, the newest, and `checkpoints/<day>/<size>`, one of each minute, which
//! is never written again: a bucket may forbid it. A place that is away is tried again, less and less often; nothing is kept
//! for it meanwhile, since the next checkpoint vouches for all before it.

mod bucket;
mod client;
mod destination;
mod directory;
mod error;
mod place;
mod sigv4;
mod webhook;

pub use bucket::BucketSettings;
pub(crate) use client::{client, text_of};
pub use destination::Destination;
pub(crate) use error::PublishError;
pub(crate) use place::{Check, Found, Places};
