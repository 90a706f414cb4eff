//! Hosts: what they earned, and what was paid out to them.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::sales::Sales;
use crate::facts::{
    Credited, Ended, Freed, HeldEarning, Later, Money, Netted, Part, Places, Requested, Reversed, Share, ShareCredited,
    Split, Timestamp,
};
use crate::report::{Findings, Rule};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Requested,
    Paid,
    Failed,
}

#[derive(Debug)]
struct Payout {
    host: Uuid,
    provider: String,
    amount: Money,
    phase: Phase,
    /// So much of it came back.
    returned: i128,
}

/// Where a host's money of one currency is.
#[derive(Debug, Default)]
struct Pots {
    /// Earned, and neither waiting, held, paid nor on its way.
    available: i128,
    pending: Waiting,
    rolling: Waiting,
    /// What the host owes.
    owed: i128,
}

/// Money that waits, what was ever put there by when it is due, and what was ever let go.
#[derive(Debug, Default)]
struct Waiting {
    now: i128,
    due: Vec<(Timestamp, i128)>,
    freed: i128,
}

impl Waiting {
    fn add(&mut self, later: Option<&Later>) -> i128 {
        let Some(later) = later else { return 0 };
        let minor = i128::from(later.amount.minor);
        self.now += minor;
        self.due.push((later.until, minor));
        minor
    }

    /// Whether there was so much, and its time had come.
    fn free(&mut self, minor: i128, at: Timestamp) -> bool {
        self.now -= minor;
        self.freed += minor;
        let due: i128 = self
            .due
            .iter()
            .filter(|(until, _)| *until <= at)
            .map(|(_, minor)| minor)
            .sum();
        minor > 0 && self.now >= 0 && self.freed <= due
    }
}

/// What a dispute holds of an earning.
#[derive(Clone, Copy, Default, Debug)]
struct Held {
    all: i128,
    of_pending: i128,
}

#[derive(Debug, Default)]
pub(crate) struct Hosts {
    /// By host and dispute.
    held: HashMap<(Uuid, String), Held>,
    /// By host and currency.
    pots: HashMap<(Uuid, String), Pots>,
    earned: HashSet<Uuid>,
    /// By ticket and person: credited to the host for them, and not yet to them.
    shares: HashMap<(Uuid, Uuid), Money>,
    /// By person and dispute: what they have yet to give back.
    takes: HashMap<(Uuid, String), i128>,
    payouts: HashMap<Uuid, Payout>,
    suspended: HashSet<Uuid>,
}

impl Hosts {
    pub(super) fn credit(&mut self, position: u64, host: Uuid, fact: &Credited, sales: &Sales, found: &mut Findings) {
        let ticket = fact.ticket_id;
        if !self.earned.insert(ticket) {
            found.add(Rule::Earnings, position, format!("ticket {ticket} was earned before"));
        }
        let settled = sales.ticket(ticket).and_then(|ticket| ticket.settled.as_ref());
        if settled != Some(&fact.split.settled) {
            let what = format!("ticket {ticket} is earned, and was not settled so");
            found.add(Rule::Earnings, position, what);
        }
        if !is_whole(&fact.split) {
            let what = format!("the parts of ticket {ticket} are not the whole");
            found.add(Rule::Earnings, position, what);
        }
        let shares = sales.ticket(ticket).map_or(&[][..], |ticket| &ticket.shares);
        if !is_divided(fact, host, shares) {
            let what = format!("ticket {ticket} is divided otherwise than agreed: {:?}", fact.co_hosts);
            found.add(Rule::Earnings, position, what);
        }
        let mut own = i128::from(fact.split.host_share.minor);
        for part in &fact.co_hosts {
            own -= i128::from(part.amount.minor);
            self.shares.insert((ticket, part.user), part.amount.clone());
        }
        let currency = &fact.split.host_share.currency;
        self.put(position, host, currency, own, &fact.places, found);
    }

