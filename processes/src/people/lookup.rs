//! Who somebody is, asked of the database for all who come at the same time: an on-sale begins with people never seen before.

use std::sync::Arc;
use std::time::Duration;

use domain::UserId;
use event_log::Clock;
use gather::{Gather, GatherError, Limits, WriteBatch};
use sqlx::PgPool;
use thiserror::Error;

use super::{Subject, store};

/// More are turned away, long before anybody would wait for long.
const LIMITS: Limits = Limits {
    waiting: 16_384,
    batch: 512,
    write: Duration::from_secs(5),
    pace: Duration::ZERO,
};

/// Why it cannot be said who somebody is.
#[derive(Clone, Debug, Error)]
pub enum FindPersonError {
    #[error("too many people come at the same time")]
    Overloaded,
    #[error("looking for people was not finished")]
    Lost,
    #[error("look for people")]
    Database(#[source] Arc<sqlx::Error>),
}

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Lookup(Gather<Finder>);

struct Finder {
    pool: PgPool,
    clock: Arc<dyn Clock>,
}

impl Lookup {
    pub(super) fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self(Gather::new(Finder { pool, clock }, LIMITS))
    }

    /// The id of this person, which is made if there is none yet.
    pub(super) async fn find_or_make(&self, subject: &Subject) -> Result<UserId, FindPersonError> {
        let found = self.0.call(*subject).await;
        found.unwrap_or_else(|error| {
            Err(match error {
                GatherError::Full => FindPersonError::Overloaded,
                GatherError::Lost => FindPersonError::Lost,
            })
        })
    }
}

impl WriteBatch for Finder {
    type Call = Subject;
    type Answer = Result<UserId, FindPersonError>;

    const NAME: &'static str = "people";

    async fn write(&self, subjects: Vec<Subject>) -> Vec<Self::Answer> {
        match store::find_or_make(&self.pool, &subjects, self.clock.now()).await {
            Ok(users) => users.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(FindPersonError::Database(Arc::new(error))); subjects.len()],
        }
    }
}
