//! What can have happened to the shop.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use cqrs_es::DomainEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Channel, Currency, Label, Reach, Timestamp, UserId};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ShopEvent {
    /// Nothing leads from this id to a person any more. What the log says of the id stays.
    PersonErased {
        person: UserId,
        by: UserId,
        erased_at: Timestamp,
    },
    /// Who may sell where from now on: the whole set of flags.
    RolloutChanged {
        channels: BTreeMap<Channel, Reach>,
        by: UserId,
        changed_at: Timestamp,
    },
    CohortsAssigned {
        host: UserId,
        cohorts: BTreeSet<Label>,
        by: UserId,
        assigned_at: Timestamp,
    },
    /// The books of a day were looked at and closed: so they stood at its end.
    DaySealed(DaySealed),
}

/// The books at the end of a day, UTC.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DaySealed {
    pub date: NaiveDate,
    /// The last position of the day.
    pub position: u64,
    /// The chain's value there, in hex.
    #[schemars(with = "crate::words::Digest")]
    pub hash: String,
    /// How many events the day had; of the first sealed day, all up to its end.
    pub events: u64,
    /// By class of account and currency; each currency's debits and credits are the same.
    pub totals: Vec<ClassTotal>,
    /// Lines of the day and before it that were not reconciled yet.
    pub unreconciled: u64,
    /// Sealed although lines were overdue: a word that says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::words::ShopWord>")]
    pub forced: Option<String>,
    pub by: UserId,
    pub sealed_at: Timestamp,
}

/// All accounts of a class in one currency, in minor units.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClassTotal {
    /// The first two parts of the accounts' names: `liability:host`.
    #[schemars(with = "crate::words::ShopWord")]
    pub class: String,
    pub currency: Currency,
    pub debit_minor: i64,
    pub credit_minor: i64,
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
            Self::DaySealed(_) => "day_sealed",
            Self::RolloutChanged { .. } => "rollout_changed",
            Self::CohortsAssigned { .. } => "cohorts_assigned",
        }
    }
}
