//! A subscription as admins see it.

use domain::{SubscriptionId, Timestamp};

/// Why nothing is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PausedReason {
    /// An admin wanted it.
    Operator,
    /// Nothing was taken for as long as is tried.
    Failing,
    /// The receiver answered 410.
    Gone,
}

impl PausedReason {
    pub const ALL: [Self; 3] = [Self::Operator, Self::Failing, Self::Gone];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Failing => "failing",
            Self::Gone => "gone",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subscription {
    pub id: SubscriptionId,
    /// Where it is in lists.
    pub seq: u64,
    pub url: String,
    pub description: String,
    /// Which events; none means all.
    pub event_types: Vec<String>,
    pub paused: Option<PausedReason>,
    /// Everything up to here was taken, or does not concern it.
    pub position: u64,
    pub term: i64,
    /// In a row.
    pub failures: u32,
    pub failing_since: Option<Timestamp>,
    pub retry_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub delivered_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Subscription {
    pub fn wants(&self, event_type: &str) -> bool {
        self.event_types.is_empty() || self.event_types.iter().any(|wanted| wanted == event_type)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSubscription {
    pub id: SubscriptionId,
    pub url: String,
    pub description: String,
    pub event_types: Vec<String>,
    /// It is told what comes after this position.
    pub position: u64,
    pub at: Timestamp,
}

/// What is new; what is absent stays as it was.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Change {
    pub url: Option<String>,
    pub description: Option<String>,
    pub event_types: Option<Vec<String>>,
}
