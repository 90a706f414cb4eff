//! What the operator names as places.

use std::fmt;
use std::path::PathBuf;

use reqwest::Url;

use super::BucketSettings;

/// A place outside the database.
#[derive(Clone)]
pub enum Destination {
    /// A folder, best on another machine's disk.
    Directory(PathBuf),
    /// An S3-compatible bucket.
    Bucket(BucketSettings),
    /// A system that takes signed notes by POST.
    Webhook(Url),
}

impl fmt::Debug for Destination {
    /// A webhook's path may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => f.debug_tuple("Directory").field(path).finish(),
            Self::Bucket(settings) => f.debug_tuple("Bucket").field(settings).finish(),
            Self::Webhook(url) => f
                .debug_tuple("Webhook")
                .field(&url.origin().ascii_serialization())
                .finish(),
        }
    }
}
