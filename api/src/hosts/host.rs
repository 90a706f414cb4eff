//! A host as they and the admins see them.

use domain::{PayoutCommand, UserId};
use event_log::Metadata;
use projections::View;
use projections::earnings::{HostRow, Standing, find_account};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::{ReadBack, Written};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Host)]
pub(crate) struct HostBody {
    user_id: Uuid,
    /// `none`, `applied` or `approved`
    standing: &'static str,
    payout_destination: Option<String>,
    /// The log position of the last change; 0 before the first.
    position: u64,
}

impl HostBody {
    /// Somebody who never did anything as a host.
    pub(super) fn unknown(user: UserId) -> Self {
        Self {
            user_id: user.as_uuid(),
            standing: Standing::None.as_str(),
            payout_destination: None,
            position: 0,
        }
    }
}

impl From<HostRow> for HostBody {
    fn from(row: HostRow) -> Self {
        Self {
            user_id: row.host.as_uuid(),
            standing: row.standing.as_str(),
            payout_destination: row.destination,
            position: row.position,
        }
    }
}

/// Executes a command on a host's account and answers with the host as they are after it.
pub(super) async fn change(
    state: &ApiState,
    host: UserId,
    command: PayoutCommand,
    metadata: Metadata,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    let accounts = &state.aggregates.payouts;
    let position = accounts.execute(host.as_uuid(), command, metadata).await?.position;
    let read = async {
        let row = find_account(&state.pool, host).await?;
        Ok::<_, ApiError>(row.map(HostBody::from))
    };
    let body = ReadBack::wait(state, View::Earnings, position, host.as_uuid(), read).await;
    Ok(Written::changed(position, body))
}
