//! Changing the vault key: each person's key is unwrapped with the old one and wrapped with the new one. Their texts stay as they
//! are.
//!
//! Rows are changed, none is added: who is erased meanwhile stays erased, and a key that was made anew meanwhile is left alone.
//! A batch is done as a whole or not at all, and what was done is not done again: whoever was stopped begins anew and goes on.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use thiserror::Error;
use tokio::time::timeout;
use uuid::Uuid;
use vault::{KeyId, VaultKey, WrappedKey};

use super::vault_rows::wrapped_key;

/// Keys that one transaction wraps anew. Who says or takes back a name meanwhile waits for it.
const BATCH: i64 = 500;
const BATCH_LIMIT: Duration = Duration::from_secs(30);
/// Vault keys that are told apart. More than a shop ever had.
const VAULT_KEYS_MAX: i64 = 100;

/// A vault key, and how many people's keys are wrapped with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyInUse {
    pub vault_key: KeyId,
    pub people: u64,
}

/// Which vault keys the shop still needs, the most needed one first.
pub async fn keys_in_use(connection: &mut PgConnection) -> sqlx::Result<Vec<KeyInUse>> {
    let rows = sqlx::query!(
        r#"SELECT vault_key, count(*) AS "people!" FROM person_keys
         GROUP BY vault_key ORDER BY count(*) DESC, vault_key LIMIT $1"#,
        VAULT_KEYS_MAX,
    )
    .fetch_all(connection)
    .await?;
    let in_use = rows.into_iter().filter_map(|row| {
        Some(KeyInUse {
            vault_key: KeyId::from_bytes(row.vault_key.try_into().ok()?),
            people: row.people.cast_unsigned(),
        })
    });
    Ok(in_use.collect())
}

#[derive(Debug, Error)]
pub enum RewrapError {
    #[error("wrap keys anew")]
    Database(#[from] sqlx::Error),
    #[error("a batch of {BATCH} keys took longer than {} s", BATCH_LIMIT.as_secs())]
    TookTooLong,
}

/// Goes through the keys that are wrapped with one vault key, by the ids of their people.
#[derive(Debug)]
pub struct Rewrap {
    pool: PgPool,
    old: VaultKey,
    new: VaultKey,
    batch: i64,
    /// The first id that was not looked at; `None` at the end.
    from: Option<Uuid>,
    rewrapped: u64,
    unreadable: u64,
}

impl Rewrap {
    pub fn new(pool: PgPool, old: VaultKey, new: VaultKey) -> Self {
        Self {
            pool,
            old,
            new,
            batch: BATCH,
            from: Some(Uuid::nil()),
            rewrapped: 0,
            unreadable: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn by(self, batch: i64) -> Self {
        Self { batch, ..self }
    }

    /// Keys that were wrapped anew so far.
    pub const fn rewrapped(&self) -> u64 {
        self.rewrapped
    }

    /// Keys that the old one does not unwrap, though they name it: somebody wrote into the table. They are left as they are.
    pub const fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// Wraps the next batch anew. `false` if there is none.
    pub async fn step(&mut self) -> Result<bool, RewrapError> {
        let Some(from) = self.from else { return Ok(false) };
        let step = timeout(BATCH_LIMIT, self.step_from(from)).await;
        step.map_err(|_| RewrapError::TookTooLong)?
    }

    async fn step_from(&mut self, from: Uuid) -> Result<bool, RewrapError> {
        let mut transaction = pooling::begin(&self.pool).await?;
        let found = lock(&mut transaction, self.old.id(), from, self.batch).await?;
        let Some((last, _)) = found.last() else {
            self.from = None;
            return Ok(false);
        };
        let next = last.as_u128().checked_add(1).map(Uuid::from_u128);
        let rewrapped: Vec<(Uuid, WrappedKey)> = found
            .iter()
            .filter_map(|(person, key)| {
                let rewrapped = self.old.rewrap(*person, key.as_ref()?, &self.new).ok()?;
                Some((*person, rewrapped))
            })
            .collect();
        replace(&mut transaction, self.new.id(), &rewrapped).await?;
        transaction.commit().await?;
        self.from = next;
        self.rewrapped += rewrapped.len() as u64;
        self.unreadable += (found.len() - rewrapped.len()) as u64;
        Ok(true)
    }
}

/// The next keys that are wrapped with this one. Nobody else changes or deletes them until the transaction is over; who
/// wraps anew at the same time asks for them in the same order.
async fn lock(
    transaction: &mut PgConnection,
    vault_key: KeyId,
    from: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<(Uuid, Option<WrappedKey>)>> {
    let rows = sqlx::query!(
        "SELECT user_id, vault_key, nonce, wrapped FROM person_keys
         WHERE vault_key = $1 AND user_id >= $2
         ORDER BY user_id LIMIT $3 FOR UPDATE",
        vault_key.as_bytes(),
        from,
        limit,
    )
    .fetch_all(transaction)
    .await?;
    let keys = rows.into_iter().map(|row| {
        let key = wrapped_key(&row.vault_key, &row.nonce, row.wrapped);
        (row.user_id, key)
    });
    Ok(keys.collect())
}

async fn replace(transaction: &mut PgConnection, vault_key: KeyId, keys: &[(Uuid, WrappedKey)]) -> sqlx::Result<()> {
    let nonces: Vec<Vec<u8>> = keys.iter().map(|(_, key)| key.sealed.nonce.to_vec()).collect();
    let wrapped: Vec<Vec<u8>> = keys.iter().map(|(_, key)| key.sealed.ciphertext.clone()).collect();
    sqlx::query!(
        "UPDATE person_keys SET vault_key = $1, nonce = new.nonce, wrapped = new.wrapped
         FROM unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS new (user_id, nonce, wrapped)
         WHERE person_keys.user_id = new.user_id",
        vault_key.as_bytes(),
        &keys.iter().map(|(person, _)| *person).collect::<Vec<Uuid>>(),
        &nonces,
        &wrapped,
    )
    .execute(transaction)
    .await?;
    Ok(())
}
