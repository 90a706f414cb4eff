//! What people say of themselves to others, under lock. What cannot be opened is as if it had never been said: it is counted,
//! and its person says it again. Nothing of it is kept in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::UserId;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use thiserror::Error;
use tracing::warn;
use vault::{Locked, OpenError, Purpose, VaultKey};

use super::{DisplayName, vault_rows};

/// Names that one look finds: more than the people of any list that is read. Who is further down has none there.
const NAMES_MAX: usize = 2_048;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Profiles {
    pool: PgPool,
    vault: Arc<VaultKey>,
    /// The reasons that an operator was told of already.
    told: Arc<Mutex<BTreeSet<&'static str>>>,
}

/// What is sealed, as JSON.
#[derive(Serialize, Deserialize)]
struct Profile<'a> {
    #[serde(borrow)]
    display_name: std::borrow::Cow<'a, str>,
}

#[derive(Debug, Error)]
enum Unreadable {
    #[error("their keys are not in the table person_keys")]
    NoKey,
    #[error("{0}")]
    Locked(#[from] OpenError),
    #[error("what was sealed is no profile")]
    NoProfile,
}

impl Unreadable {
    const fn reason(&self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::Locked(OpenError::OtherKey(_)) => "other_vault_key",
            Self::Locked(OpenError::OtherVersion(_)) => "other_version",
            Self::Locked(OpenError::Damaged) | Self::NoProfile => "damaged",
        }
    }
}

impl Profiles {
    pub(super) fn new(pool: PgPool, vault: VaultKey) -> Self {
        Self {
            pool,
            vault: Arc::new(vault),
            told: Arc::default(),
        }
    }

    /// The names of these people, as far as they have said one and it can be read.
    pub(super) async fn names(&self, users: &[UserId]) -> sqlx::Result<HashMap<UserId, DisplayName>> {
        let users = &users[..users.len().min(NAMES_MAX)];
        if users.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = vault_rows::find(&self.pool, users).await?;
        let named = rows.into_iter().filter_map(|(user, locked)| {
            let name = locked
                .ok_or(Unreadable::NoKey)
                .and_then(|locked| self.open(user, &locked));
            name.map_err(|unreadable| self.report(&unreadable))
                .ok()
                .map(|name| (user, name))
        });
        Ok(named.collect())
    }

    /// With a new key, whatever there was before: so it does not matter whether that could be opened. `false` if there is no
    /// such person.
    pub(super) async fn set(&self, user: UserId, name: &DisplayName) -> sqlx::Result<bool> {
        let display_name = name.reveal().into();
        let text = serde_json::to_vec(&Profile { display_name }).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let text = vault::Plain::new(text);
        let locked = self.vault.lock(user.as_uuid(), Purpose::Profile, &text);
        vault_rows::put(&self.pool, user, &locked).await
    }

    pub(super) async fn clear(&self, user: UserId) -> sqlx::Result<()> {
        let mut transaction = pooling::begin(&self.pool).await?;
        vault_rows::lock(&mut transaction, user).await?;
        vault_rows::delete(&mut transaction, user).await?;
        transaction.commit().await
    }

    fn open(&self, user: UserId, locked: &Locked) -> Result<DisplayName, Unreadable> {
        let text = self.vault.open(user.as_uuid(), Purpose::Profile, locked)?;
        let profile: Profile<'_> = serde_json::from_slice(&text).map_err(|_| Unreadable::NoProfile)?;
        profile.display_name.parse().map_err(|_| Unreadable::NoProfile)
    }

    fn report(&self, unreadable: &Unreadable) {
        let reason = unreadable.reason();
        metrics::counter!("vault_unreadable_total", "reason" => reason).increment(1);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(reason) {
            warn!(
                reason,
                "names of people cannot be read and are left out, until their people say them again: {unreadable}"
            );
        }
    }
}
