//! Why the shop says no.

use thiserror::Error;

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ShopError {}
