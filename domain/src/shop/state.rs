//! The state of the shop: what the next decision needs, and nothing else.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ShopEvent, ShopId, UserId};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Shop {
    erased: BTreeSet<UserId>,
}

impl Shop {
    /// A log is the log of one shop, so its id says nothing.
    pub const ID: ShopId = ShopId::from_uuid(Uuid::nil());

    pub fn is_erased(&self, person: UserId) -> bool {
        self.erased.contains(&person)
    }

    /// Takes in a fact. Total: history is already true.
    pub(crate) fn evolve(&mut self, event: ShopEvent) {
        match event {
            ShopEvent::PersonErased { person, .. } => {
                self.erased.insert(person);
            }
        }
    }
}