    pub(super) fn credit_share(&mut self, position: u64, user: Uuid, fact: &ShareCredited, found: &mut Findings) {
        if self.shares.remove(&(fact.ticket_id, user)).as_ref() != Some(&fact.share) {
            let what = format!("{user} has a share of ticket {} that nobody gave", fact.ticket_id);
            found.add(Rule::Earnings, position, what);
        }
        let share = i128::from(fact.share.minor);
        self.put(position, user, &fact.share.currency, share, &fact.places, found);
    }

    fn put(&mut self, position: u64, host: Uuid, currency: &str, share: i128, places: &Places, found: &mut Findings) {
        let netted = minor_of(places.netted.as_ref());
        let pots = self.pots.entry((host, currency.to_owned())).or_default();
        pots.owed -= netted;
        let owes = pots.owed;
        let waits = pots.pending.add(places.pending.as_ref()) + pots.rolling.add(places.reserved.as_ref());
        let left = share - netted - waits;
        pots.available += left;
        if owes < 0 || (owes > 0 && netted < share) || left < 0 {
            let what = format!("{netted} are paid of what host {host} owes, which leaves {owes}");
            found.add(Rule::Earnings, position, what);
        }
    }

    pub(super) fn hold(&mut self, position: u64, host: Uuid, fact: &HeldEarning, found: &mut Findings) {
        let held = Held {
            all: i128::from(fact.amount.minor),
            of_pending: minor_of(fact.pending.as_ref()),
        };
        let pots = self.pots(host, &fact.amount);
        pots.pending.now -= held.of_pending;
        pots.available -= held.all - held.of_pending;
        if pots.available < 0 || pots.pending.now < 0 || held.of_pending > held.all {
            let what = format!("dispute {} holds more than host {host} has", fact.dispute);
            found.add(Rule::Disputes, position, what);
        }
        self.held.insert((host, fact.dispute.clone()), held);
    }

    pub(super) fn release(&mut self, position: u64, host: Uuid, fact: &HeldEarning, found: &mut Findings) {
        let held = self.unhold(position, host, &fact.dispute, &fact.amount, found);
        let again = minor_of(fact.pending.as_ref());
        if again > held.of_pending {
            let what = format!("dispute {} leaves {again} pending that was not", fact.dispute);
            found.add(Rule::Disputes, position, what);
        }
        let pots = self.pots(host, &fact.amount);
        pots.pending.now += again;
        pots.available += i128::from(fact.amount.minor) - again;
    }

    pub(super) fn reverse(&mut self, position: u64, host: Uuid, fact: &Reversed, found: &mut Findings) {
        self.unhold(position, host, &fact.dispute, &fact.from_reserve, found);
        self.take_from_each(position, host, fact, found);
        let pots = self.pots(host, &fact.from_available);
        pots.pending.now -= minor_of(fact.from_pending.as_ref());
        pots.available -= i128::from(fact.from_available.minor);
        pots.rolling.now -= minor_of(fact.from_rolling_reserve.as_ref());
        pots.owed += i128::from(fact.receivable.minor);
        let left = [pots.pending.now, pots.available, pots.rolling.now];
        let is_overdrawn = left.iter().any(|left| *left < 0);
        // What is pending goes first, the reserve last, and nobody owes who has something.
        let owes = fact.receivable.minor > 0;
        let takes_reserve = owes || minor_of(fact.from_rolling_reserve.as_ref()) > 0;
        let takes_available = takes_reserve || fact.from_available.minor > 0;
        let is_too_soon = left
            .into_iter()
            .zip([takes_available, takes_reserve, owes])
            .any(|(left, goes_on)| left > 0 && goes_on);
        if is_overdrawn || is_too_soon {
            let what = format!("dispute {} leaves {left:?} to host {host}: {fact:?}", fact.dispute);
            found.add(Rule::Disputes, position, what);
        }
    }

    /// What the host's account says of the others, they give back; no more and no less.
    fn take_from_each(&mut self, position: u64, host: Uuid, fact: &Reversed, found: &mut Findings) {
        for part in &fact.co_hosts {
            let key = (part.user, fact.dispute.clone());
            self.takes.insert(key, i128::from(part.amount.minor));
        }
        let Some(expected) = self.takes.remove(&(host, fact.dispute.clone())) else {
            return;
        };
        let some = [&fact.from_pending, &fact.from_rolling_reserve].map(|part| minor_of(part.as_ref()));
        let all = [&fact.from_reserve, &fact.from_available, &fact.receivable].map(|part| i128::from(part.minor));
        let taken: i128 = some.iter().chain(&all).sum();
        if taken != expected {
            let what = format!("dispute {} takes {taken} from {host}, not {expected}", fact.dispute);
            found.add(Rule::Disputes, position, what);
        }
    }

