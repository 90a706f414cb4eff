//! What is decided about a host (`rules.md` 2-4). An application is judged by the rules of the preset, which name each fact
//! that fails; an admin's word stands above them.

use crate::payout::command::{ApplyAsHost, DecideOnHost, StateFacts};
use crate::payout::decide::Decision;
use crate::payout::event::{Application, HostDecision, Verdict};
use crate::payout::hosting::{Hosting, Standing};
use crate::{Admission, HostFacts, Label, Payout, PayoutError, PayoutEvent, Preset, TermsHash, Timestamp, UserId};

impl Payout {
    pub(super) fn apply_as_host(&self, wish: ApplyAsHost) -> Vec<PayoutEvent> {
        let mut events = self.accept_terms(wish.terms_sha256, wish.at);
        if !self.hosting.is_news(&wish.facts) {
            return events;
        }
        let facts = wish.facts.with_stated(self.hosting.stated());
        let decision = judge(wish.host, &wish.preset, &facts, wish.at);
        events.push(PayoutEvent::HostApplied {
            host: wish.host,
            applied_at: wish.at,
            application: Some(Box::new(Application {
                preset: wish.preset.name,
                preset_version: wish.preset.version,
                facts: wish.facts,
                channels: wish.channels,
            })),
        });
        events.extend(decision);
        events
    }

    /// Also of somebody who did not apply: an admin invites whom they like.
    pub(super) fn approve(&self, decision: DecideOnHost) -> Vec<PayoutEvent> {
        if self.is_approved() {
            return vec![];
        }
        vec![PayoutEvent::HostApproved {
            host: decision.host,
            by: Some(decision.by),
            reason: decision.reason,
            verdict: None,
            approved_at: decision.at,
        }]
    }

    pub(super) fn waitlist(&self, decision: DecideOnHost) -> Decision {
        self.put(Standing::Waitlisted, decision, PayoutEvent::HostWaitlisted)
    }

    pub(super) fn decline(&self, decision: DecideOnHost) -> Decision {
        self.put(Standing::Declined, decision, PayoutEvent::HostDeclined)
    }

    /// Who was approved is suspended, and not put back in line.
    fn put(&self, to: Standing, decision: DecideOnHost, event: fn(HostDecision) -> PayoutEvent) -> Decision {
        let standing = self.hosting.standing();
        if standing == to && !self.hosting.is_by_rules() {
            return Ok(vec![]);
        }
        match standing {
            Standing::Applied | Standing::Waitlisted | Standing::Declined => Ok(vec![event(HostDecision {
                host: decision.host,
                by: Some(decision.by),
                reason: decision.reason,
                verdict: None,
                decided_at: decision.at,
            })]),
            Standing::Unknown | Standing::Approved => {
                let standing = standing.name();
                Err(PayoutError::WrongStanding { standing })
            }
        }
    }

    /// Anybody: also who only hosts free rooms.
    pub(super) fn suspend(&self, by: UserId, reason: Label, at: Timestamp) -> Vec<PayoutEvent> {
        if self.is_suspended() {
            return vec![];
        }
        vec![PayoutEvent::HostSuspended {
            by,
            reason,
            suspended_at: at,
        }]
    }

    pub(super) fn reinstate(&self, by: UserId, reason: Option<Label>, at: Timestamp) -> Vec<PayoutEvent> {
        if !self.is_suspended() {
            return vec![];
        }
        vec![PayoutEvent::HostReinstated {
            by,
            reason,
            reinstated_at: at,
        }]
    }

    /// What was undecided, or waits for facts, is judged anew.
    pub(super) fn state_facts(&self, statement: StateFacts) -> Vec<PayoutEvent> {
        if statement.facts.says_the_same(self.hosting.stated()) {
            return vec![];
        }
        let is_open = match self.hosting.standing() {
            Standing::Applied => true,
            Standing::Waitlisted => self.hosting.is_by_rules(),
            Standing::Unknown | Standing::Approved | Standing::Declined => false,
        };
        let facts = self.hosting.applied().with_stated(&statement.facts);
        let decision = judge(statement.host, &statement.preset, &facts, statement.at);
        let decision = decision.filter(|decision| is_open && !self.hosting.is_so(decision));
        let stated = PayoutEvent::FactsStated {
            facts: statement.facts,
            by: statement.by,
            stated_at: statement.at,
        };
        [stated].into_iter().chain(decision).collect()
    }

    pub(super) fn accept_terms(&self, terms: Option<TermsHash>, at: Timestamp) -> Vec<PayoutEvent> {
        let news = terms.filter(|terms| self.hosting.terms() != Some(terms));
        let accepted = news.map(|terms_sha256| PayoutEvent::TermsAccepted {
            terms_sha256,
            accepted_at: at,
        });
        accepted.into_iter().collect()
    }
}

impl Hosting {
    /// Whether an application with these facts is another one, and no repeat of the last.
    fn is_news(&self, facts: &HostFacts) -> bool {
        let is_repeat = facts.says_the_same(self.applied());
        match self.standing() {
            Standing::Unknown => true,
            Standing::Applied => !is_repeat,
            Standing::Waitlisted => self.is_by_rules() && !is_repeat,
            Standing::Approved => false,
            // The same rules would say the same of the same facts; an admin may think otherwise next time.
            Standing::Declined => !self.is_by_rules() || !is_repeat,
        }
    }

    /// Whether the rules said so before.
    fn is_so(&self, decision: &PayoutEvent) -> bool {
        if let PayoutEvent::HostWaitlisted(HostDecision {
            verdict: Some(verdict), ..
        }) = decision
        {
            return self.standing() == Standing::Waitlisted && self.failed() == verdict.failed;
        }
        false
    }
}

/// What the rules say of an applicant; nothing where an admin is to decide.
fn judge(host: UserId, preset: &Preset, facts: &HostFacts, at: Timestamp) -> Option<PayoutEvent> {
    let failed = preset.hosts.failed(facts);
    let falls_short = failed.iter().any(|failed| failed.is_known);
    let (is_whole, admission) = (failed.is_empty(), preset.hosts.admission);
    let verdict = Verdict {
        preset: preset.name.clone(),
        preset_version: preset.version,
        failed,
    };
    let decision = |verdict| HostDecision {
        host,
        by: None,
        reason: None,
        verdict: Some(verdict),
        decided_at: at,
    };
    match admission {
        _ if falls_short => Some(PayoutEvent::HostDeclined(decision(verdict))),
        Admission::Review => None,
        Admission::Approve if is_whole => Some(PayoutEvent::HostApproved {
            host,
            by: None,
            reason: None,
            verdict: Some(Box::new(verdict)),
            approved_at: at,
        }),
        Admission::Approve | Admission::Waitlist => Some(PayoutEvent::HostWaitlisted(decision(verdict))),
    }
}
