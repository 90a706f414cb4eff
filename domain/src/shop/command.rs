//! What can be asked of the shop.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::shop::event::ClassTotal;
use crate::{Channel, Label, Reach, Timestamp, UserId};

/// A command carries its time and every fact that was looked up for it. A repeat is accepted and records nothing.
#[derive(Clone, Debug)]
pub enum ShopCommand {
    /// What leads from the id to the person is gone, or about to go: the log says so.
    ErasePerson { person: UserId, by: UserId, at: Timestamp },
    /// The whole set: a channel that is not there is open to everybody.
    ChangeRollout {
        channels: BTreeMap<Channel, Reach>,
        by: UserId,
        at: Timestamp,
    },
    /// The cohorts a host is in from now on.
    AssignCohorts {
        host: UserId,
        cohorts: BTreeSet<Label>,
        by: UserId,
        at: Timestamp,
    },
    /// Days are sealed one after the other, from any day on, and none before it is over.
    SealDay(Box<SealDay>),
}

/// The books at the end of a day, as they were looked up.
#[derive(Clone, Debug)]
pub struct SealDay {
    pub date: NaiveDate,
    /// The last position of the day, and the chain's value there in hex.
    pub position: u64,
    pub hash: String,
    pub totals: Vec<ClassTotal>,
    /// Lines of the day and before it that are not reconciled yet,
    pub unreconciled: u64,
    /// and those of them that have waited too long.
    pub overdue: u64,
    /// Why it is sealed all the same.
    pub force: Option<String>,
    pub by: UserId,
    pub at: Timestamp,
}
