//! Views beside the live ones, in schemas of an analyst's own: as of any moment, and of a log that is told otherwise.
//!
//! Invariants: nothing but the replay's own schemas is written, not even its checkpoints elsewhere; a page and the place after
//! it are committed together, so it can be stopped or killed at any time and goes on where it was; one replay works on
//! a schema at a time.

mod run;
mod schema;
mod state;

use std::error::Error;
use std::sync::Arc;

use event_log::Recorded;
pub use run::{Outcome, Replay, ReplayPlan};
pub use schema::{NoReplaySchema, ReplaySchema};
pub use state::discard;
use thiserror::Error as ThisError;

use crate::View;

/// A log that is told otherwise: each event, in order, becomes the one that views are shown in its place.
pub trait Rewrite: Send {
    fn rewrite(&mut self, event: Arc<Recorded>) -> Result<Arc<Recorded>, Box<dyn Error + Send + Sync>>;
}

/// A replay that did not begin, or did not come to its end. What it has filled stays, and can be gone on with.
#[derive(Debug, ThisError)]
pub enum ReplayIntoError {
    #[error("another replay into {0} is running")]
    AlreadyRunning(ReplaySchema),
    #[error("the schema {0} is there, and is no replay's: choose another name")]
    Foreign(String),
    #[error("{view} was filled by version {found} of its rules, this program has version {expected}: begin anew")]
    Stale { view: View, found: i32, expected: i32 },
    #[error("{view} was filled under {found}, not under {wanted}: begin anew, or use another schema")]
    OtherRules { view: View, found: String, wanted: String },
    #[error("{view} is at position {position} already, beyond {up_to}: begin anew, or use another schema")]
    Beyond { view: View, position: u64, up_to: u64 },
    #[error("the log does not hold the event at position {position} that {view} was filled with: begin anew")]
    Forked { view: View, position: u64 },
    #[error("somebody else has moved {0} meanwhile")]
    Moved(View),
    #[error("replay: database")]
    Database(#[from] sqlx::Error),
    #[error("replay: read the log")]
    Replay(#[from] event_log::replay::ReplayError),
    #[error("tell the event at position {position} otherwise")]
    Rewrite {
        position: u64,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{view} stopped: {reason}")]
    Stopped { view: View, reason: String },
}
