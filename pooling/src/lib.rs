//! Connections of a pool, for callers who may go away at any moment: a request whose client hangs up, a step that takes too
//! long, a task that is told to stop.
//!
//! sqlx 0.8 and 0.9.0 give a connection back to its pool in the middle of something when the future that waits for the answer is
//! dropped. After a `BEGIN` (<https://github.com/transact-rs/sqlx/issues/4393>) whoever has the connection next writes into a transaction that
//! nobody commits; after a `COPY` he is told the answers to the statement before his own. `clippy.toml` forbids `Pool::begin`.

#[cfg(test)]
mod tests;

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, Result, Transaction};

/// Begins a transaction. A caller who goes away meanwhile leaves none behind.
///
/// # Errors
///
/// As `Pool::begin`.
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>> {
    begin_with(pool, "BEGIN").await
}

/// The same with a statement that begins one, and perhaps sets something for it.
///
/// # Errors
///
/// As `Pool::begin_with`.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that may begin, and a task that ends when its pool answers or gives up"
)]
pub async fn begin_with(pool: &PgPool, statement: &'static str) -> Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    // Its answer is waited for by somebody who does not go away; a transaction that nobody takes is rolled back.
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// A connection that is closed when it is dropped, unless it was given back whole before.
#[derive(Debug)]
pub struct Lent {
    connection: PoolConnection<Postgres>,
    is_whole: bool,
}

impl Lent {
    /// Waits for a connection, as long as the pool lets callers wait.
    ///
    /// # Errors
    ///
    /// As `Pool::acquire`.
    pub async fn from(pool: &PgPool) -> Result<Self> {
        let connection = pool.acquire().await?;
        Ok(Self {
            connection,
            is_whole: false,
        })
    }

    /// Everything that was asked was answered: others may have it.
    pub fn give_back(mut self) {
        self.is_whole = true;
    }
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_whole {
            self.connection.close_on_drop();
        }
    }
}
