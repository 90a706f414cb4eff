//! Who becomes a host, by the rules or by an admin, and who is one no longer.

use crate::payout::*;
use crate::testing::{Given, USD, at, past, payout, request, usd, user};
use crate::{
    Admission, Channel, Fact, FactName, FactSource, FailedFact, HostFacts, HostRules, Label, Payout, PayoutCommand,
    PayoutError, PayoutEvent, Preset, TermsHash, UserId,
};

const HOST: UserId = user(1);
const ADMIN: UserId = user(2);

fn given(events: impl IntoIterator<Item = PayoutEvent>) -> Given<Payout> {
    past(events)
}

fn label(text: &str) -> Label {
    text.parse().expect("a label")
}

fn fact<T>(value: T, source: FactSource) -> Fact<T> {
    let at = at(0);
    Fact { value, source, at }
}

/// What Ticketed Spaces asked for.
fn good() -> HostFacts {
    HostFacts {
        adult: Some(fact(true, FactSource::Claim)),
        followers: Some(fact(1_000, FactSource::Claim)),
        rooms_hosted: Some(fact(3, FactSource::Log)),
        profile_complete: Some(fact(true, FactSource::Claim)),
        email_verified: Some(fact(true, FactSource::Claim)),
        two_factor: Some(fact(true, FactSource::Claim)),
        country: Some(fact("US".parse().expect("a country"), FactSource::Claim)),
    }
}

fn apply(facts: &HostFacts, preset: Preset, second: i64) -> PayoutCommand {
    PayoutCommand::Apply(Box::new(ApplyAsHost {
        host: HOST,
        facts: facts.clone(),
        channels: vec![Channel::Ios],
        terms_sha256: None,
        preset,
        at: at(second),
    }))
}

fn applied(facts: &HostFacts, preset: &Preset, second: i64) -> PayoutEvent {
    PayoutEvent::HostApplied {
        host: HOST,
        applied_at: at(second),
        application: Some(Box::new(Application {
            preset: preset.name.clone(),
            preset_version: preset.version,
            facts: facts.clone(),
            channels: vec![Channel::Ios],
        })),
    }
}

fn verdict(failed: &[(FactName, bool)]) -> Verdict {
    let failed = failed.iter().map(|(fact, is_known)| FailedFact {
        fact: *fact,
        is_known: *is_known,
    });
    Verdict {
        preset: "ticketed-spaces".to_owned(),
        preset_version: 2,
        failed: failed.collect(),
    }
}

fn by_rules(failed: &[(FactName, bool)], second: i64) -> HostDecision {
    HostDecision {
        host: HOST,
        by: None,
        reason: None,
        verdict: Some(verdict(failed)),
        decided_at: at(second),
    }
}

fn approved_by_rules(second: i64) -> PayoutEvent {
    PayoutEvent::HostApproved {
        host: HOST,
        by: None,
        reason: None,
        verdict: Some(Box::new(verdict(&[]))),
        approved_at: at(second),
    }
}

fn decide(second: i64) -> DecideOnHost {
    DecideOnHost {
        host: HOST,
        by: ADMIN,
        reason: Some(label("because")),
        at: at(second),
    }
}

fn decided(second: i64) -> HostDecision {
    HostDecision {
        host: HOST,
        by: Some(ADMIN),
        reason: Some(label("because")),
        verdict: None,
        decided_at: at(second),
    }
}

fn approved(second: i64) -> PayoutEvent {
    PayoutEvent::HostApproved {
        host: HOST,
        by: Some(ADMIN),
        reason: Some(label("because")),
        verdict: None,
        approved_at: at(second),
    }
}

fn suspended() -> PayoutEvent {
    PayoutEvent::HostSuspended {
        by: ADMIN,
        reason: label("chargebacks"),
        suspended_at: at(5),
    }
}

fn suspend() -> PayoutCommand {
    PayoutCommand::Suspend {
        by: ADMIN,
        reason: label("chargebacks"),
        at: at(5),
    }
}

fn reinstate() -> PayoutCommand {
    PayoutCommand::Reinstate {
        by: ADMIN,
        reason: None,
        at: at(6),
    }
}

fn linked() -> PayoutEvent {
    PayoutEvent::DestinationLinked {
        destination: "acct_1".to_owned(),
        linked_at: at(2),
    }
}

