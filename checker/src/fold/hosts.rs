//! Hosts: what they earned, and what was paid out to them.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::sales::Sales;
use crate::facts::{Credited, Ended, HeldEarning, Money, Requested, Reversed, Split};
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
}

#[derive(Debug, Default)]
pub(crate) struct Hosts {
    /// By host and dispute: what is held of an earning.
    held: HashMap<(Uuid, String), i128>,
    /// By host and currency: earned, and neither paid nor on its way.
    available: HashMap<(Uuid, String), i128>,
    /// By host and currency: what the host owes.
    owed: HashMap<(Uuid, String), i128>,
    earned: HashSet<Uuid>,
    payouts: HashMap<Uuid, Payout>,
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
        let netted = fact.netted.as_ref().map_or(0, |netted| i128::from(netted.minor));
        let owes = self
            .owed
            .entry((host, fact.split.host_share.currency.clone()))
            .or_default();
        *owes -= netted;
        if *owes < 0 || (*owes > 0 && netted < i128::from(fact.split.host_share.minor)) {
            let what = format!("ticket {ticket} pays {netted} of what host {host} owes, which leaves {owes}");
            found.add(Rule::Earnings, position, what);
        }
        *self.available(host, &fact.split.host_share) += i128::from(fact.split.host_share.minor) - netted;
    }

    pub(super) fn hold(&mut self, position: u64, host: Uuid, fact: &HeldEarning, found: &mut Findings) {
        let available = self.available(host, &fact.amount);
        *available -= i128::from(fact.amount.minor);
        if *available < 0 {
            let what = format!("dispute {} holds more than host {host} has", fact.dispute);
            found.add(Rule::Disputes, position, what);
        }
        let key = (host, fact.dispute.clone());
        self.held.insert(key, i128::from(fact.amount.minor));
    }

    pub(super) fn release(&mut self, position: u64, host: Uuid, fact: &HeldEarning, found: &mut Findings) {
        self.unhold(position, host, &fact.dispute, &fact.amount, found);
        *self.available(host, &fact.amount) += i128::from(fact.amount.minor);
    }

    pub(super) fn reverse(&mut self, position: u64, host: Uuid, fact: &Reversed, found: &mut Findings) {
        self.unhold(position, host, &fact.dispute, &fact.from_reserve, found);
        let available = self.available(host, &fact.from_available);
        *available -= i128::from(fact.from_available.minor);
        let left = *available;
        if left < 0 || (left > 0 && fact.receivable.minor > 0) {
            let what = format!(
                "dispute {} takes {:?} and leaves {left} to host {host}",
                fact.dispute, fact.from_available
            );
            found.add(Rule::Disputes, position, what);
        }
        let key = (host, fact.receivable.currency.clone());
        *self.owed.entry(key).or_default() += i128::from(fact.receivable.minor);
    }

    fn unhold(&mut self, position: u64, host: Uuid, dispute: &str, amount: &Money, found: &mut Findings) {
        let held = self.held.remove(&(host, dispute.to_owned())).unwrap_or(0);
        if held != i128::from(amount.minor) {
            let what = format!("dispute {dispute} held {held}, and lets go of {}", amount.minor);
            found.add(Rule::Disputes, position, what);
        }
    }

    pub(super) fn request(&mut self, position: u64, host: Uuid, fact: Requested, found: &mut Findings) {
        let available = self.available(host, &fact.amount);
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
            *self.available(host, &fact.amount) += i128::from(fact.amount.minor);
        }
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

    fn available(&mut self, host: Uuid, amount: &Money) -> &mut i128 {
        self.available.entry((host, amount.currency.clone())).or_default()
    }
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
