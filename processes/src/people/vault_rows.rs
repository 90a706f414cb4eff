//! The tables of what people say of themselves, and of the keys to it. Whoever writes takes the locks in one order: the person,
//! their key, their text. Who changes keys alone ([`vault_keys`](super::vault_keys)) locks nothing else.

use domain::UserId;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;
use vault::{KeyId, Locked, Sealed, WrappedKey};

/// The texts of these people, by one statement; without their keys, if these were lost or left out of a backup.
pub(super) async fn find(pool: &PgPool, users: &[UserId]) -> sqlx::Result<Vec<(UserId, Option<Locked>)>> {
    let rows = sqlx::query!(
        r#"SELECT text.user_id, text.nonce, text.ciphertext, text.version,
             key.vault_key AS "vault_key?", key.nonce AS "key_nonce?", key.wrapped AS "wrapped?"
         FROM person_vault text LEFT JOIN person_keys key ON key.user_id = text.user_id
         WHERE text.user_id = ANY ($1)"#,
        &users.iter().map(UserId::as_uuid).collect::<Vec<Uuid>>(),
    )
    .fetch_all(pool)
    .await?;
    let entries = rows.into_iter().map(|row| {
        let key = row.vault_key.zip(row.key_nonce).zip(row.wrapped);
        let key = key.and_then(|((vault_key, nonce), wrapped)| wrapped_key(&vault_key, &nonce, wrapped));
        let locked = sealed(&row.nonce, row.ciphertext).zip(key).map(|(text, key)| Locked {
            version: u16::try_from(row.version).unwrap_or(0),
            text,
            key,
        });
        (UserId::from_uuid(row.user_id), locked)
    });
    Ok(entries.collect())
}

pub(super) fn wrapped_key(vault_key: &[u8], nonce: &[u8], wrapped: Vec<u8>) -> Option<WrappedKey> {
    Some(WrappedKey {
        vault_key: KeyId::from_bytes(vault_key.try_into().ok()?),
        sealed: sealed(nonce, wrapped)?,
    })
}

fn sealed(nonce: &[u8], ciphertext: Vec<u8>) -> Option<Sealed> {
    let nonce = nonce.try_into().ok()?;
    Some(Sealed { nonce, ciphertext })
}

/// Puts text and key in the place of those that were there. `false` if there is no such person: an erasure that is on its way
/// is waited for, and waits for this.
pub(super) async fn put(pool: &PgPool, user: UserId, locked: &Locked) -> sqlx::Result<bool> {
    let Locked { version, text, key } = locked;
    let done = sqlx::query!(
        "WITH person AS (
             SELECT user_id FROM people WHERE user_id = $1 FOR KEY SHARE
         ), key AS (
             INSERT INTO person_keys (user_id, vault_key, nonce, wrapped)
             SELECT user_id, $2, $3, $4 FROM person
             ON CONFLICT (user_id) DO UPDATE
             SET vault_key = excluded.vault_key, nonce = excluded.nonce, wrapped = excluded.wrapped
             RETURNING user_id
         )
         INSERT INTO person_vault (user_id, nonce, ciphertext, version)
         SELECT user_id, $5, $6, $7 FROM key
         ON CONFLICT (user_id) DO UPDATE
         SET nonce = excluded.nonce, ciphertext = excluded.ciphertext, version = excluded.version",
        user.as_uuid(),
        key.vault_key.as_bytes(),
        &key.sealed.nonce,
        key.sealed.ciphertext,
        &text.nonce,
        text.ciphertext,
        i16::try_from(*version).unwrap_or(i16::MAX),
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets nobody write for this person until the transaction is over.
pub(super) async fn lock(transaction: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query_scalar!(
        "SELECT user_id FROM people WHERE user_id = $1 FOR UPDATE",
        user.as_uuid()
    )
    .fetch_optional(transaction)
    .await?;
    Ok(())
}

/// Deletes the key, and the text that is nothing without it. Whoever writes at the same moment has to be locked out.
pub(super) async fn delete(transaction: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM person_keys WHERE user_id = $1", user.as_uuid())
        .execute(&mut *transaction)
        .await?;
    sqlx::query!("DELETE FROM person_vault WHERE user_id = $1", user.as_uuid())
        .execute(&mut *transaction)
        .await?;
    Ok(())
}