#[test]
fn where_an_admin_decides_an_application_waits() {
    let open = Preset::open();
    let host = given([])
        .when(apply(&good(), open.clone(), 0))
        .then([applied(&good(), &open, 0)]);
    assert_eq!(host.state.hosting().standing(), Standing::Applied);
    let host = host.when(apply(&good(), open.clone(), 9)).then_nothing();
    let host = host.when(PayoutCommand::Approve(decide(1))).then([approved(1)]);
    assert!(host.state.is_approved());
    host.when(apply(&HostFacts::default(), open, 9)).then_nothing();
}

#[test]
fn a_host_who_did_not_apply_may_be_approved() {
    let approve = PayoutCommand::Approve(decide(1));
    let state = given([]).when(approve).then([approved(1)]).state;
    assert!(state.is_approved());
}

#[test]
fn who_meets_the_rules_is_approved_at_once() {
    let spaces = Preset::ticketed_spaces();
    let events = [applied(&good(), &spaces, 0), approved_by_rules(0)];
    given([]).when(apply(&good(), spaces, 0)).then(events);
}

#[test]
fn each_fact_that_fails_is_named() {
    let spaces = Preset::ticketed_spaces();
    let facts = HostFacts {
        adult: Some(fact(false, FactSource::Claim)),
        followers: Some(fact(999, FactSource::Claim)),
        rooms_hosted: Some(fact(2, FactSource::Log)),
        country: Some(fact("DE".parse().expect("a country"), FactSource::Claim)),
        two_factor: None,
        ..good()
    };
    let failed = [
        (FactName::Adult, true),
        (FactName::TwoFactor, false),
        (FactName::Followers, true),
        (FactName::RoomsHosted, true),
        (FactName::Country, true),
    ];
    let declined = PayoutEvent::HostDeclined(by_rules(&failed, 0));
    let host = given([])
        .when(apply(&facts, spaces.clone(), 0))
        .then([applied(&facts, &spaces, 0), declined]);
    // The same once more is a repeat; better facts are another application.
    host.when(apply(&facts, spaces.clone(), 3))
        .then_nothing()
        .when(apply(&good(), spaces.clone(), 4))
        .then([applied(&good(), &spaces, 4), approved_by_rules(4)]);
}

#[test]
fn who_is_not_known_well_enough_waits_until_an_admin_says() {
    let spaces = Preset::ticketed_spaces();
    let facts = HostFacts {
        followers: None,
        country: None,
        ..good()
    };
    let unknown = [(FactName::Followers, false), (FactName::Country, false)];
    let waits = PayoutEvent::HostWaitlisted(by_rules(&unknown, 0));
    let host = given([])
        .when(apply(&facts, spaces.clone(), 0))
        .then([applied(&facts, &spaces, 0), waits]);
    let state_facts = |facts: &HostFacts, second| {
        PayoutCommand::StateFacts(Box::new(StateFacts {
            host: HOST,
            by: ADMIN,
            facts: facts.clone(),
            preset: Preset::ticketed_spaces(),
            at: at(second),
        }))
    };
    let stated = |facts: &HostFacts, second| PayoutEvent::FactsStated {
        facts: facts.clone(),
        by: ADMIN,
        stated_at: at(second),
    };
    let followers = HostFacts {
        followers: Some(fact(5_000, FactSource::Admin)),
        ..HostFacts::default()
    };
    let still = PayoutEvent::HostWaitlisted(by_rules(&[(FactName::Country, false)], 1));
    let host = host
        .when(state_facts(&followers, 1))
        .then([stated(&followers, 1), still]);
    let all = HostFacts {
        country: good().country,
        ..followers
    };
    let host = host
        .when(state_facts(&all, 2))
        .then([stated(&all, 2), approved_by_rules(2)]);
    // Once decided, facts are kept and decide nothing.
    let none = HostFacts::default();
    host.when(state_facts(&none, 3)).then([stated(&none, 3)]);
}

#[test]
fn an_admins_word_stands_above_a_claim() {
    let spaces = Preset::ticketed_spaces();
    let minor = HostFacts {
        adult: Some(fact(false, FactSource::Admin)),
        ..HostFacts::default()
    };
    let stated = PayoutEvent::FactsStated {
        facts: minor,
        by: ADMIN,
        stated_at: at(0),
    };
    let declined = PayoutEvent::HostDeclined(by_rules(&[(FactName::Adult, true)], 1));
    given([stated])
        .when(apply(&good(), spaces.clone(), 1))
        .then([applied(&good(), &spaces, 1), declined]);
}

