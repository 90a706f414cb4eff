//! Who calls, and in which conversation.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use domain::room::Authority;
use domain::{HostFacts, Timestamp, UserId};
use event_log::Metadata;
use http::header::AUTHORIZATION;
use http::request::Parts;
use uuid::Uuid;

use super::IdempotencyKey;
use crate::auth::{AuthError, ClaimedFacts, Identity, Role, Roles};
use crate::{ApiError, ApiState, trace};

/// A caller with a valid token.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user_id: UserId,
    roles: Roles,
    claimed: Option<Arc<ClaimedFacts>>,
    trace_id: Uuid,
}

impl Caller {
    pub(crate) fn is_admin(&self) -> bool {
        self.roles.contains(Role::Admin)
    }

    /// What the token says about the caller as a host, known at `at`.
    pub(crate) fn claimed_facts(&self, at: Timestamp) -> HostFacts {
        let claimed = self.claimed.as_deref().copied();
        claimed.unwrap_or_default().at(at)
    }

    pub(crate) fn require_admin(&self) -> Result<(), ApiError> {
        self.require_any(&[Role::Admin], "This is for admins.")
    }

    /// Whoever reads the books.
    pub(crate) fn require_finance(&self) -> Result<(), ApiError> {
        self.require_any(&[Role::Finance, Role::Admin], "This is for finance.")
    }

    /// Whoever reads the log.
    pub(crate) fn require_log_reader(&self) -> Result<(), ApiError> {
        let roles = [Role::Finance, Role::Analyst, Role::Admin];
        self.require_any(&roles, "This is for finance and analysts.")
    }

    fn require_any(&self, roles: &[Role], detail: &'static str) -> Result<(), ApiError> {
        if self.roles.contains_any(roles) {
            Ok(())
        } else {
            Err(ApiError::Forbidden { detail })
        }
    }

    /// What the log keeps about a command of this caller.
    pub(crate) fn metadata(&self) -> Metadata {
        Metadata::for_actor(self.user_id.to_string(), self.trace_id)
    }

    /// The same, for what only an admin may do.
    pub(crate) fn admin_metadata(&self) -> Metadata {
        Metadata::for_actor(format!("admin:{}", self.user_id), self.trace_id)
    }

    /// An admin ends or cancels any room, everybody else their own. Each goes on record as what they acted as.
    pub(crate) fn authority(&self) -> (Authority, Metadata) {
        if self.is_admin() {
            (Authority::Admin, self.admin_metadata())
        } else {
            (Authority::User(self.user_id), self.metadata())
        }
    }

    pub(crate) fn keyed_metadata(&self, key: &IdempotencyKey) -> Metadata {
        self.metadata().with_idempotency_key_sha256(key.sha256_hex())
    }
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let verified = state.auth.verify(bearer(parts)?, state.clock.now()).await?;
        let Identity {
            subject,
            roles,
            contact,
            claimed,
        } = verified;
        let people = &state.processes.deps().people;
        let user_id = people.user_of(&subject).await?;
        state.limits.admit_user(user_id)?;
        if let Some(contact) = contact {
            people.note(user_id, &contact).await;
        }
        Ok(Self {
            user_id,
            roles,
            claimed,
            trace_id: trace::current(),
        })
    }
}

fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let header = parts.headers.get(AUTHORIZATION).ok_or(ApiError::Unauthenticated {
        reason: "This request needs a bearer token.",
    })?;
    let text = header.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(ApiError::Unauthenticated {
            reason: "The Authorization header is not a bearer token.",
        }),
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Invalid => Self::Unauthenticated {
                reason: "The token is not one that is accepted here.",
            },
            AuthError::Expired => Self::Unauthenticated {
                reason: "The token has expired.",
            },
            AuthError::KeysUnavailable(_) => Self::ProviderUnavailable(Box::new(error)),
        }
    }
}
