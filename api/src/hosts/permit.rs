//! What a host may do with rooms, looked up for the room's commands.

use domain::payout::HostPermit;
use domain::{Payout, UserId};

use crate::{ApiError, ApiState};

pub(crate) async fn permit_of(state: &ApiState, host: UserId) -> Result<HostPermit, ApiError> {
    let terms = state.host_terms.as_ref().map(|terms| terms.sha256);
    let permit = move |account: &Payout| account.permit(terms.as_ref());
    let (permit, _) = state.aggregates.payouts.read(host.as_uuid(), permit).await?;
    let rollout = state.rollout.in_force();
    let is_rolled_out = rollout.is_none_or(|rollout| rollout.channels_of(host).next().is_some());
    Ok(permit.where_rolled_out(is_rolled_out))
}