    fn unhold(&mut self, position: u64, host: Uuid, dispute: &str, amount: &Money, found: &mut Findings) -> Held {
        let held = self.held.remove(&(host, dispute.to_owned())).unwrap_or_default();
        if held.all != i128::from(amount.minor) {
            let what = format!("dispute {dispute} held {}, and lets go of {}", held.all, amount.minor);
            found.add(Rule::Disputes, position, what);
        }
        held
    }

    pub(super) fn mature(&mut self, position: u64, host: Uuid, fact: &Freed, found: &mut Findings) {
        let (minor, pots) = (i128::from(fact.amount.minor), self.pots(host, &fact.amount));
        pots.available += minor;
        if !pots.pending.free(minor, fact.at) {
            let what = format!("{minor} of host {host} were not pending, or not so long");
            found.add(Rule::Earnings, position, what);
        }
    }

    pub(super) fn release_reserve(&mut self, position: u64, host: Uuid, fact: &Freed, found: &mut Findings) {
        let (minor, pots) = (i128::from(fact.amount.minor), self.pots(host, &fact.amount));
        pots.available += minor;
        if !pots.rolling.free(minor, fact.at) {
            let what = format!("{minor} of host {host} were not in the reserve, or not so long");
            found.add(Rule::Earnings, position, what);
        }
    }

    pub(super) fn net(&mut self, position: u64, host: Uuid, fact: &Netted, found: &mut Findings) {
        let (minor, pots) = (i128::from(fact.amount.minor), self.pots(host, &fact.amount));
        pots.available -= minor;
        pots.owed -= minor;
        if pots.available < 0 || pots.owed < 0 || minor <= 0 {
            let what = format!("host {host} pays {minor} of {} owed", pots.owed + minor);
            found.add(Rule::Earnings, position, what);
        }
    }

    pub(super) fn suspend(&mut self, host: Uuid, is_suspended: bool) {
        if is_suspended {
            self.suspended.insert(host);
        } else {
            self.suspended.remove(&host);
        }
    }

    pub(super) fn request(&mut self, position: u64, host: Uuid, fact: Requested, found: &mut Findings) {
        if self.suspended.contains(&host) {
            let what = format!("payout {} is asked for while host {host} is suspended", fact.payout_id);
            found.add(Rule::Payouts, position, what);
        }
        let available = &mut self.pots(host, &fact.amount).available;
        *available -= i128::from(fact.amount.minor);
        if *available < 0 || fact.amount.minor <= 0 {
            let what = format!("payout {} leaves {available} to host {host}", fact.payout_id);
            found.add(Rule::Payouts, position, what);
        }
        let payout = Payout {
            host,
            provider: fact.provider,
            amount: fact.amount,
            phase: Phase::Requested,
            returned: 0,
        };
        if self.payouts.insert(fact.payout_id, payout).is_some() {
            let what = format!("payout {} was requested before", fact.payout_id);
            found.add(Rule::Payouts, position, what);
        }
    }

    /// The provider that the money leaves.
    pub(super) fn pay(&mut self, position: u64, host: Uuid, fact: &Ended, found: &mut Findings) -> Option<String> {
        self.end(position, host, fact, Phase::Paid, found)
            .map(|payout| payout.provider.clone())
    }

    pub(super) fn fail(&mut self, position: u64, host: Uuid, fact: &Ended, found: &mut Findings) {
        if self.end(position, host, fact, Phase::Failed, found).is_some() {
            self.pots(host, &fact.amount).available += i128::from(fact.amount.minor);
        }
    }

