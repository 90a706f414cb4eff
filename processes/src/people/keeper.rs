//! A handle on people. Whoever was seen lately is known without asking the database.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::UserId;
use event_log::Clock;
use outbound::mail::EmailAddress;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;
use vault::VaultKey;

use super::cache::Cache;
use super::lookup::Lookup;
use super::profiles::Profiles;
use super::{ClaimedContact, Contact, DisplayName, FindPersonError, NewContact, Subject, contacts, store};

/// Within this a node hears of somebody who was erased on another one.
const HEARING_INTERVAL: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub struct People {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    cache: Arc<Cache>,
    lookup: Lookup,
    profiles: Profiles,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("People").finish_non_exhaustive()
    }
}

impl People {
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>, vault: VaultKey) -> Self {
        Self {
            lookup: Lookup::new(pool.clone(), Arc::clone(&clock)),
            profiles: Profiles::new(pool.clone(), vault),
            pool,
            clock,
            cache: Arc::default(),
        }
    }

    /// The same, and it hears of erasures on other nodes until `cancel` is cancelled.
    pub fn start(
        pool: PgPool,
        clock: Arc<dyn Clock>,
        vault: VaultKey,
        tracker: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Self {
        let people = Self::new(pool, clock, vault);
        let (this, fatal, cancel) = (people.clone(), cancel.clone().drop_guard(), cancel.clone());
        tracker.spawn(async move {
            let _fatal = fatal;
            let _cut = cancel.run_until_cancelled(this.hear()).await;
        });
        people
    }

    /// The id of this person on the log. Whoever is new gets one.
    pub async fn user_of(&self, subject: &Subject) -> Result<UserId, FindPersonError> {
        if let Some(user) = self.cache.find(&subject.key) {
            return Ok(user);
        }
        let era = self.cache.era();
        let user = self.lookup.find_or_make(subject).await?;
        self.cache.keep(subject.key, user, era);
        Ok(user)
    }

    /// Whether there is, or was, somebody with this id.
    pub async fn is_known(&self, user: UserId) -> sqlx::Result<bool> {
        store::is_known(&self.pool, user).await
    }

    pub async fn contact(&self, user: UserId) -> sqlx::Result<Option<Contact>> {
        contacts::find(&self.pool, user).await
    }

    /// Takes over what a token says. What cannot be stored now is said again by the next token.
    pub async fn note(&self, user: UserId, claimed: &ClaimedContact) {
        if let Err(error) = contacts::note(&self.pool, user, claimed, self.clock.now()).await {
            warn!("what a token says of its person cannot be stored: {error}");
        }
    }

    /// `false` if the person is erased.
    pub async fn set_contact(&self, user: UserId, new: &NewContact) -> sqlx::Result<bool> {
        contacts::set(&self.pool, user, new, self.clock.now()).await
    }

    /// What these people want to be called, by one statement. Whoever has not said it, or whose word cannot be read, is not
    /// among them.
    pub async fn names(&self, users: &[UserId]) -> sqlx::Result<HashMap<UserId, DisplayName>> {
        self.profiles.names(users).await
    }

    pub async fn name(&self, user: UserId) -> sqlx::Result<Option<DisplayName>> {
        Ok(self.names(&[user]).await?.remove(&user))
    }

    /// `false` if the person is erased.
    pub async fn set_name(&self, user: UserId, name: &DisplayName) -> sqlx::Result<bool> {
        self.profiles.set(user, name).await
    }

    /// Once more changes nothing.
    pub async fn clear_name(&self, user: UserId) -> sqlx::Result<()> {
        self.profiles.clear(user).await
    }

    pub(crate) async fn refuse_mailbox(&self, user: UserId, email: &EmailAddress) -> sqlx::Result<()> {
        contacts::refuse(&self.pool, user, email, self.clock.now()).await
    }

    /// Forgets everything that leads to this person. Once more changes nothing.
    pub(crate) async fn forget(&self, user: UserId) -> sqlx::Result<()> {
        let mut transaction = pooling::begin(&self.pool).await?;
        store::erase(&mut transaction, user, self.clock.now()).await?;
        transaction.commit().await?;
        self.cache.forget(&HashSet::from([user]));
        Ok(())
    }

    async fn hear(&self) {
        let mut heard: HashSet<i64> = HashSet::new();
        loop {
            match store::latest_erased(&self.pool).await {
                Ok(latest) => {
                    let is_new = |entry: &&(i64, UserId)| !heard.contains(&entry.0);
                    let erased: HashSet<UserId> = latest.iter().filter(is_new).map(|(_, user)| *user).collect();
                    if !erased.is_empty() {
                        self.cache.forget(&erased);
                    }
                    heard = latest.into_iter().map(|(seq, _)| seq).collect();
                }
                Err(error) => warn!("cannot look who was erased: {error}"),
            }
            tokio::time::sleep(HEARING_INTERVAL).await;
        }
    }
}
