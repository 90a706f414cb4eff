//! What admins say with a decision about a host.

use domain::payout::DecideOnHost;
use domain::{Label, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ApiState;
use crate::extract::Caller;

/// Why, if an admin says so.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionRequest {
    /// A word of the shop's own: 1 to 40 characters from a-z, 0-9, _ and -. It goes on the log, and the host sees it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) reason: Option<Label>,
}

/// Why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonedRequest {
    /// A word of the shop's own: 1 to 40 characters from a-z, 0-9, _ and -. It goes on the log, and the host sees it.
    #[schema(value_type = String)]
    pub(super) reason: Label,
}

pub(super) fn decide(state: &ApiState, caller: &Caller, host: UserId, reason: Option<Label>) -> DecideOnHost {
    DecideOnHost {
        host,
        by: caller.user_id,
        reason,
        at: state.now(),
    }
}
