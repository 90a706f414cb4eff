//! The port to whatever records.

use std::fmt;

use async_trait::async_trait;
use domain::Timestamp;
use domain::room::AudioFormat;

use super::Part;
use crate::MediaError;

/// How far a recorder is with a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartStatus {
    /// It knows nothing of this part, or not any more.
    Absent,
    Starting,
    /// Sound is written since then.
    Running {
        since: Timestamp,
    },
    /// It is finishing what it wrote.
    Ending,
    /// Nothing is written any more. The times are said by those who do not leave them beside the file.
    Ended {
        began_at: Option<Timestamp>,
        duration_ms: Option<u64>,
    },
}

/// Records one part at a time of each recording, to the place that [`super::Storage`] names. Every call is idempotent and
/// has a timeout of its own; after one with an unknown outcome, the status is asked again.
#[async_trait]
pub trait Recorder: Send + Sync + fmt::Debug + 'static {
    fn format(&self) -> AudioFormat;

    async fn status(&self, part: &Part) -> Result<PartStatus, MediaError>;

    /// Never has two recorders record the same part for longer than until the next status.
    async fn start(&self, part: &Part) -> Result<(), MediaError>;

    /// Asks it to finish; the status says when it has.
    async fn stop(&self, part: &Part) -> Result<(), MediaError>;

    /// The part is over and noted.
    async fn forget(&self, part: &Part);

    /// Another process leads: what this one records itself ends here.
    async fn abandon(&self);
}