#[test]
fn a_preset_may_let_hosts_in_one_by_one() {
    let preset = Preset {
        hosts: HostRules {
            admission: Admission::Waitlist,
            ..Preset::ticketed_spaces().hosts
        },
        ..Preset::ticketed_spaces()
    };
    let waits = PayoutEvent::HostWaitlisted(by_rules(&[], 0));
    given([])
        .when(apply(&good(), preset.clone(), 0))
        .then([applied(&good(), &preset, 0), waits])
        .when(PayoutCommand::Approve(decide(1)))
        .then([approved(1)]);
}

#[test]
fn an_admin_waitlists_and_declines_and_the_declined_apply_again() {
    let open = Preset::open();
    let host = given([applied(&good(), &open, 0)])
        .when(PayoutCommand::Waitlist(decide(1)))
        .then([PayoutEvent::HostWaitlisted(decided(1))])
        .when(PayoutCommand::Decline(decide(2)))
        .then([PayoutEvent::HostDeclined(decided(2))]);
    assert!(!host.state.is_approved());
    host.when(apply(&good(), open.clone(), 3))
        .then([applied(&good(), &open, 3)]);
}

#[test]
fn who_is_approved_is_suspended_and_not_declined() {
    for command in [PayoutCommand::Decline(decide(2)), PayoutCommand::Waitlist(decide(2))] {
        let standing = "approved";
        given([approved(1)])
            .when(command.clone())
            .then_err(PayoutError::WrongStanding { standing });
        let standing = "not an applicant";
        given([])
            .when(command)
            .then_err(PayoutError::WrongStanding { standing });
    }
}

#[test]
fn a_suspended_host_is_not_paid_and_is_again_what_they_were_after_it() {
    let ask = PayoutCommand::RequestPayout(RequestPayout {
        payout_id: payout(1),
        currency: USD,
        amount: Some(usd(500)),
        minimum_minor: 100,
        provider: "sandbox".to_owned(),
        request: request("payout"),
        at: at(7),
    });
    let host = given([approved(1), linked()]).when(suspend()).then([suspended()]);
    assert_eq!(host.state.permit(None), HostPermit::Suspended);
    host.clone().when(ask.clone()).then_err(PayoutError::Suspended);
    let reinstated = PayoutEvent::HostReinstated {
        by: ADMIN,
        reason: None,
        reinstated_at: at(6),
    };
    let host = host.when(reinstate()).then([reinstated]);
    assert_eq!(host.state.permit(None), HostPermit::Sells);
    host.when(ask).then_err(PayoutError::InsufficientBalance {
        requested: usd(500),
        available: usd(0),
    });
    given([approved(1)]).when(reinstate()).then_nothing();
}

#[test]
fn a_host_sells_once_approved_and_bound_by_the_terms_and_with_a_place_for_the_money() {
    let (old, new) = (TermsHash::of(b"old"), TermsHash::of(b"new"));
    let accepted = |terms_sha256| PayoutEvent::TermsAccepted {
        terms_sha256,
        accepted_at: at(3),
    };
    let permit = |events: &[PayoutEvent], terms| given(events.to_vec()).state.permit(terms);
    let free = HostPermit::HostsFree;
    assert_eq!(permit(&[linked()], None), free(NoSale::NotApproved));
    assert_eq!(permit(&[approved(1)], None), free(NoSale::NoDestination));
    let host = [approved(1), linked(), accepted(old)];
    assert_eq!(permit(&host, None), HostPermit::Sells);
    assert_eq!(permit(&host, Some(&old)), HostPermit::Sells);
    assert_eq!(permit(&host, Some(&new)), free(NoSale::TermsNotAccepted));
    assert_eq!(permit(&host[..2], Some(&new)), free(NoSale::TermsNotAccepted));
    given(host)
        .when(PayoutCommand::AcceptTerms {
            terms_sha256: new,
            at: at(3),
        })
        .then([accepted(new)]);
    assert_eq!(HostPermit::Sells.where_rolled_out(false), free(NoSale::NotRolledOut));
}
