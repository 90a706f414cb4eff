//! The flags as admins write and read them.

use std::collections::BTreeMap;

use domain::{Channel, Label, Reach, Rollout};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ApiError;
use crate::extract::Fields;

/// Of one flag, or of one host.
pub(super) const COHORTS_MAX: usize = 100;
const PERCENT_MAX: u8 = 100;

/// A flag for each channel. A channel without one (null, or absent) is open to everybody.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rollout)]
pub(crate) struct RolloutBody {
    #[serde(default)]
    web: Option<ReachBody>,
    #[serde(default)]
    ios: Option<ReachBody>,
    #[serde(default)]
    android: Option<ReachBody>,
}

/// Whom a channel is open to: hosts of any of these cohorts, and so many of a hundred of all hosts. `{}` is nobody.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reach)]
pub(crate) struct ReachBody {
    /// At most 100, each of 1 to 40 characters from a-z, 0-9, _ and -
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    cohorts: Vec<Label>,
    /// 0 to 100. The same hosts each time: who is in at 10 is in at 20.
    #[serde(default)]
    #[schema(maximum = 100)]
    percent: u8,
}

impl RolloutBody {
    pub(super) fn of(rollout: &Rollout) -> Self {
        let flag = |channel| rollout.flags().get(&channel).map(ReachBody::from);
        Self {
            web: flag(Channel::Web),
            ios: flag(Channel::Ios),
            android: flag(Channel::Android),
        }
    }

    pub(super) fn into_flags(self) -> Result<BTreeMap<Channel, Reach>, ApiError> {
        let flags = [
            (Channel::Web, "web", self.web),
            (Channel::Ios, "ios", self.ios),
            (Channel::Android, "android", self.android),
        ];
        let mut fields = Fields::default();
        for (_, name, reach) in &flags {
            let (percent, cohorts) = reach
                .as_ref()
                .map_or((0, 0), |reach| (reach.percent, reach.cohorts.len()));
            fields.check(percent <= PERCENT_MAX, &format!("/{name}/percent"), "must be 0 to 100");
            fields.check(
                cohorts <= COHORTS_MAX,
                &format!("/{name}/cohorts"),
                "must be at most 100",
            );
        }
        fields.finish()?;
        let given = flags.into_iter();
        let given = given.filter_map(|(channel, _, reach)| Some((channel, reach?.into())));
        Ok(given.collect())
    }
}

impl From<&Reach> for ReachBody {
    fn from(reach: &Reach) -> Self {
        Self {
            cohorts: reach.cohorts.iter().cloned().collect(),
            percent: reach.percent,
        }
    }
}

impl From<ReachBody> for Reach {
    fn from(body: ReachBody) -> Self {
        Self {
            cohorts: body.cohorts.into_iter().collect(),
            percent: body.percent,
        }
    }
}
