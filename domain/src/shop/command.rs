//! What can be asked of the shop.

use crate::{Timestamp, UserId};

/// A command carries its time and every fact that was looked up for it. A repeat is accepted and records nothing.
#[derive(Clone, Copy, Debug)]
pub enum ShopCommand {
    /// What leads from the id to the person is gone, or about to go: the log says so.
    ErasePerson { person: UserId, by: UserId, at: Timestamp },
}
