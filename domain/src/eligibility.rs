//! Who may become a host of priced rooms (`rules.md` 2): the facts about an applicant, and what a preset asks of them.
//!
//! A fact is a yes or no, a count, or a country, with its source and its date: never a birth date, a name or an address.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::tax::Country;

/// Rooms count that were delivered within so many days before the application.
pub const ROOMS_HOSTED_DAYS: u32 = 30;

/// What a preset asks of applicants, and what it does with those who meet it. By default it asks nothing, and an admin decides.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostRules {
    pub admission: Admission,
    /// What must be so.
    pub required: BTreeSet<Requirement>,
    pub followers_min: u32,
    /// Within the last [`ROOMS_HOSTED_DAYS`].
    pub rooms_hosted_min: u32,
    /// Where hosts may be; anywhere, if absent.
    pub countries: Option<BTreeSet<Country>>,
}

/// What becomes of an applicant who meets the rules. Who does not is declined.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// An admin decides.
    #[default]
    Review,
    /// Approved at once. Whose facts are not all known is put on the waiting list until they are.
    Approve,
    /// Put on the waiting list, from which admins let hosts in.
    Waitlist,
}

/// A fact that is a yes or no.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// 18 or older.
    Adult,
    ProfileComplete,
    EmailVerified,
    TwoFactor,
}

/// Every fact there is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactName {
    Adult,
    Followers,
    RoomsHosted,
    ProfileComplete,
    EmailVerified,
    TwoFactor,
    Country,
}

impl FactName {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adult => "adult",
            Self::Followers => "followers",
            Self::RoomsHosted => "rooms_hosted",
            Self::ProfileComplete => "profile_complete",
            Self::EmailVerified => "email_verified",
            Self::TwoFactor => "two_factor",
            Self::Country => "country",
        }
    }
}

/// Where a fact is known from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactSource {
    /// The identity provider says so in the applicant's token.
    Claim,
    Admin,
    /// Our own log.
    Log,
}

impl FactSource {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Admin => "admin",
            Self::Log => "log",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Fact<T> {
    pub value: T,
    pub source: FactSource,
    pub at: Timestamp,
}

/// What is known about an applicant.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HostFacts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adult: Option<Fact<bool>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followers: Option<Fact<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms_hosted: Option<Fact<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_complete: Option<Fact<bool>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<Fact<bool>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_factor: Option<Fact<bool>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Fact<Country>>,
}

/// A fact that does not meet the rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FailedFact {
    pub fact: FactName,
    /// Known and short of what is asked; else nobody says.
    pub is_known: bool,
}

impl HostFacts {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same values, whoever says so and since when.
    pub fn says_the_same(&self, other: &Self) -> bool {
        fn same<T: PartialEq>(one: Option<&Fact<T>>, other: Option<&Fact<T>>) -> bool {
            one.map(|fact| &fact.value) == other.map(|fact| &fact.value)
        }
        same(self.adult.as_ref(), other.adult.as_ref())
            && same(self.followers.as_ref(), other.followers.as_ref())
            && same(self.rooms_hosted.as_ref(), other.rooms_hosted.as_ref())
            && same(self.profile_complete.as_ref(), other.profile_complete.as_ref())
            && same(self.email_verified.as_ref(), other.email_verified.as_ref())
            && same(self.two_factor.as_ref(), other.two_factor.as_ref())
            && same(self.country.as_ref(), other.country.as_ref())
    }

    /// These, and what an admin states in place of them. A claim does not replace an admin's word.
    #[must_use]
    pub fn with_stated(&self, stated: &Self) -> Self {
        Self {
            adult: stated.adult.or(self.adult),
            followers: stated.followers.or(self.followers),
            rooms_hosted: latest(stated.rooms_hosted, self.rooms_hosted),
            profile_complete: stated.profile_complete.or(self.profile_complete),
            email_verified: stated.email_verified.or(self.email_verified),
            two_factor: stated.two_factor.or(self.two_factor),
            country: stated.country.or(self.country),
        }
    }

    const fn of(&self, requirement: Requirement) -> Option<Fact<bool>> {
        match requirement {
            Requirement::Adult => self.adult,
            Requirement::ProfileComplete => self.profile_complete,
            Requirement::EmailVerified => self.email_verified,
            Requirement::TwoFactor => self.two_factor,
        }
    }
}

/// Both are counted from the log.
fn latest(one: Option<Fact<u32>>, other: Option<Fact<u32>>) -> Option<Fact<u32>> {
    match (one, other) {
        (Some(one), Some(other)) if one.at < other.at => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

impl HostRules {
    /// Every fact that does not meet these rules; none for who may host.
    pub fn failed(&self, facts: &HostFacts) -> Vec<FailedFact> {
        let mut failed = vec![];
        let mut ask = |fact: FactName, is_met: Option<bool>| {
            if is_met != Some(true) {
                let is_known = is_met.is_some();
                failed.push(FailedFact { fact, is_known });
            }
        };
        for requirement in &self.required {
            ask(requirement.fact(), facts.of(*requirement).map(|fact| fact.value));
        }
        if self.followers_min > 0 {
            let is_met = facts.followers.map(|fact| fact.value >= self.followers_min);
            ask(FactName::Followers, is_met);
        }
        if self.rooms_hosted_min > 0 {
            let is_met = facts.rooms_hosted.map(|fact| fact.value >= self.rooms_hosted_min);
            ask(FactName::RoomsHosted, is_met);
        }
        if let Some(countries) = &self.countries {
            ask(
                FactName::Country,
                facts.country.map(|fact| countries.contains(&fact.value)),
            );
        }
        failed
    }
}

impl Requirement {
    const fn fact(self) -> FactName {
        match self {
            Self::Adult => FactName::Adult,
            Self::ProfileComplete => FactName::ProfileComplete,
            Self::EmailVerified => FactName::EmailVerified,
            Self::TwoFactor => FactName::TwoFactor,
        }
    }
}
