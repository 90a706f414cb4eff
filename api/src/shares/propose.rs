//! `PUT /v1/rooms/{room}/shares`

use axum::extract::State;
use domain::{BasisPoints, RoomCommand, RoomId, Share, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{SharesBody, change};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, Id, JsonBody};
use crate::{ApiError, ApiState};

/// More are not read; the room has a limit of its own.
const SHARES_MAX: usize = 10;

/// All shares, the host's too; none, for the host to have it all.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharesRequest {
    #[schema(max_items = 3)]
    shares: Vec<ShareRequest>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShareRequest {
    user_id: Uuid,
    /// Of 10,000, which they add up to.
    #[schema(minimum = 1, maximum = 10_000)]
    basis_points: u16,
}

impl SharesRequest {
    fn parse(self) -> Result<Vec<Share>, ApiError> {
        let mut fields = Fields::default();
        fields.check(self.shares.len() <= SHARES_MAX, "/shares", "are too many");
        let mut shares = Vec::new();
        for (index, share) in self.shares.into_iter().enumerate() {
            let points = BasisPoints::try_new(share.basis_points);
            let pointer = format!("/shares/{index}/basis_points");
            fields.check(points.is_some(), &pointer, "must be at most 10000");
            shares.extend(points.map(|basis_points| Share {
                user: UserId::from_uuid(share.user_id),
                basis_points,
            }));
        }
        fields.finish()?;
        Ok(shares)
    }
}

/// Say who shares what the room earns: its host. Until everybody agreed, no priced ticket is sold
#[utoipa::path(put, path = "/v1/rooms/{room}/shares", tag = "shares", params(("room" = Uuid, Path)),
    request_body = SharesRequest, security(("bearer" = [])), responses(
    (status = 200, body = SharesBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_over` · `frozen_after_first_sale`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn propose_shares(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    JsonBody(body): JsonBody<SharesRequest>,
) -> Result<Written<SharesBody>, ApiError> {
    let command = RoomCommand::ProposeShares {
        by: caller.user_id,
        shares: body.parse()?,
        at: state.now(),
    };
    change(&state, room, command, caller.metadata()).await
}
