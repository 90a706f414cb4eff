//! A projection that an analyst writes in SQL: once what makes its tables, and what takes in a page of events, again and again.
//!
//! Invariants: a page and the place after it are committed together, so a fold that is stopped or killed goes on where it was,
//! and takes in no event twice; two of the same fold never run at once. Statements begin with the rights of the schema's owner, who may
//! read `analytics` and nothing of the shop's. They can take back those of whoever connected: that keeps mistakes out, and no
//! malice. Who does not trust a fold connects as a role that has no other rights.

mod fold;
mod place;
mod schema;
mod script;

pub use fold::{Fold, FoldPlan, FoldReport, Moment};
pub use schema::{NoSchemaName, SchemaName};
pub use script::{NoScript, Script};
use sqlx::Error as SqlError;
use thiserror::Error;

/// Why a fold did not begin, or stopped. Pages that were taken in before stay.
#[derive(Debug, Error)]
pub enum FoldError {
    #[error("there is no schema analytics here: run `boxoffice analytics install` first")]
    NotInstalled,
    #[error("the fold {name} in {schema} is running elsewhere")]
    AlreadyRunning { schema: SchemaName, name: String },
    #[error("what {name} has up to position {position} was made by other statements: begin anew, or use another name")]
    OtherStatements { name: String, position: u64 },
    #[error("{name} is at position {position} already, beyond {up_to}")]
    Beyond { name: String, position: u64, up_to: u64 },
    #[error("position {position} is beyond the log's end, which is at position {head}")]
    BeyondLog { position: u64, head: u64 },
    #[error("the log does not hold the event at position {position} that {name} has seen: begin anew")]
    Forked { name: String, position: u64 },
    #[error("the statements of {name} end the transaction, or begin one: that is not theirs to do")]
    OwnTransaction { name: String },
    #[error("make the tables of {name}")]
    Setup {
        name: String,
        #[source]
        source: SqlError,
    },
    #[error("take in the page after position {after}")]
    Page {
        after: u64,
        #[source]
        source: SqlError,
    },
    #[error("fold: database")]
    Database(#[from] SqlError),
}
