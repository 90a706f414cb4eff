//! Whether and how a room is recorded.

use domain::room::RecordingTerms;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What everybody may know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Recording)]
pub(crate) struct RecordingBody {
    pub(crate) allowed: bool,
    pub(crate) running: bool,
}

/// Whether a room may be recorded is settled when it opens; the rest may change as long as it is not over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RecordingTerms)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordingTermsBody {
    pub(crate) allowed: bool,
    /// Whether ticket holders may have what was recorded.
    #[serde(default)]
    pub(crate) for_holders: bool,
    /// How long a recording is kept once it was stopped, 1 to 3650: as long as the shop says, if absent.
    #[serde(default)]
    pub(crate) retention_days: Option<u32>,
}

impl RecordingTermsBody {
    pub(crate) fn into_terms(self, retention_days: u32) -> RecordingTerms {
        RecordingTerms {
            allowed: self.allowed,
            for_holders: self.for_holders,
            retention_days: self.retention_days.unwrap_or(retention_days),
        }
    }
}
