//! How people are reached. Personal data: never on the log, never in a trace. Whoever writes locks the person first: an erasure
//! that is on its way is waited for, and waits for them.

use std::fmt;

use domain::{Timestamp, UserId};
use outbound::mail::EmailAddress;
use sqlx::PgPool;

/// What a token says of its person. An address that the provider has not verified is none.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClaimedContact {
    pub email: Option<EmailAddress>,
    pub locale: Option<String>,
    pub timezone: Option<String>,
}

/// What a person says themselves.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct NewContact {
    /// Without one they get no mail.
    pub email: Option<EmailAddress>,
    pub locale: Option<String>,
    pub timezone: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    pub email: Option<EmailAddress>,
    /// It is what the token says, and follows it.
    pub from_token: bool,
    pub locale: Option<String>,
    pub timezone: Option<String>,
    /// The mailbox was refused for good.
    pub is_refused: bool,
    pub updated_at: Timestamp,
}

macro_rules! quiet {
    ($($name:ident)+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

quiet! { ClaimedContact NewContact Contact }

pub(super) async fn find(pool: &PgPool, user: UserId) -> sqlx::Result<Option<Contact>> {
    let row = sqlx::query!(
        "SELECT email, from_token, locale, timezone, refused_at, updated_at FROM contacts WHERE user_id = $1",
        user.as_uuid(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Contact {
        // What is no address any more, by newer rules, is none.
        email: row.email.and_then(|email| email.parse().ok()),
        from_token: row.from_token,
        locale: row.locale,
        timezone: row.timezone,
        is_refused: row.refused_at.is_some(),
        updated_at: row.updated_at,
    }))
}

/// Follows the token, unless the person has said something else, or is erased.
pub(super) async fn note(pool: &PgPool, user: UserId, claimed: &ClaimedContact, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH person AS (
             SELECT user_id FROM people WHERE user_id = $1 FOR KEY SHARE
         )
         INSERT INTO contacts (user_id, email, from_token, locale, timezone, updated_at)
         SELECT user_id, $2, true, $3, $4, $5 FROM person
         ON CONFLICT (user_id) DO UPDATE
         SET email = excluded.email, locale = excluded.locale, timezone = excluded.timezone,
             refused_at = CASE WHEN contacts.email = excluded.email THEN contacts.refused_at END,
             updated_at = excluded.updated_at
         WHERE contacts.from_token
           AND (contacts.email, contacts.locale, contacts.timezone)
               IS DISTINCT FROM (excluded.email, excluded.locale, excluded.timezone)",
        user.as_uuid(),
        claimed.email.as_ref().map(EmailAddress::reveal),
        claimed.locale,
        claimed.timezone,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// `false` if the person is erased.
pub(super) async fn set(pool: &PgPool, user: UserId, new: &NewContact, now: Timestamp) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "WITH person AS (
             SELECT user_id FROM people WHERE user_id = $1 FOR KEY SHARE
         )
         INSERT INTO contacts (user_id, email, from_token, locale, timezone, updated_at)
         SELECT user_id, $2, false, $3, $4, $5 FROM person
         ON CONFLICT (user_id) DO UPDATE
         SET email = excluded.email, from_token = false, locale = excluded.locale, timezone = excluded.timezone,
             refused_at = NULL, updated_at = excluded.updated_at",
        user.as_uuid(),
        new.email.as_ref().map(EmailAddress::reveal),
        new.locale,
        new.timezone,
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The mailbox was refused for good; an address that was changed meanwhile is another one.
pub(super) async fn refuse(pool: &PgPool, user: UserId, email: &EmailAddress, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE contacts SET refused_at = $3 WHERE user_id = $1 AND email = $2",
        user.as_uuid(),
        email.reveal(),
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}
