//! Shows reconciliation the provider's cash account, out of the ledger.

use async_trait::async_trait;
use processes::reconciliation::{BookLine, Books, BooksError};
use projections::ledger;
use sqlx::PgPool;

/// The ledger view, for whoever runs the process.
#[derive(Debug)]
pub struct ProjectedBooks {
    pub pool: PgPool,
}

#[async_trait]
impl Books for ProjectedBooks {
    async fn cash_lines(&self, provider: &str, after: u64, limit: u32) -> Result<Vec<BookLine>, BooksError> {
        let account = format!("cash:provider:{provider}");
        let lines = ledger::account_lines(&self.pool, &account, None, Some(after), limit).await;
        let lines = lines.map_err(|error| BooksError(Box::new(error)))?;
        let lines = lines.into_iter().map(|line| BookLine {
            position: line.position,
            event_type: line.event_type,
            amount: line.amount,
            booked_at: line.at,
        });
        Ok(lines.collect())
    }
}
