//! What a token says, and whom it means.

use std::str::FromStr;
use std::sync::Arc;

use domain::{Timestamp, UserId};
use processes::people::{ClaimedContact, Subject};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::{Uuid, uuid};

use super::development::ISSUER;
use super::{ClaimNames, ClaimedFacts, Identity, SubjectIds};

/// How far the clocks of issuer and boxoffice may differ, in seconds.
const LEEWAY_SECONDS: i64 = 5;
/// Longer subjects name nobody.
const SUBJECT_LENGTH_MAX: usize = 255;
/// Texts about a person that are longer are none of ours.
const LOCALE_LENGTH_MAX: usize = 35;
const TIMEZONE_LENGTH_MAX: usize = 64;
/// Where older versions derived ids from subjects, together with their issuer; development tokens still have theirs from
/// there.
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
    pub(super) aud: Value,
    pub(super) exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<i64>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) email_verified: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) locale: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) zoneinfo: Option<Value>,
    /// What else the token says.
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
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
    pub(super) fn bearer(&self, ids: SubjectIds, names: &ClaimNames) -> Option<Bearer> {
        let claimed = self.facts(names);
        let identity = Identity {
            subject: self.subject(ids)?,
            roles: self.known_roles(),
            contact: self.contact().map(Arc::new),
            claimed: (claimed != ClaimedFacts::default()).then(|| Arc::new(claimed)),
        };
        Some(Bearer {
            identity,
            expires_at: self.exp,
            starts_at: self.nbf,
        })
    }

    /// A subject that is a UUID is an opaque id already, unless the operator wants ids of our own. Development tokens speak for
    /// nobody in particular, so theirs may be computed.
    fn subject(&self, ids: SubjectIds) -> Option<Subject> {
        if self.sub.is_empty() || self.sub.len() > SUBJECT_LENGTH_MAX {
            return None;
        }
        let name = format!("{}\n{}", self.iss, self.sub);
        let from_name = || UserId::from_uuid(Uuid::new_v5(&SUBJECT_NAMESPACE, name.as_bytes()));
        let own_id: Option<UserId> = self.sub.parse().ok();
        let derived_id = own_id.unwrap_or_else(from_name);
        let is_development = self.iss == ISSUER;
        Some(Subject {
            key: Sha256::digest(name.as_bytes()).into(),
            own_id: match ids {
                _ if is_development => Some(derived_id),
                SubjectIds::AsTheyAre => own_id,
                SubjectIds::OurOwn => None,
            },
            derived_id,
        })
    }

    /// Facts are looked for among all claims, also those that have a field here.
    fn facts(&self, names: &ClaimNames) -> ClaimedFacts {
        let typed = [
            ("email", &self.email),
            ("email_verified", &self.email_verified),
            ("locale", &self.locale),
            ("zoneinfo", &self.zoneinfo),
        ];
        let mut claims = self.others.clone();
        for (name, value) in typed {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value.clone());
            }
        }
        ClaimedFacts::read(&claims, names)
    }

    /// How the person is reached, as far as the provider knows for sure. `None` if it does not say.
    fn contact(&self) -> Option<ClaimedContact> {
        let is_verified = self
            .email_verified
            .as_ref()
            .is_some_and(|claim| claim.as_bool() == Some(true) || claim.as_str() == Some("true"));
        let email = self.email.as_ref().filter(|_| is_verified)?.as_str()?.parse().ok()?;
        let text = |claim: &Option<Value>, length_max: usize| {
            let text = claim.as_ref().and_then(Value::as_str)?;
            let is_plain = text.len() <= length_max && !text.chars().any(char::is_control);
            (is_plain && !text.is_empty()).then(|| text.to_owned())
        };
        Some(ClaimedContact {
            email: Some(email),
            locale: text(&self.locale, LOCALE_LENGTH_MAX),
            timezone: text(&self.zoneinfo, TIMEZONE_LENGTH_MAX),
        })
    }

    /// Roles of other applications are none of our business.
    fn known_roles(&self) -> Roles {
        self.roles.iter().filter_map(|name| name.parse().ok()).collect()
    }
}
