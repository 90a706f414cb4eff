//! What an error of the database means for the log.

use sqlx::Error;

/// What to do about a failed statement of the sequencer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// A position or sequence exists: this very batch was recorded before, or somebody else leads.
    Fence,
    /// PostgreSQL does not take these bytes; it recorded nothing.
    Data,
    /// PostgreSQL gave up on the statement in time; it recorded nothing.
    TimedOut,
    /// Anything may have happened, and this connection is of no more use.
    Gone,
}

impl Trouble {
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Database(database) => match database.code().as_deref() {
                Some("23505") => Self::Fence,
                Some("23502" | "23514") => Self::Data,
                Some("57014") => Self::TimedOut,
                Some(code) if code.starts_with("22") || code.starts_with("54") => Self::Data,
                _ => Self::Gone,
            },
            Error::Encode(_) => Self::Data,
            _ => Self::Gone,
        }
    }
}

/// Whether a later try may go better: the database is away, busy, or chose this one as a victim.
pub(crate) fn is_transient(error: &Error) -> bool {
    match error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => true,
        Error::Database(database) => database.code().is_some_and(|code| {
            // A database can also turn connections away for a while: it is renamed, restored, or its passwords change; end
            // a session that stood still in a transaction, as a process does that was paused; or meet a disk that fails.
            matches!(&*code, "40001" | "40P01" | "25006" | "25P03" | "3D000")
                || ["08", "28", "53", "55", "57", "58"]
                    .iter()
                    .any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}
