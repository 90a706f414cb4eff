//! What was seen of an opening.

use domain::room::{Interruption, InterruptionCause, Missing, PresenceInterval, Source, Speaking, Verdict};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::Moment;

/// One stay of one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Presence)]
pub(crate) struct PresenceBody {
    pub(crate) user_id: Uuid,
    pub(crate) ticket_id: Option<Uuid>,
    pub(crate) joined_at: Moment,
    /// `poll` or `webhook`: who saw them first. Null in records of older versions.
    #[schema(value_type = Option<String>)]
    pub(crate) joined_by: Option<Source>,
    pub(crate) left_at: Moment,
    /// `webhook`, `poll` (missed by a look: last seen then), `timeout` (the connection had failed: reckoned back from its
    /// report) or `room_end`
    #[schema(value_type = Option<String>)]
    pub(crate) left_by: Option<Source>,
    /// How long this person's microphone was open, in milliseconds.
    pub(crate) audible_ms: u64,
    /// When it was.
    pub(crate) speaking: Vec<SpeakingBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Speaking)]
pub(crate) struct SpeakingBody {
    pub(crate) from: Moment,
    pub(crate) until: Moment,
    /// What ended it, as of a stay.
    #[schema(value_type = String)]
    pub(crate) source: Source,
}

/// A time in which nobody could be heard, or nobody looked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Interruption)]
pub(crate) struct InterruptionBody {
    pub(crate) from: Moment,
    pub(crate) until: Moment,
    /// `media_server` or `unwatched`
    #[schema(value_type = String)]
    pub(crate) cause: InterruptionCause,
}

/// What an opening came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verdict)]
pub(crate) struct VerdictBody {
    /// `delivered`, `crashed` (the missing share goes back) or `void` (everything does)
    kind: &'static str,
    /// Of `void`: `no_show`, `crash` or `moderation`
    reason: Option<&'static str>,
    /// Of `crashed`: what was not heard of what was promised, in milliseconds.
    missing_ms: Option<u64>,
    promised_ms: Option<u64>,
}

impl From<PresenceInterval> for PresenceBody {
    fn from(interval: PresenceInterval) -> Self {
        Self {
            user_id: interval.user.as_uuid(),
            ticket_id: interval.ticket_id.map(|ticket| ticket.as_uuid()),
            joined_at: interval.joined_at.into(),
            joined_by: interval.joined_by,
            left_at: interval.left_at.into(),
            left_by: interval.left_by,
            audible_ms: interval.audible_ms,
            speaking: interval.speaking.into_iter().map(SpeakingBody::from).collect(),
        }
    }
}

impl From<Speaking> for SpeakingBody {
    fn from(speaking: Speaking) -> Self {
        Self {
            from: speaking.from.into(),
            until: speaking.until.into(),
            source: speaking.source,
        }
    }
}

impl From<Interruption> for InterruptionBody {
    fn from(interruption: Interruption) -> Self {
        Self {
            from: interruption.from.into(),
            until: interruption.until.into(),
            cause: interruption.cause,
        }
    }
}

impl From<Verdict> for VerdictBody {
    fn from(verdict: Verdict) -> Self {
        let of = |kind| Self {
            kind,
            reason: None,
            missing_ms: None,
            promised_ms: None,
        };
        match verdict {
            Verdict::Delivered => of("delivered"),
            Verdict::Crashed(Missing {
                missing_ms,
                promised_ms,
            }) => Self {
                missing_ms: Some(missing_ms),
                promised_ms: Some(promised_ms),
                ..of("crashed")
            },
            Verdict::Void { reason } => Self {
                reason: Some(reason.name()),
                ..of("void")
            },
        }
    }
}
