//! Until when a buyer may have the money back on request.

use domain::RefundPolicy;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::Fields;

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundPolicyKind {
    None,
    #[default]
    UntilStart,
    UntilHoursBefore,
}

/// `hours` belongs to `until_hours_before` and to nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RefundPolicy)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundPolicyBody {
    pub(crate) kind: RefundPolicyKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hours: Option<u32>,
}

impl RefundPolicyBody {
    /// What it means; a mistake is added to `fields`.
    pub(crate) fn parse(self, fields: &mut Fields) -> RefundPolicy {
        let needs_hours = self.kind == RefundPolicyKind::UntilHoursBefore;
        let detail = if needs_hours {
            "until_hours_before needs hours"
        } else {
            "only until_hours_before has hours"
        };
        fields.check(self.hours.is_some() == needs_hours, "/refund_policy/hours", detail);
        match self.kind {
            RefundPolicyKind::None => RefundPolicy::None,
            RefundPolicyKind::UntilStart => RefundPolicy::UntilStart,
            RefundPolicyKind::UntilHoursBefore => RefundPolicy::UntilHoursBefore {
                hours: self.hours.unwrap_or_default(),
            },
        }
    }
}

impl From<RefundPolicy> for RefundPolicyBody {
    fn from(policy: RefundPolicy) -> Self {
        let (kind, hours) = match policy {
            RefundPolicy::None => (RefundPolicyKind::None, None),
            RefundPolicy::UntilStart => (RefundPolicyKind::UntilStart, None),
            RefundPolicy::UntilHoursBefore { hours } => (RefundPolicyKind::UntilHoursBefore, Some(hours)),
        };
        Self { kind, hours }
    }
}
