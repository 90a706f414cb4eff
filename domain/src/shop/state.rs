//! The state of the shop: what the next decision needs, and nothing else.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Rollout, ShopEvent, ShopId, UserId};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Shop {
    erased: BTreeSet<UserId>,
    #[serde(default)]
    sealed: Option<SealedDays>,
    #[serde(default)]
    rollout: Rollout,
}

/// The days that are sealed, without a gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct SealedDays {
    pub(super) first: NaiveDate,
    pub(super) last: NaiveDate,
    /// Where the last one ended.
    pub(super) position: u64,
}

impl Shop {
    /// A log is the log of one shop, so its id says nothing.
    pub const ID: ShopId = ShopId::from_uuid(Uuid::nil());

    pub fn is_erased(&self, person: UserId) -> bool {
        self.erased.contains(&person)
    }

    pub fn is_sealed(&self, date: NaiveDate) -> bool {
        self.sealed.is_some_and(|days| (days.first..=days.last).contains(&date))
    }

    pub(super) const fn sealed(&self) -> Option<SealedDays> {
        self.sealed
    }

    pub const fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// Takes in a fact. Total: history is already true.
    pub(crate) fn evolve(&mut self, event: ShopEvent) {
        match event {
            ShopEvent::PersonErased { person, .. } => {
                self.erased.insert(person);
            }
            ShopEvent::DaySealed(day) => {
                self.sealed = Some(SealedDays {
                    first: self.sealed.map_or(day.date, |days| days.first),
                    last: day.date,
                    position: day.position,
                });
            }
            ShopEvent::RolloutChanged { channels, .. } => self.rollout.change(channels),
            ShopEvent::CohortsAssigned { host, cohorts, .. } => self.rollout.assign(host, cohorts),
        }
    }
}
