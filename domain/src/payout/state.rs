//! The state of a host's account: what the next decision needs, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::payout::balance::Balance;
use crate::payout::event::{CoHostPart, EarningCredited, EarningReversed, HeldEarning, Later, ShareCredited};
use crate::payout::hosting::{Hosting, Standing};
use crate::payout::monthly::PayoutSchedule;
use crate::{Currency, Fingerprint, Money, PayoutEvent, PayoutId, TicketId, Timestamp, UserId};

/// Standing, destination and money are independent of each other, so the account is no single chain of phases.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Payout {
    pub(super) hosting: Hosting,
    destination: Option<String>,
    credited: BTreeMap<TicketId, Credit>,
    holds: BTreeMap<String, Hold>,
    balances: BTreeMap<Currency, Balance>,
    payouts: BTreeMap<PayoutId, PayoutState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) schedule: Option<PayoutSchedule>,
    /// The last month in which nothing was paid by itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) rolled_over: BTreeMap<Currency, Timestamp>,
    /// Who may not come to any room of this host.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) banned: BTreeSet<UserId>,
}

/// One payout of a host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PayoutState {
    pub payout_id: PayoutId,
    pub amount: Money,
    pub destination: String,
    pub request: Fingerprint,
    pub state: PayoutPhase,
    /// So much of it has come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Money>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutPhase {
    Requested,
    Sent,
    Paid,
    /// The money is back in what is available.
    Failed,
    /// It was paid and came back, or a part of it did.
    Returned,
}

/// What a dispute holds of an earning.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hold {
    Held(Held),
    /// The dispute has ended.
    Over,
    /// It was lost, and these others give back what is theirs.
    Lost(Vec<CoHostPart>),
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) amount: Money,
    /// The part of it that was pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Money>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) co_hosts: Vec<CoHostPart>,
}

/// What a sale brought.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Credit {
    pub(super) gross: Money,
    /// Of all who share it.
    pub(super) share: Money,
    /// The own part of it, less what was given back.
    pub(super) left: Money,
    /// The parts of the others, less what they were to give back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) co_hosts: Vec<CoHostPart>,
    /// It is a part of another host's sale.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_part: bool,
}

impl Payout {
    /// Who the host is to the shop.
    pub const fn hosting(&self) -> &Hosting {
        &self.hosting
    }

    pub fn is_approved(&self) -> bool {
        self.hosting.standing() == Standing::Approved
    }

    pub const fn is_suspended(&self) -> bool {
        self.hosting.is_suspended()
    }

    pub fn destination(&self) -> Option<&str> {
        self.destination.as_deref()
    }

    /// What can be paid out.
    pub fn available(&self, currency: Currency) -> Money {
        self.of(currency, Balance::available)
    }

    /// Earned, and not available before its days are over.
    pub fn pending(&self, currency: Currency) -> Money {
        self.of(currency, |balance| balance.maturing.total)
    }

    /// What is held for disputes, and the rolling reserve.
    pub fn reserved(&self, currency: Currency) -> Money {
        self.of(currency, |balance| {
            balance.reserved.saturating_add(balance.rolling.total)
        })
    }

    /// What is kept of earnings for some time.
    pub fn rolling_reserve(&self, currency: Currency) -> Money {
        self.of(currency, |balance| balance.rolling.total)
    }

    /// What the host owes: the next earnings pay it first.
    pub fn receivable(&self, currency: Currency) -> Money {
        self.of(currency, |balance| balance.receivable)
    }

