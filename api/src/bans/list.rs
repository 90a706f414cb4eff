//! The list, and how it changes.

use domain::{Payout, PayoutCommand, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Written;
use crate::extract::Caller;
use crate::shapes::NamesBody;
use crate::{ApiError, ApiState};

/// All of them: a host bans 1,000 people at most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MyBans)]
pub(crate) struct MyBansBody {
    user_ids: Vec<Uuid>,
    display_names: NamesBody,
}

pub(super) async fn find(state: &ApiState, host: UserId) -> Result<MyBansBody, ApiError> {
    let accounts = &state.aggregates.payouts;
    let banned = |account: &Payout| account.banned().collect::<Vec<UserId>>();
    let (banned, _) = accounts.read(host.as_uuid(), banned).await?;
    Ok(MyBansBody {
        user_ids: banned.iter().map(UserId::as_uuid).collect(),
        display_names: NamesBody::find(state, &banned).await?,
    })
}

/// Recorded in the caller's account. Rooms follow by themselves.
pub(super) async fn change(
    state: &ApiState,
    caller: &Caller,
    command: PayoutCommand,
) -> Result<Written<MyBansBody>, ApiError> {
    let host = caller.user_id;
    let accounts = &state.aggregates.payouts;
    let executed = accounts.execute(host.as_uuid(), command, caller.metadata()).await?;
    Ok(Written::accepted(executed.position, find(state, host).await?))
}
