//! What the shop does about recordings.

use media_bridge::recording::Storage;

#[derive(Clone, Debug)]
pub struct Keeping {
    pub storage: Storage,
    /// Whether there is a recorder.
    pub records: bool,
    /// How long recordings are kept if a room does not say.
    pub retention_days: u32,
}
