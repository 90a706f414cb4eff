//! `PUT /v1/me/host_application`

use axum::extract::State;
use chrono::TimeDelta;
use domain::eligibility::ROOMS_HOSTED_DAYS;
use domain::payout::ApplyAsHost;
use domain::{Fact, FactSource, PayoutCommand, TermsHash, Timestamp, UserId};
use projections::catalogue::count_rooms_hosted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::host::{HostBody, change};
use crate::answer::{ReadBack, Written};
use crate::extract::{Caller, Fields, OptionalJsonBody};
use crate::shapes::ChannelName;
use crate::{ApiError, ApiState};

const CHANNELS_MAX: usize = 3;

/// Nothing needs to be said where the shop has no terms of hosting.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostApplicationRequest {
    /// The terms of hosting that the applicant accepts, which must be those in force: the SHA-256 of their text. A host
    /// who accepts new terms sends it again.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    terms_sha256: Option<TermsHash>,
    /// Where the applicant would like to sell.
    #[serde(default)]
    channels: Vec<ChannelName>,
}

impl HostApplicationRequest {
    fn check(&self, state: &ApiState) -> Result<(), ApiError> {
        let mut fields = Fields::default();
        let in_force = state.host_terms.as_ref().map(|terms| terms.sha256);
        fields.check(
            self.terms_sha256.is_none() || self.terms_sha256 == in_force,
            "/terms_sha256",
            "must be the hash of the terms of hosting that are in force",
        );
        fields.check(
            self.channels.len() <= CHANNELS_MAX,
            "/channels",
            "must name each channel once",
        );
        fields.finish()
    }
}

/// Ask to become a host of priced rooms, accept the terms of hosting, or both
///
/// The facts come from the claims of the token and from the log. Where the shop's rules decide, the answer has the decision,
/// and each fact that failed.
#[utoipa::path(put, path = "/v1/me/host_application", tag = "hosts", request_body = HostApplicationRequest,
    security(("bearer" = [])), responses((status = 200, body = HostBody)))]
pub(crate) async fn apply_as_host(
    State(state): State<ApiState>,
    caller: Caller,
    OptionalJsonBody(body): OptionalJsonBody<HostApplicationRequest>,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    body.check(&state)?;
    let (host, at) = (caller.user_id, state.now());
    let mut facts = caller.claimed_facts(at);
    facts.rooms_hosted = rooms_hosted(&state, host, at).await?;
    let mut channels: Vec<_> = body.channels.into_iter().map(Into::into).collect();
    channels.sort_unstable();
    channels.dedup();
    let command = PayoutCommand::Apply(Box::new(ApplyAsHost {
        host,
        facts,
        channels,
        terms_sha256: body.terms_sha256,
        preset: state.preset.clone(),
        at,
    }));
    change(&state, host, command, caller.metadata()).await
}

/// Our own log knows.
pub(super) async fn rooms_hosted(state: &ApiState, host: UserId, at: Timestamp) -> Result<Option<Fact<u32>>, ApiError> {
    let since = at.checked_sub_signed(TimeDelta::days(ROOMS_HOSTED_DAYS.into()));
    let value = count_rooms_hosted(&state.pool, host, since.unwrap_or(at)).await?;
    let source = FactSource::Log;
    Ok(Some(Fact { value, source, at }))
}
