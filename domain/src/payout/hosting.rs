//! Who a host is to the shop: where their application stands, what is known about them, which terms they accepted, and
//! whether they are suspended. Independent of their money.

use serde::{Deserialize, Serialize};

use crate::payout::event::{Application, Verdict};
use crate::{FailedFact, HostFacts, TermsHash, UserId};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Hosting {
    standing: Standing,
    /// The rules decided last, and no admin.
    by_rules: bool,
    is_suspended: bool,
    /// With the last application.
    applied: HostFacts,
    /// By an admin.
    stated: HostFacts,
    failed: Vec<FailedFact>,
    terms: Option<TermsHash>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    #[default]
    Unknown,
    Applied,
    Waitlisted,
    Approved,
    /// May apply again.
    Declined,
}

impl Standing {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "not an applicant",
            Self::Applied => "applied",
            Self::Waitlisted => "waitlisted",
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

impl Hosting {
    /// Whatever a suspension adds to it.
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    pub const fn is_suspended(&self) -> bool {
        self.is_suspended
    }

    /// The terms of hosting that were accepted last.
    pub const fn terms(&self) -> Option<&TermsHash> {
        self.terms.as_ref()
    }

    pub(super) const fn is_by_rules(&self) -> bool {
        self.by_rules
    }

    pub(super) const fn applied(&self) -> &HostFacts {
        &self.applied
    }

    pub(super) const fn stated(&self) -> &HostFacts {
        &self.stated
    }

    pub(super) fn failed(&self) -> &[FailedFact] {
        &self.failed
    }

    pub(super) fn apply_for(&mut self, application: Option<Box<Application>>) {
        self.standing = Standing::Applied;
        self.by_rules = false;
        self.applied = application.map(|application| application.facts).unwrap_or_default();
        self.failed.clear();
    }

    pub(super) fn decide(&mut self, standing: Standing, by: Option<UserId>, verdict: Option<Verdict>) {
        self.standing = standing;
        self.by_rules = by.is_none();
        self.failed = verdict.map(|verdict| verdict.failed).unwrap_or_default();
    }

    pub(super) const fn suspend(&mut self) {
        self.is_suspended = true;
    }

    pub(super) const fn reinstate(&mut self) {
        self.is_suspended = false;
    }

    pub(super) fn state(&mut self, facts: HostFacts) {
        self.stated = facts;
    }

    pub(super) const fn accept(&mut self, terms: TermsHash) {
        self.terms = Some(terms);
    }
}
