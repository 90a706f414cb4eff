//! What a token says, and whom it means.

use std::str::FromStr;

use domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::Identity;

/// How far the clocks of issuer and boxoffice may differ, in seconds.
const LEEWAY_SECONDS: i64 = 5;
/// Longer subjects name nobody.
const SUBJECT_LENGTH_MAX: usize = 255;
/// Subjects that are no UUIDs become ids below this namespace, together with their issuer.
const SUBJECT_NAMESPACE: Uuid = uuid!("7d0c6f7e-9b0b-5d2e-8f53-6a3b7f5f6a10");

/// What somebody may do beyond buying, hosting and listening.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    Admin,
    Finance,
    Analyst,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Admin, Self::Finance, Self::Analyst];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Finance => "finance",
            Self::Analyst => "analyst",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a role is admin, finance or analyst")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or(UnknownRole)
    }
}

/// The roles of a caller.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Roles(Vec<Role>);

impl Roles {
    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    pub fn contains_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

/// The claims boxoffice reads. Issuer and audience are checked by the verifier before anybody sees them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: serde_json::Value,
    pub(super) exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<i64>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
}

/// What remains of a token whose signature is good.
#[derive(Clone, Debug)]
pub(super) struct Bearer {
    pub(super) identity: Identity,
    pub(super) expires_at: i64,
    pub(super) starts_at: Option<i64>,
}

impl Bearer {
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.saturating_add(LEEWAY_SECONDS) <= now.timestamp()
    }

    pub(super) fn is_early(&self, now: Timestamp) -> bool {
        self.starts_at
            .is_some_and(|starts_at| starts_at.saturating_sub(LEEWAY_SECONDS) > now.timestamp())
    }
}

impl Claims {
    /// `None` if the token names nobody.
    pub(super) fn bearer(&self) -> Option<Bearer> {
        let identity = Identity {
            user_id: self.user_id()?,
            roles: self.known_roles(),
        };
        Some(Bearer {
            identity,
            expires_at: self.exp,
            starts_at: self.nbf,
        })
    }

    /// A subject that is a UUID is the user id; another one is mapped to one, apart for each issuer.
    fn user_id(&self) -> Option<UserId> {
        if self.sub.is_empty() || self.sub.len() > SUBJECT_LENGTH_MAX {
            return None;
        }
        let mapped = || {
            let name = format!("{}\n{}", self.iss, self.sub);
            UserId::from_uuid(Uuid::new_v5(&SUBJECT_NAMESPACE, name.as_bytes()))
        };
        Some(self.sub.parse().unwrap_or_else(|_| mapped()))
    }

    /// Roles of other applications are none of our business.
    fn known_roles(&self) -> Roles {
        self.roles.iter().filter_map(|name| name.parse().ok()).collect()
    }
}