    /// Those in which anything was ever earned.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.balances.keys().copied()
    }

    /// How much of what comes back would have to wait.
    pub(super) fn gap(&self, currency: Currency, at: Timestamp) -> Money {
        self.of(currency, |balance| balance.maturing.gap(at))
    }

    pub(super) fn balances(&self) -> impl Iterator<Item = (Currency, &Balance)> {
        self.balances.iter().map(|(currency, balance)| (*currency, balance))
    }

    fn of(&self, currency: Currency, part: impl Fn(&Balance) -> i64) -> Money {
        Money::new(self.balances.get(&currency).map_or(0, part), currency)
    }

    pub(super) fn credit_of(&self, ticket_id: TicketId) -> Option<&Credit> {
        self.credited.get(&ticket_id)
    }

    pub(super) fn hold(&self, dispute: &str) -> Option<&Hold> {
        self.holds.get(dispute)
    }

    pub fn payouts(&self) -> impl Iterator<Item = &PayoutState> {
        self.payouts.values()
    }

    pub fn payout(&self, payout_id: PayoutId) -> Option<&PayoutState> {
        self.payouts.get(&payout_id)
    }

    pub fn is_credited(&self, ticket_id: TicketId) -> bool {
        self.credited.contains_key(&ticket_id)
    }

    /// What this ticket was sold in, if it was credited here.
    pub fn currency_of(&self, ticket_id: TicketId) -> Option<Currency> {
        self.credited.get(&ticket_id).map(|credit| credit.gross.currency())
    }

    /// All that was ever earned, and not given back.
    pub(super) fn earned(&self, currency: Currency) -> Money {
        self.of(currency, |balance| balance.earned)
    }

    /// What the host's own sales brought, whoever shared it, and was not given back: the platform's line goes by it.
    pub(super) fn lifetime(&self, currency: Currency) -> Money {
        self.of(currency, |balance| balance.earned.saturating_add(balance.shared))
    }

    /// Takes in a fact. Total: history is already true.
    pub(crate) fn evolve(&mut self, event: PayoutEvent) {
        match event {
            PayoutEvent::HostApplied { application, .. } => self.hosting.apply_for(application),
            PayoutEvent::HostApproved { by, verdict, .. } => {
                self.hosting
                    .decide(Standing::Approved, by, verdict.map(|verdict| *verdict));
            }
            PayoutEvent::HostWaitlisted(decision) => {
                self.hosting.decide(Standing::Waitlisted, decision.by, decision.verdict);
            }
            PayoutEvent::HostDeclined(decision) => {
                self.hosting.decide(Standing::Declined, decision.by, decision.verdict);
            }
            PayoutEvent::HostSuspended { .. } => self.hosting.suspend(),
            PayoutEvent::HostReinstated { .. } => self.hosting.reinstate(),
            PayoutEvent::GuestBanned { user, .. } => self.set_banned(user, true),
            PayoutEvent::GuestUnbanned { user, .. } => self.set_banned(user, false),
            PayoutEvent::FactsStated { facts, .. } => self.hosting.state(facts),
            PayoutEvent::TermsAccepted { terms_sha256, .. } => self.hosting.accept(terms_sha256),
            PayoutEvent::DestinationLinked { destination, .. } => self.destination = Some(destination),
            PayoutEvent::EarningCredited(earning) => self.credit(&earning),
            PayoutEvent::EarningHeld(held) => self.reserve(held),
            PayoutEvent::EarningReleased(held) => self.release(held),
            PayoutEvent::EarningReversed(reversed) => self.reverse(reversed),
            PayoutEvent::PayoutRequested {
                payout_id,
                amount,
                destination,
                request,
                ..
            } => {
                self.with_balance(amount, |balance, minor| {
                    balance.pending = balance.pending.saturating_add(minor);
                });
                let payout = PayoutState {
                    payout_id,
                    amount,
                    destination,
                    request,
                    state: PayoutPhase::Requested,
                    returned: None,
                };
                self.payouts.insert(payout_id, payout);
            }
            PayoutEvent::PayoutSent { payout_id, .. } => self.set_phase(payout_id, PayoutPhase::Sent),
            PayoutEvent::PayoutPaid { payout_id, amount, .. } => {
                self.with_balance(amount, |balance, minor| {
                    balance.pending = balance.pending.saturating_sub(minor);
                    balance.paid = balance.paid.saturating_add(minor);
                });
                self.set_phase(payout_id, PayoutPhase::Paid);
            }
            PayoutEvent::PayoutFailed { payout_id, amount, .. } => {
                self.with_balance(amount, |balance, minor| {
                    balance.pending = balance.pending.saturating_sub(minor);
                });
                self.set_phase(payout_id, PayoutPhase::Failed);
            }
            PayoutEvent::PayoutScheduleChosen { schedule, .. } => self.schedule = Some(schedule),
            PayoutEvent::PayoutRolledOver { available, due_at, .. } => self.roll_over(available, due_at),
            PayoutEvent::ShareCredited(share) => self.credit_share_of(&share),
            PayoutEvent::PayoutReturned { payout_id, amount, .. } => self.take_back(payout_id, amount),
            PayoutEvent::EarningsMatured { amount, matured_at } => {
                self.with_balance(amount, |balance, minor| balance.maturing.let_go(minor, matured_at));
            }
            PayoutEvent::ReserveReleased { amount, released_at } => {
                self.with_balance(amount, |balance, minor| balance.rolling.let_go(minor, released_at));
            }
            PayoutEvent::ReceivableNetted { amount, .. } => self.net(amount),
        }
    }

    fn set_banned(&mut self, user: UserId, is_banned: bool) {
        if is_banned {
            self.banned.insert(user);
        } else {
            self.banned.remove(&user);
        }
    }

    fn roll_over(&mut self, available: Money, due_at: Timestamp) {
        self.rolled_over.insert(available.currency(), due_at);
    }

    fn credit(&mut self, earning: &EarningCredited) {
        let own = earning.own_share();
        let credit = Credit {
            gross: earning.gross,
            share: earning.host_share,
            left: own,
            co_hosts: earning.co_hosts.clone(),
            is_part: false,
        };
        self.credited.insert(earning.ticket_id, credit);
        self.add(own, earning.netted, earning.pending, earning.reserved);
        self.with_balance(earning.shared(), |balance, minor| {
            balance.shared = balance.shared.saturating_add(minor);
        });
    }

    fn credit_share_of(&mut self, earning: &ShareCredited) {
        let credit = Credit {
            gross: earning.share,
            share: earning.share,
            left: earning.share,
            co_hosts: vec![],
            is_part: true,
        };
        self.credited.insert(earning.ticket_id, credit);
        self.add(earning.share, earning.netted, earning.pending, earning.reserved);
        self.with_balance(earning.share, |balance, minor| {
            balance.shared = balance.shared.saturating_sub(minor);
        });
    }

    fn add(&mut self, share: Money, netted: Option<Money>, pending: Option<Later>, reserved: Option<Later>) {
        if let Some(netted) = netted {
            self.net(netted);
        }
        self.with_balance(share, |balance, minor| {
            balance.earned = balance.earned.saturating_add(minor);
            if let Some(later) = pending {
                balance.maturing.add(later.amount.amount_minor(), later.until);
            }
            if let Some(later) = reserved {
                balance.rolling.add(later.amount.amount_minor(), later.until);
            }
        });
    }

    fn net(&mut self, amount: Money) {
        self.with_balance(amount, |balance, minor| {
            balance.receivable = balance.receivable.saturating_sub(minor);
        });
    }

    fn take_back(&mut self, payout_id: PayoutId, amount: Money) {
        self.with_balance(amount, |balance, minor| {
            balance.paid = balance.paid.saturating_sub(minor);
        });
        if let Some(payout) = self.payouts.get_mut(&payout_id) {
            let before = payout.returned.map_or(0, Money::amount_minor);
            let in_all = before.saturating_add(amount.amount_minor());
            payout.returned = Some(Money::new(in_all, amount.currency()));
            payout.state = PayoutPhase::Returned;
        }
    }

    fn reserve(&mut self, held: HeldEarning) {
        let pending = held.pending.map_or(0, Money::amount_minor);
        self.with_balance(held.amount, |balance, minor| {
            balance.reserved = balance.reserved.saturating_add(minor);
            balance.maturing.take(pending);
        });
        let kept = Held {
            amount: held.amount,
            pending: held.pending,
            co_hosts: held.co_hosts,
        };
        self.holds.insert(held.dispute, Hold::Held(kept));
    }

    fn release(&mut self, held: HeldEarning) {
        let pending = held.pending.map_or(0, Money::amount_minor);
        self.with_balance(held.amount, |balance, minor| {
            balance.reserved = balance.reserved.saturating_sub(minor);
            balance.maturing.put_back(pending);
        });
        self.holds.insert(held.dispute, Hold::Over);
    }

    fn reverse(&mut self, reversed: EarningReversed) {
        let parts = [reversed.from_reserve, reversed.from_available, reversed.receivable];
        let [held, available, owed] = parts.map(Money::amount_minor);
        let parts = [reversed.from_pending, reversed.from_rolling_reserve];
        let [pending, rolling] = parts.map(|part| part.map_or(0, Money::amount_minor));
        let all = [held, available, owed, pending, rolling]
            .into_iter()
            .fold(0, i64::saturating_add);
        let mut no_longer_shared = 0_i64;
        let is_of_own_sale = !reversed.co_hosts.is_empty();
        if let Some(credit) = self.credited.get_mut(&reversed.ticket_id) {
            credit.left = less(credit.left, all);
            if credit.is_part {
                no_longer_shared = all.saturating_neg();
            }
            for part in &reversed.co_hosts {
                let back = part.amount.amount_minor();
                no_longer_shared = no_longer_shared.saturating_add(back);
                let known = credit.co_hosts.iter_mut().filter(|known| known.user == part.user);
                known.for_each(|known| known.amount = less(known.amount, back));
            }
        }
        let ended = if is_of_own_sale {
            Hold::Lost(reversed.co_hosts)
        } else {
            Hold::Over
        };
        self.holds.insert(reversed.dispute, ended);
        self.with_balance(reversed.from_reserve, |balance, _| {
            balance.earned = balance.earned.saturating_sub(all);
            balance.reserved = balance.reserved.saturating_sub(held);
            balance.maturing.take(pending);
            balance.rolling.take(rolling);
            balance.receivable = balance.receivable.saturating_add(owed);
            balance.shared = balance.shared.saturating_sub(no_longer_shared);
        });
    }

    fn with_balance(&mut self, amount: Money, change: impl FnOnce(&mut Balance, i64)) {
        let balance = self.balances.entry(amount.currency()).or_default();
        change(balance, amount.amount_minor());
    }

    fn set_phase(&mut self, payout_id: PayoutId, phase: PayoutPhase) {
        if let Some(payout) = self.payouts.get_mut(&payout_id) {
            payout.state = phase;
        }
    }
}

fn less(money: Money, minor: i64) -> Money {
    Money::new(money.amount_minor().saturating_sub(minor), money.currency())
}