    /// The provider that the money is with again.
    pub(super) fn take_back(
        &mut self,
        position: u64,
        host: Uuid,
        fact: &Ended,
        found: &mut Findings,
    ) -> Option<String> {
        let minor = i128::from(fact.amount.minor);
        let payout = self.payouts.get_mut(&fact.payout_id).filter(|payout| {
            let left = i128::from(payout.amount.minor) - payout.returned;
            let is_his = payout.host == host && payout.amount.currency == fact.amount.currency;
            is_his && payout.phase == Phase::Paid && minor > 0 && minor <= left
        });
        let Some(payout) = payout else {
            let what = format!("payout {} comes back, and was not paid so", fact.payout_id);
            found.add(Rule::Payouts, position, what);
            return None;
        };
        payout.returned += minor;
        let provider = payout.provider.clone();
        self.pots(host, &fact.amount).available += minor;
        Some(provider)
    }

    /// Sales that were settled and are nobody's yet.
    pub(super) fn find_unfinished(&self, sales: &Sales, found: &mut Findings) {
        for ticket in sales.settled().filter(|ticket| !self.earned.contains(ticket)) {
            found.add(
                Rule::Earnings,
                None,
                format!("ticket {ticket} is settled and not earned"),
            );
        }
        for (ticket, user) in self.shares.keys() {
            let what = format!("{user} has a share of ticket {ticket}, and it never came");
            found.add(Rule::Earnings, None, what);
        }
        for (user, dispute) in self.takes.keys() {
            let what = format!("{user} has not given back what dispute {dispute} takes");
            found.add(Rule::Disputes, None, what);
        }
    }

    fn end(&mut self, position: u64, host: Uuid, fact: &Ended, phase: Phase, found: &mut Findings) -> Option<&Payout> {
        let payout = self
            .payouts
            .get_mut(&fact.payout_id)
            .filter(|payout| payout.host == host && payout.amount == fact.amount && payout.phase == Phase::Requested);
        let Some(payout) = payout else {
            let what = format!("payout {} ends, and was not on its way so", fact.payout_id);
            found.add(Rule::Payouts, position, what);
            return None;
        };
        payout.phase = phase;
        Some(payout)
    }

    fn pots(&mut self, host: Uuid, amount: &Money) -> &mut Pots {
        self.pots.entry((host, amount.currency.clone())).or_default()
    }
}

/// Each of those who share has their part of the whole, to the unit.
fn is_divided(fact: &Credited, host: Uuid, shares: &[Share]) -> bool {
    let whole = &fact.split.host_share;
    let is_next = |minor: i64, points: u16| {
        let exact = i128::from(whole.minor) * i128::from(points);
        (i128::from(minor) * 10_000 - exact).abs() < 10_000
    };
    let is_shared = |part: &Part| shares.iter().any(|share| share.user == part.user && share.user != host);
    let parts: i64 = fact.co_hosts.iter().map(|part| part.amount.minor).sum();
    let all_have = shares.iter().all(|share| {
        let mut theirs = fact.co_hosts.iter().filter(|part| part.user == share.user);
        let minor = if share.user == host {
            whole.minor - parts
        } else {
            theirs.next().map_or(0, |part| part.amount.minor)
        };
        is_next(minor, share.basis_points) && theirs.next().is_none()
    });
    let is_of_one_kind = |part: &Part| part.amount.currency == whole.currency && part.amount.minor > 0;
    all_have && fact.co_hosts.iter().all(|part| is_shared(part) && is_of_one_kind(part))
}

fn minor_of(amount: Option<&Money>) -> i128 {
    amount.map_or(0, |amount| i128::from(amount.minor))
}

fn is_whole(split: &Split) -> bool {
    let settled = &split.settled;
    let own = [&settled.provider_fee, &split.platform_fee, &split.host_share];
    let others = [settled.tax.as_ref().map(|tax| &tax.amount), settled.store_fee.as_ref()];
    let mut parts = own.into_iter().chain(others.into_iter().flatten());
    let sum: i128 = parts.clone().map(|part| i128::from(part.minor)).sum();
    let is_whole = sum == i128::from(settled.gross.minor);
    is_whole && parts.all(|part| part.currency == settled.gross.currency && part.minor >= 0)
}
