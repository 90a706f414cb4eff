//! `PUT /v1/hosts/{user}/facts`

use axum::extract::State;
use domain::payout::StateFacts;
use domain::{Country, Fact, FactSource, HostFacts, PayoutCommand, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::apply::rooms_hosted;
use super::host::{HostBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

/// What an admin knows about a host. A claim does not replace it; what is absent is not stated any more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostFactsRequest {
    /// 18 or older
    #[serde(default)]
    adult: Option<bool>,
    #[serde(default)]
    followers: Option<u32>,
    #[serde(default)]
    profile_complete: Option<bool>,
    #[serde(default)]
    email_verified: Option<bool>,
    #[serde(default)]
    two_factor: Option<bool>,
    /// ISO 3166-1 alpha-2, such as `US`
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    country: Option<Country>,
}

impl HostFactsRequest {
    fn at(self, at: Timestamp) -> HostFacts {
        fn fact<T>(value: Option<T>, at: Timestamp) -> Option<Fact<T>> {
            let source = FactSource::Admin;
            value.map(|value| Fact { value, source, at })
        }
        HostFacts {
            adult: fact(self.adult, at),
            followers: fact(self.followers, at),
            rooms_hosted: None,
            profile_complete: fact(self.profile_complete, at),
            email_verified: fact(self.email_verified, at),
            two_factor: fact(self.two_factor, at),
            country: fact(self.country, at),
        }
    }
}

/// State facts about a host: for admins. An application that waits for them is judged anew
#[utoipa::path(put, path = "/v1/hosts/{user}/facts", tag = "hosts", params(("user" = Uuid, Path)),
    request_body = HostFactsRequest, security(("bearer" = [])), responses(
    (status = 200, body = HostBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn state_host_facts(
    State(state): State<ApiState>,
    caller: Caller,
    Id(host): Id<UserId>,
    JsonBody(body): JsonBody<HostFactsRequest>,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    caller.require_admin()?;
    let at = state.now();
    let mut facts = body.at(at);
    facts.rooms_hosted = rooms_hosted(&state, host, at).await?;
    let command = PayoutCommand::StateFacts(Box::new(StateFacts {
        host,
        by: caller.user_id,
        facts,
        preset: state.preset.clone(),
        at,
    }));
    change(&state, host, command, caller.admin_metadata()).await
}
