//! What can have happened to the shop.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ShopEvent {
    /// Nothing leads from this id to a person any more. What the log says of the id stays.
    PersonErased {
        person: UserId,
        by: UserId,
        erased_at: Timestamp,
    },
}

impl DomainEvent for ShopEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl ShopEvent {
    /// The name this event is stored under. Written out, so that renaming a variant does not rename history.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PersonErased { .. } => "person_erased",
        }
    }
}
